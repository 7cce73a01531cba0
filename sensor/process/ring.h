// Ring: one inspector's messages to the supervisor, in shared memory that outlives both (design.md section 2).
//
// The launcher makes it (a memfd) and hands the descriptor to one RingWriter (an inspector) and one RingReader (the
// supervisor). Single writer, single reader; each may die at any instant and its successor goes on: a message is
// visible only once its bytes are complete (store-release of the write index), and is gone only when the reader says
// Release, which the supervisor does after its database commit. So: at least once; the reader de-duplicates by sequence
// number.
//
// The reader trusts nothing in the memory: lengths, indices and sequences are copied once and checked. A ring that lies
// is corrupt for ever, nothing more is taken from it: whoever holds the reader has its writer ended, and the next one
// gets a new ring.
//
//   header (one page): magic u64, capacity u64, write index u64, read index u64, sequence u64 (each on a cache line)
//   record: length u32, zero u32, sequence u64, payload, padding to 8; length 0xffffffff skips to the ring's start
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace spanwatch::process {

// Makes the shared memory of a ring. REQUIRES: capacity_bytes is a power of two of at least 4096.
Result<UniqueFd> MakeRing(std::size_t capacity_bytes);

namespace internal {
struct RingHeader;

// The mapping that writer and reader share in form; unmaps itself.
class RingMapping {
 public:
  static Result<RingMapping> Map(int fd);
  RingMapping(RingMapping&& other) noexcept;
  RingMapping& operator=(RingMapping&&) = delete;
  ~RingMapping();

  RingHeader& header() const { return *header_; }
  std::uint8_t* data() const { return data_; }
  std::uint64_t capacity() const { return capacity_; }

 private:
  RingMapping() = default;
  RingHeader* header_ = nullptr;
  std::uint8_t* data_ = nullptr;
  std::uint64_t capacity_ = 0;
  std::size_t mapped_bytes_ = 0;
};
}  // namespace internal

class RingWriter {
 public:
  // The descriptor may be closed afterwards.
  static Result<RingWriter> Open(int fd);

  // The longest message that ever fits.
  std::size_t max_message_bytes() const { return mapping_.capacity() / 4; }
  // False when there is no room now (or the message is longer than max_message_bytes).
  bool TryWrite(ByteView message) noexcept;

 private:
  explicit RingWriter(internal::RingMapping mapping) : mapping_(std::move(mapping)) {}
  internal::RingMapping mapping_;
};

class RingReader {
 public:
  static Result<RingReader> Open(int fd);

  struct Message {
    std::uint64_t sequence = 0;  // counts from 1, never reused, continues over restarts of either side
    Bytes payload;               // a copy: the writer can no longer change it
    std::uint64_t end = 0;       // for ReleaseThrough
  };

  // The next message after those already taken, or nothing. Taking does not free: Release does.
  std::optional<Message> Take();
  // Frees every message taken so far, or those up to one that was taken (`end` of it). Call after what they caused is
  // durable.
  void Release() noexcept { ReleaseThrough(position_); }
  void ReleaseThrough(std::uint64_t end) noexcept;
  // What was taken and not freed is taken again.
  void Rewind() noexcept;
  // What is in it is not credible: nothing more comes out.
  bool corrupt() const { return corrupt_; }
  bool empty() const noexcept;

 private:
  explicit RingReader(internal::RingMapping mapping);
  std::optional<Message> TakeChecked(std::uint64_t written);

  internal::RingMapping mapping_;
  std::uint64_t position_ = 0;  // next byte to take; at or ahead of the shared read index
  std::uint64_t released_ = 0;  // what the shared read index is, whatever a writer makes of it
  std::uint64_t sequence_ = 0;  // of the latest that was taken; 0: none
  bool corrupt_ = false;
};

}  // namespace spanwatch::process
