#include "base/block_pool.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "base/check.h"

namespace spanwatch {

BlockPool::BlockPool(std::size_t block_bytes, std::size_t budget_bytes)
    : block_bytes_(block_bytes), at_most_(budget_bytes / block_bytes) {
  CHECK(block_bytes >= sizeof(void*));
  slabs_.reserve((at_most_ + kSlabBlocks - 1) / kSlabBlocks);  // so that AddSlab allocates nothing but the slab
}

BlockPool::~BlockPool() { CHECK(in_use_ == 0); }

std::uint8_t* BlockPool::Take() noexcept {
  if (free_ == nullptr && !AddSlab()) return nullptr;
  std::uint8_t* block = free_;
  std::memcpy(&free_, block, sizeof(free_));
  ++in_use_;
  return block;
}

void BlockPool::Return(std::uint8_t* block) noexcept {
  DCHECK(in_use_ > 0);
  std::memcpy(block, &free_, sizeof(free_));
  free_ = block;
  --in_use_;
}

bool BlockPool::AddSlab() noexcept {
  const std::size_t count = std::min(kSlabBlocks, at_most_ - made_);
  if (count == 0) return false;
  std::unique_ptr<std::uint8_t[]> slab(new (std::nothrow) std::uint8_t[count * block_bytes_]);
  if (slab == nullptr) return false;
  for (std::size_t i = count; i-- > 0;) {
    std::uint8_t* block = slab.get() + i * block_bytes_;
    std::memcpy(block, &free_, sizeof(free_));
    free_ = block;
  }
  made_ += count;
  slabs_.push_back(std::move(slab));
  return true;
}

}  // namespace spanwatch
