// What a delta must hold: the items of the whole set that its base lacks or holds otherwise, and the ids that the base
// must no longer tell. Used by `register build --delta-from`. Pure.
#pragma once

#include <vector>

#include "hashset/mapped_hashset.h"

namespace spanwatch::enrolment {

struct Delta {
  std::vector<bool> added;      // by row of the whole set: new, or other than in the base
  std::vector<ItemId> removed;  // of the base: no longer there, or now other than it was
  std::uint64_t changed = 0;    // in both
};

Delta DeltaBetween(const hashset::MappedHashSet& base, const hashset::MappedHashSet& whole);

// Refuses what no delta can stand on: a delta, another register's set, another signer's, or a later one.
Status CheckBase(const hashset::MappedHashSet& base, const hashset::MappedHashSet& whole);

}  // namespace spanwatch::enrolment
