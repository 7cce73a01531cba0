#include "flow/stream_history.h"

#include <cstring>

namespace spanwatch::flow {

void StreamHistory::Add(std::uint64_t position, ByteView bytes) noexcept {
  if (position != end_) {
    Forget();
    first_ = begin_ = end_ = position;
  }
  while (!bytes.empty()) {
    const auto used = static_cast<std::size_t>(end_ - first_);
    if (used == held_.size() * kBlockBytes && NextBlock() == nullptr) {  // the pool has nothing for this direction
      first_ = begin_ = end_ += bytes.size();
      return;
    }
    const auto at = static_cast<std::size_t>(end_ - first_);
    const std::size_t count = std::min(bytes.size(), kBlockBytes - at % kBlockBytes);
    std::memcpy(BlockAt(at / kBlockBytes) + at % kBlockBytes, bytes.data(), count);
    end_ += count;
    bytes = bytes.subspan(count);
  }
}

std::uint8_t* StreamHistory::NextBlock() noexcept {
  std::uint8_t* const fresh = held_.size() < most_blocks_ ? blocks_.Take() : nullptr;
  if (fresh != nullptr) {
    std::ranges::rotate(held_, held_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
    held_.push_back(fresh);
    return fresh;
  }
  if (held_.empty()) return nullptr;
  std::uint8_t* const oldest = held_[head_];
  head_ = (head_ + 1) % held_.size();
  first_ += kBlockBytes;
  begin_ = std::max(begin_, first_);
  return oldest;
}

StreamHistory::Comparison StreamHistory::Compare(std::uint64_t position, ByteView bytes) const noexcept {
  Comparison result = Comparison::kSame;
  while (!bytes.empty()) {
    if (position < begin_ || position >= end_) {
      result = Comparison::kUnknown;
      if (position >= end_ || position + bytes.size() <= begin_) return result;
      bytes = bytes.subspan(static_cast<std::size_t>(begin_ - position));
      position = begin_;
      continue;
    }
    const ByteView run = RunAt(position);
    const std::size_t count = std::min(run.size(), bytes.size());
    if (std::memcmp(run.data(), bytes.data(), count) != 0) return Comparison::kDiffers;
    position += count;
    bytes = bytes.subspan(count);
  }
  return result;
}

void StreamHistory::Forget() noexcept {
  for (std::uint8_t* block : held_) blocks_.Return(block);
  held_.clear();
  head_ = 0;
  first_ = begin_ = end_;
}

ByteView StreamHistory::RunAt(std::uint64_t position) const {
  const auto offset = static_cast<std::size_t>(position - first_);
  const auto left = static_cast<std::size_t>(end_ - position);
  return {BlockAt(offset / kBlockBytes) + offset % kBlockBytes, std::min(kBlockBytes - offset % kBlockBytes, left)};
}

}  // namespace spanwatch::flow
