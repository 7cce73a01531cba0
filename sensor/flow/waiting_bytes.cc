#include "flow/waiting_bytes.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace spanwatch::flow {
namespace {

constexpr std::size_t kWords = WaitingBytes::kWindowBytes / 64;

std::uint64_t WordOf(const std::uint8_t* block, std::size_t index) {
  std::uint64_t word;
  std::memcpy(&word, block + WaitingBytes::kWindowBytes + index * sizeof(word), sizeof(word));
  return word;
}
void SetWord(std::uint8_t* block, std::size_t index, std::uint64_t word) {
  std::memcpy(block + WaitingBytes::kWindowBytes + index * sizeof(word), &word, sizeof(word));
}

// The first place from `from` on whose bit is `set`; kWindowBytes when there is none.
std::size_t Next(const std::uint8_t* block, std::size_t from, bool set) {
  for (std::size_t index = from / 64; index < kWords; ++index) {
    std::uint64_t word = WordOf(block, index);
    if (!set) word = ~word;
    if (index == from / 64) word &= ~std::uint64_t{0} << from % 64;
    if (word != 0) return index * 64 + static_cast<std::size_t>(std::countr_zero(word));
  }
  return WaitingBytes::kWindowBytes;
}

void Mark(std::uint8_t* block, std::size_t from, std::size_t to, bool set) {
  for (std::size_t at = from; at < to;) {
    const std::size_t count = std::min(to - at, 64 - at % 64);
    const std::uint64_t mask = (count == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1) << at % 64;
    const std::uint64_t word = WordOf(block, at / 64);
    SetWord(block, at / 64, set ? word | mask : word & ~mask);
    at += count;
  }
}

}  // namespace

WaitingBytes::~WaitingBytes() {
  for (std::size_t i = first_; i < windows_.size(); ++i) blocks_.Return(windows_[i].block);
}

std::uint64_t WaitingBytes::begin() const noexcept {
  std::uint64_t begin = cuts_.empty() ? UINT64_MAX : cuts_.front().begin;
  if (first_ == windows_.size()) return begin;
  const Window& window = windows_[first_];
  return std::min(begin, window.base + Next(window.block, 0, true));
}

std::uint64_t WaitingBytes::end() const noexcept {
  std::uint64_t end = cuts_.empty() ? 0 : cuts_.back().end;
  if (first_ == windows_.size()) return end;
  const Window& window = windows_.back();
  std::size_t index = kWords - 1;
  while (WordOf(window.block, index) == 0) --index;
  const auto last = static_cast<std::size_t>(std::bit_width(WordOf(window.block, index)));
  return std::max(end, window.base + index * 64 + last);
}

WaitingBytes::Run WaitingBytes::At(std::uint64_t position) const noexcept {
  Run run;
  const auto cut = std::ranges::partition_point(cuts_, [&](const Range& range) { return range.end <= position; });
  if (cut != cuts_.end()) {
    if (cut->begin <= position) return {Kind::kCut, cut->end, nullptr};
    run.end = cut->begin;
  }
  const std::size_t index = Find(position);
  if (index == windows_.size()) return run;
  const Window& window = windows_[index];
  const auto offset = position > window.base ? static_cast<std::size_t>(position - window.base) : 0;
  const std::size_t there = Next(window.block, offset, true);
  if (position >= window.base && there == offset) {
    return {Kind::kBytes, window.base + Next(window.block, offset, false), window.block + offset};
  }
  if (there < kWindowBytes) {
    run.end = std::min(run.end, window.base + there);
  } else if (index + 1 < windows_.size()) {
    run.end = std::min(run.end, windows_[index + 1].base + Next(windows_[index + 1].block, 0, true));
  }
  return run;
}

bool WaitingBytes::TakesBlock(std::uint64_t position) const noexcept {
  const std::size_t index = Find(position);
  return index == windows_.size() || windows_[index].base > position;
}

std::size_t WaitingBytes::Put(std::uint64_t position, ByteView bytes) noexcept {
  const std::uint64_t base = position - position % kWindowBytes;
  const std::size_t index = Find(position);
  if (index == windows_.size() || windows_[index].base != base) {
    std::uint8_t* const block = blocks_.Take();
    if (block == nullptr) return 0;
    std::memset(block + kWindowBytes, 0, kWindowBytes / 8);
    windows_.insert(windows_.begin() + static_cast<std::ptrdiff_t>(index), {base, block});
  }
  const auto offset = static_cast<std::size_t>(position - base);
  const std::size_t count = std::min(bytes.size(), kWindowBytes - offset);
  std::memcpy(windows_[index].block + offset, bytes.data(), count);
  Mark(windows_[index].block, offset, offset + count, true);
  return count;
}

void WaitingBytes::PutCut(std::uint64_t position, std::uint64_t length) {
  const auto next = std::ranges::partition_point(cuts_, [&](const Range& range) { return range.begin <= position; });
  if (next != cuts_.begin() && std::prev(next)->end == position) {
    std::prev(next)->end += length;
  } else {
    cuts_.insert(next, {position, position + length});
  }
}

void WaitingBytes::PopFront() noexcept {
  const std::uint64_t at = begin();
  if (!cuts_.empty() && cuts_.front().begin == at) {
    cuts_.erase(cuts_.begin());
    return;
  }
  const Window& window = windows_[first_];
  const auto from = static_cast<std::size_t>(at - window.base);
  const std::size_t to = Next(window.block, from, false);
  Mark(window.block, from, to, false);
  if (Next(window.block, to, true) < kWindowBytes) return;
  blocks_.Return(window.block);
  ++first_;
  Compact();
}

std::size_t WaitingBytes::Find(std::uint64_t position) const noexcept {
  // Most segments come behind everything that waits.
  if (first_ == windows_.size() || windows_.back().base + kWindowBytes <= position) return windows_.size();
  const auto begin = windows_.begin() + static_cast<std::ptrdiff_t>(first_);
  const auto found = std::partition_point(begin, windows_.end(),
                                          [&](const Window& window) { return window.base + kWindowBytes <= position; });
  return static_cast<std::size_t>(found - windows_.begin());
}

void WaitingBytes::Compact() noexcept {
  if (first_ == windows_.size()) {
    windows_.clear();
    first_ = 0;
    if (windows_.capacity() > 64) windows_.shrink_to_fit();
  } else if (first_ >= 1024 && first_ * 2 >= windows_.size()) {
    windows_.erase(windows_.begin(), windows_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

}  // namespace spanwatch::flow
