// Which hash sets may be loaded beside one another: at most kSetsMax, and a delta only with its base (the set of that
// serial, of the same name and signer), one delta a base. Used before sets are taken in and when a snapshot is made.
// Pure.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "hashset/mapped_hashset.h"

namespace spanwatch::hashset {

using SetList = std::vector<std::shared_ptr<const MappedHashSet>>;

// For each set its delta among them, or null. Refuses with one line that names the file.
Result<std::vector<const MappedHashSet*>> DeltasOf(std::span<const std::shared_ptr<const MappedHashSet>> sets);

}  // namespace spanwatch::hashset
