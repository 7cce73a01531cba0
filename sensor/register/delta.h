// What a delta must hold: the items of the whole set that its base lacks or holds otherwise, the ids that the base must
// no longer tell, and what became common of the fragment windows or is so no longer. The base is a whole set with the
// deltas that were built on it. Used by `register build --delta-from`. Pure.
#pragma once

#include <filesystem>
#include <vector>

#include "hashset/set_family.h"

namespace spanwatch::enrolment {

struct Delta {
  std::vector<bool> added;      // by row of the whole set: new, or other than in the base
  std::vector<ItemId> removed;  // of the base: no longer there, or now other than it was
  std::uint64_t changed = 0;    // in both
  std::vector<std::uint64_t> common;
  std::vector<std::uint64_t> no_longer_common;
};

Delta DeltaBetween(const hashset::Family& base, const hashset::MappedHashSet& whole);

// A whole set and its deltas as a base, in any order; every one is read and found whole.
struct DeltaBase {
  hashset::SetList sets;
  std::shared_ptr<const hashset::Family> family;
};
Result<DeltaBase> OpenDeltaBase(const std::vector<std::filesystem::path>& files);

// Refuses what no delta can stand on: another register's set, another signer's, or a later one.
Status CheckBase(const hashset::Family& base, const hashset::MappedHashSet& whole);

}  // namespace spanwatch::enrolment
