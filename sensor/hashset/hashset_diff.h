// DiffHashSets: what one hash set holds that another does not, item by item; a set with its deltas counts as the set
// that they make together. Used by `spanwatch hashset diff`. Pure; the sets must outlive what is returned.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "hashset/set_family.h"
#include "model/match.h"

namespace spanwatch::hashset {

// What a set holds of one item.
struct ItemContent {
  std::string_view collection;
  ItemKind kind = ItemKind::kFile;
  std::uint64_t size = 0;
  std::int64_t expires = 0;   // nanoseconds; INT64_MAX: never
  std::uint8_t methods = 0;   // bit of each Method by which it can be recognised
  std::uint32_t windows = 0;  // registered fragments
  std::uint32_t views = 0;
  friend bool operator==(const ItemContent&, const ItemContent&) = default;
};

struct ItemDifference {
  ItemId id{};
  std::optional<ItemContent> before;  // nothing: added
  std::optional<ItemContent> after;   // nothing: removed
};

// What of a family is looked for, by id.
std::vector<std::pair<ItemId, ItemContent>> ContentOf(const Family& family);
// By id. What is equal in both is left out.
std::vector<ItemDifference> DiffHashSets(const Family& before, const Family& after);

}  // namespace spanwatch::hashset
