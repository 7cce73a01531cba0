// RecordDistinctSet: has this value been seen in this object or window? Exact up to a limit, then a Bloom filter of
// fixed size that may take a new value for an old one (under 1 % up to half a million values), so that memory stays
// bounded and counts are never too high. Takes no memory until the first value. One thread.
#pragma once

#include <cstdint>
#include <vector>

namespace spanwatch::fingerprint {

class RecordDistinctSet {
 public:
  explicit RecordDistinctSet(std::size_t exact_limit) : exact_limit_(exact_limit) {}

  // True when `value` was not there. REQUIRES: value != 0
  bool Insert(std::uint64_t value);
  bool at_limit() const { return size_ >= exact_limit_; }
  void Clear();

 private:
  bool InsertFiltered(std::uint64_t hash);
  void Grow();

  std::size_t exact_limit_;
  std::size_t size_ = 0;
  std::vector<std::uint64_t> slots_;   // open addressing, a power of two, at most half full; 0 is empty
  std::vector<std::uint64_t> filter_;  // beyond the limit
};

}  // namespace spanwatch::fingerprint
