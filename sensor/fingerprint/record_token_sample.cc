#include "fingerprint/record_token_sample.h"

#include <algorithm>
#include <bit>

namespace spanwatch::fingerprint {
namespace {

constexpr std::size_t kFirstKeys = 64;
constexpr std::size_t kKeptKeys = 4096;  // kept by Clear: clearing more costs more than making it again

}  // namespace

void RecordTokenSample::InsertKept(std::uint64_t key, std::uint16_t kind) {
  if (keys_.empty()) {
    keys_.resize(kFirstKeys);
    kinds_.resize(kFirstKeys);
  }
  if (!Place(key, kind)) return;
  if (kind >= counts_.size()) counts_.resize(kind + std::size_t{1});
  ++counts_[kind];
  ++size_;
  if (size_ > limit_) {
    while (size_ > limit_) {
      threshold_ >>= 1;
      ++halvings_;
      Rebuild(keys_.size());
    }
  } else if (size_ * 2 > keys_.size()) {
    Rebuild(keys_.size() * 2);
  }
}

// False when it was there.
bool RecordTokenSample::Place(std::uint64_t key, std::uint16_t kind) {
  key = std::max(key, std::uint64_t{1});
  // The lowest bits: the highest fall away with the threshold.
  std::size_t slot = key & (keys_.size() - 1);
  for (; keys_[slot] != 0; slot = (slot + 1) & (keys_.size() - 1)) {
    if (keys_[slot] == key) return false;
  }
  keys_[slot] = key;
  kinds_[slot] = kind;
  return true;
}

void RecordTokenSample::Rebuild(std::size_t slots) {
  std::vector<std::uint64_t> keys(slots);
  std::vector<std::uint16_t> kinds(slots);
  keys.swap(keys_);
  kinds.swap(kinds_);
  std::ranges::fill(counts_, 0);
  size_ = 0;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i] == 0 || keys[i] > threshold_) continue;
    Place(keys[i], kinds[i]);
    ++counts_[kinds[i]];
    ++size_;
  }
}

void RecordTokenSample::Clear() {
  if (keys_.size() > kKeptKeys) {
    keys_ = {};
    kinds_ = {};
  } else if (size_ > 0) {
    std::ranges::fill(keys_, 0);
  }
  counts_.clear();
  threshold_ = kWhole;
  halvings_ = 0;
  size_ = 0;
}

}  // namespace spanwatch::fingerprint
