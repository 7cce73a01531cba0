// Which hash sets may be loaded beside one another: at most kSetsMax whole ones, and a delta only with the set that it
// names by its digest, which is a whole set or a delta itself. A family is a whole set and its chain of deltas, in
// which each is the only one to its predecessor. Used before sets are taken in and when a snapshot is made. Pure.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "hashset/mapped_hashset.h"

namespace spanwatch::hashset {

using SetList = std::vector<std::shared_ptr<const MappedHashSet>>;
// A whole set and its deltas, each after the one it was built from.
using Family = std::vector<const MappedHashSet*>;

// Where a set stands in its family.
struct FamilyPlace {
  std::shared_ptr<const Family> family;
  std::size_t place = 0;

  std::span<const MappedHashSet* const> followers() const { return std::span(*family).subspan(place + 1); }
};

// For each set its place. Refuses with one line that names the file.
Result<std::vector<FamilyPlace>> FamiliesOf(std::span<const std::shared_ptr<const MappedHashSet>> sets);

// This set, and what it stands on when it is a delta, found among the others.
Result<Family> FamilyUpTo(const MappedHashSet& last, std::span<const std::shared_ptr<const MappedHashSet>> others);

// The collection of this name as the last of the family has it, else as `set` itself has it. The last speaks for all.
// REQUIRES: index < set.manifest().collections.size()
const CollectionRow& CurrentCollection(const MappedHashSet& set, const Family& family, std::size_t index);
// Whether one of these deltas takes back this item.
bool IsTakenBack(const ItemId& id, std::span<const MappedHashSet* const> followers);
// Whether this fragment hash is no evidence of any item in the family.
bool IsCommon(std::uint64_t hash, const Family& family);

}  // namespace spanwatch::hashset
