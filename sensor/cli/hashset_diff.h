// What `spanwatch hashset diff` prints: properties of the sets, counts by collection, then a line an item.
#pragma once

#include "hashset/mapped_hashset.h"

namespace spanwatch::cli {

// `json`: one object a line, the first about the sets, one of each item that differs after it.
void PrintHashSetDiff(const hashset::MappedHashSet& before, const hashset::MappedHashSet& after, bool json);

}  // namespace spanwatch::cli
