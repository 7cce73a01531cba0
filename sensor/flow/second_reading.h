// SecondReading: one direction of a TCP connection as whoever believes later bytes sees it. Where a position came with
// two contents, TcpReassembler passes on one; this passes on the other, with everything around it, so that both are
// searched. Made by Conversation when the first contradiction comes; one inspector thread.
//
// Bytes wait in a line of flow.second_reading_bytes, so that what is contradicted within it is replaced before it is
// passed on. What contradicts something older is passed on from there once more, behind a gap. Where
// flow.second_reading_memory_bytes is used up there is no line, and bytes pass as they come.
#pragma once

#include <vector>

#include "base/block_pool.h"

namespace spanwatch::flow {

// Implemented by Conversation (and by tests). Views live during the call.
class ReadingSink {
 public:
  virtual ~ReadingSink() = default;
  virtual void OnReadingData(ByteView bytes) noexcept = 0;
  virtual void OnReadingGap(std::uint64_t length) noexcept = 0;
};

class SecondReading {
 public:
  // `lines`: blocks as long as a line; it and `sink` outlive the reading.
  SecondReading(BlockPool& lines, ReadingSink& sink, std::uint64_t position);
  ~SecondReading();
  SecondReading(const SecondReading&) = delete;
  SecondReading& operator=(const SecondReading&) = delete;

  // What the first reading passed on: taken where nothing else is known.
  void OnFirst(std::uint64_t position, ByteView bytes) noexcept { Take(position, bytes, false); }
  // What contradicts it, or may.
  void OnOther(std::uint64_t position, ByteView bytes) noexcept { Take(position, bytes, true); }
  // Passes on all that waits.
  void Finish() noexcept { PassOn(begin_ + filled_); }

 private:
  struct Range {
    std::size_t begin, end;  // in the line
  };

  void Take(std::uint64_t position, ByteView bytes, bool replaces) noexcept;
  void Put(std::size_t at, ByteView bytes, bool replaces) noexcept;
  // Passes on what lies before `position`, with gaps where nothing came.
  void PassOn(std::uint64_t position) noexcept;
  void JumpTo(std::uint64_t position) noexcept;

  BlockPool& lines_;
  ReadingSink& sink_;
  std::uint8_t* line_;
  const std::size_t capacity_;
  std::uint64_t begin_;         // position of the line's first byte
  std::size_t filled_ = 0;      // to the end of its last range
  std::vector<Range> present_;  // sorted, none touch
};

}  // namespace spanwatch::flow
