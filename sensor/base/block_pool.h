// BlockPool: blocks of one size out of one budget, for bytes that must wait (out-of-order TCP). Owned by the stage that
// needs it; one thread. Memory is taken from the system in slabs as it is first needed and kept until the pool goes; a
// block is valid from Take until Return, and every block must be returned before the pool goes.
#pragma once

#include <memory>
#include <vector>

#include "base/bytes.h"

namespace spanwatch {

class BlockPool {
 public:
  // REQUIRES: block_bytes >= sizeof(void*). The budget is rounded down to whole blocks.
  BlockPool(std::size_t block_bytes, std::size_t budget_bytes);
  ~BlockPool();
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;

  // `block_bytes()` bytes of unknown content, or null when the budget is used up.
  std::uint8_t* Take() noexcept;
  // REQUIRES: from Take of this pool, not yet returned.
  void Return(std::uint8_t* block) noexcept;

  std::size_t block_bytes() const { return block_bytes_; }
  std::size_t blocks_in_use() const { return in_use_; }
  std::size_t blocks_at_most() const { return at_most_; }

 private:
  static constexpr std::size_t kSlabBlocks = 64;

  bool AddSlab() noexcept;

  const std::size_t block_bytes_;
  const std::size_t at_most_;
  std::size_t in_use_ = 0;
  std::size_t made_ = 0;
  std::uint8_t* free_ = nullptr;  // each free block begins with the address of the next
  std::vector<std::unique_ptr<std::uint8_t[]>> slabs_;
};

}  // namespace spanwatch
