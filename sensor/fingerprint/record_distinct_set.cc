#include "fingerprint/record_distinct_set.h"

#include <algorithm>

namespace spanwatch::fingerprint {
namespace {

constexpr std::size_t kFirstSlots = 64;
constexpr std::size_t kKeptSlots = 4096;  // kept by Clear: clearing more costs more than making it again
constexpr std::size_t kFilterBits = std::size_t{1} << 23;
constexpr int kFilterHashes = 4;

// Stafford's thirteenth mix of MurmurHash3's finaliser.
std::uint64_t Mix(std::uint64_t value) {
  value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9;
  value = (value ^ value >> 27) * 0x94D049BB133111EB;
  return value ^ value >> 31;
}

}  // namespace

bool RecordDistinctSet::Insert(std::uint64_t value) {
  if (slots_.empty()) slots_.resize(kFirstSlots);
  const std::uint64_t hash = Mix(value);
  std::size_t slot = hash & (slots_.size() - 1);
  for (; slots_[slot] != 0; slot = (slot + 1) & (slots_.size() - 1)) {
    if (slots_[slot] == value) return false;
  }
  if (at_limit()) return InsertFiltered(hash);
  slots_[slot] = value;
  if (++size_ * 2 > slots_.size()) Grow();
  return true;
}

bool RecordDistinctSet::InsertFiltered(std::uint64_t hash) {
  if (filter_.empty()) filter_.resize(kFilterBits / 64);
  bool fresh = false;
  const std::uint64_t step = hash >> 32 | 1;
  for (int i = 0; i < kFilterHashes; ++i, hash += step) {
    const std::size_t bit = hash & (kFilterBits - 1);
    const std::uint64_t mask = std::uint64_t{1} << (bit % 64);
    fresh = fresh || (filter_[bit / 64] & mask) == 0;
    filter_[bit / 64] |= mask;
  }
  return fresh;
}

void RecordDistinctSet::Grow() {
  std::vector<std::uint64_t> old(slots_.size() * 2);
  old.swap(slots_);
  for (const std::uint64_t value : old) {
    if (value == 0) continue;
    std::size_t slot = Mix(value) & (slots_.size() - 1);
    while (slots_[slot] != 0) slot = (slot + 1) & (slots_.size() - 1);
    slots_[slot] = value;
  }
}

void RecordDistinctSet::Clear() {
  if (slots_.size() > kKeptSlots) {
    slots_ = {};
  } else if (size_ > 0) {
    std::ranges::fill(slots_, 0);
  }
  size_ = 0;
  filter_ = {};
}

}  // namespace spanwatch::fingerprint
