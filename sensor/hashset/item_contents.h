// What a hash set holds of each of its items, as one number: equal numbers, equal contents, but for a chance of 2^-32,
// since sets of different sizes have no more than the first 32 bits of a key in common.
// `register build --delta-from` compares two sets by it. Reads the whole set once. Pure.
#pragma once

#include <vector>

#include "hashset/mapped_hashset.h"

namespace spanwatch::hashset {

// By row. The item's id is no part of it; size, expiry and the collection's name, owner and kind are.
std::vector<std::uint64_t> ItemContents(const MappedHashSet& set);

}  // namespace spanwatch::hashset
