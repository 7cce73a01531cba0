// StreamHistory: the bytes of one direction of a TCP connection that were passed on last, so that what comes again can
// be compared with them. Owned by TcpReassembler; one inspector thread. Holds at most flow.history_bytes, in blocks of
// a pool that all directions share; where the pool is empty it is shorter.
#pragma once

#include <algorithm>
#include <vector>

#include "base/block_pool.h"

namespace spanwatch::flow {

class StreamHistory {
 public:
  // Most conversations are short.
  static constexpr std::size_t kBlockBytes = 2048;

  enum class Comparison : std::uint8_t { kSame, kDiffers, kUnknown };

  // REQUIRES: blocks of kBlockBytes at least.
  StreamHistory(BlockPool& blocks, std::size_t most_bytes)
      : blocks_(blocks), most_blocks_(std::max<std::size_t>(1, most_bytes / kBlockBytes)) {}
  ~StreamHistory() { Forget(); }
  StreamHistory(const StreamHistory&) = delete;
  StreamHistory& operator=(const StreamHistory&) = delete;

  // `bytes` of the stream were passed on. What lies before `position` and is not contiguous with it is forgotten.
  void Add(std::uint64_t position, ByteView bytes) noexcept;
  // Of [position, position + bytes.size()): kUnknown as soon as a part is not remembered and the rest is the same.
  Comparison Compare(std::uint64_t position, ByteView bytes) const noexcept;
  // What is remembered is [begin, end).
  std::uint64_t begin() const { return begin_; }
  std::uint64_t end() const { return end_; }
  // Calls visit(position, bytes) over what is remembered, in order.
  template <typename Visit>
  void ForEach(Visit visit) const {
    for (std::uint64_t at = begin_; at < end_;) {
      const ByteView run = RunAt(at);
      visit(at, run);
      at += run.size();
    }
  }
  // Returns its memory.
  void Forget() noexcept;

 private:
  // From `position` to the end of its block. REQUIRES: begin_ <= position < end_.
  ByteView RunAt(std::uint64_t position) const;

  std::uint8_t* BlockAt(std::size_t index) const {
    const std::size_t at = head_ + index;
    return held_[at < held_.size() ? at : at - held_.size()];
  }
  // A block behind the others: a new one, else the oldest; null when there is none.
  std::uint8_t* NextBlock() noexcept;

  BlockPool& blocks_;
  const std::size_t most_blocks_;
  std::vector<std::uint8_t*> held_;  // a ring, from head_ on: of first_ on, without a gap
  std::size_t head_ = 0;
  std::uint64_t first_ = 0;  // position of the first byte of the first block
  std::uint64_t begin_ = 0, end_ = 0;
};

}  // namespace spanwatch::flow
