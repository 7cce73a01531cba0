// WaitingBytes: the bytes of one direction of a TCP connection that wait for what lies before them, by position. Owned
// by TcpReassembler; one inspector thread.
//
// A block of the shared pool holds a window of the stream, aligned to kWindowBytes, and a bit for each byte of it that
// is there: so a segment costs the same whatever came before, and bytes take up no more room when they come one by one
// and in any order. Runs that the snap length cut have no bytes; they are kept beside the windows.
#pragma once

#include <vector>

#include "base/block_pool.h"

namespace spanwatch::flow {

class WaitingBytes {
 public:
  static constexpr std::size_t kWindowBytes = 1024;
  static constexpr std::size_t kBlockBytes = kWindowBytes + kWindowBytes / 8;

  enum class Kind : std::uint8_t { kNothing, kBytes, kCut };
  // What there is from a position on, alike up to `end`. Bytes live until they are taken.
  struct Run {
    Kind kind = Kind::kNothing;
    std::uint64_t end = UINT64_MAX;
    const std::uint8_t* bytes = nullptr;
  };

  // REQUIRES: blocks of kBlockBytes at least.
  explicit WaitingBytes(BlockPool& blocks) : blocks_(blocks) {}
  ~WaitingBytes();
  WaitingBytes(const WaitingBytes&) = delete;
  WaitingBytes& operator=(const WaitingBytes&) = delete;

  bool empty() const { return first_ == windows_.size() && cuts_.empty(); }
  // The first position that waits, and behind the last. REQUIRES: not empty.
  std::uint64_t begin() const noexcept;
  std::uint64_t end() const noexcept;
  Run At(std::uint64_t position) const noexcept;
  // Blocks in use; a cut run counts as one.
  std::size_t blocks() const { return windows_.size() - first_ + cuts_.size(); }

  // Keeps the beginning of `bytes`; how much, 0 when that takes a block and there is none. REQUIRES: nothing waits
  // there.
  std::size_t Put(std::uint64_t position, ByteView bytes) noexcept;
  // Whether Put there takes another block.
  bool TakesBlock(std::uint64_t position) const noexcept;
  void PutCut(std::uint64_t position, std::uint64_t length);
  // Forgets the run that begins at begin().
  void PopFront() noexcept;

 private:
  struct Window {
    std::uint64_t base;
    std::uint8_t* block;
  };
  struct Range {
    std::uint64_t begin, end;
  };

  // The first window that ends behind `position`.
  std::size_t Find(std::uint64_t position) const noexcept;
  void Compact() noexcept;

  BlockPool& blocks_;
  std::vector<Window> windows_;  // by base, from first_ on; each holds a byte at least
  std::size_t first_ = 0;
  std::vector<Range> cuts_;  // by position
};

}  // namespace spanwatch::flow
