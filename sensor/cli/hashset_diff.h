// What `spanwatch hashset diff` prints: properties of the sets, counts by collection, then a line an item.
#pragma once

#include "hashset/set_family.h"

namespace spanwatch::cli {

// The last of each family is what is told of; the rest is what it stands on.
// `json`: one object a line, the first about the sets, one of each item that differs after it.
void PrintHashSetDiff(const hashset::Family& before, const hashset::Family& after, bool json);

}  // namespace spanwatch::cli
