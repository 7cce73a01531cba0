#include "hashset/hashset_diff.h"

#include <algorithm>

namespace spanwatch::hashset {
namespace {

// Of every item in the order of the set; `family` has the set.
std::vector<ItemContent> ItemsOf(const MappedHashSet& set, const Family& family) {
  std::vector<ItemContent> items(set.item_count());
  const auto add = [&](std::uint32_t row, Method method) {
    if (row < items.size()) items[row].methods |= static_cast<std::uint8_t>(1u << static_cast<unsigned>(method));
  };
  for (std::uint32_t row = 0; row < items.size(); ++row) {
    const ItemFacts facts = set.Item(row);
    const CollectionRow& collection = CurrentCollection(set, family, facts.collection);
    items[row].collection = collection.name;
    items[row].kind = facts.kind;
    items[row].size = facts.size;
    items[row].expires = Nanoseconds(std::min(set.OwnExpiry(row), ExpiryTime(collection.expires_s)));
    items[row].windows = facts.fragment_count;
    if (facts.fragment_count > 0) add(row, Method::kFragment);
    if (facts.kind == ItemKind::kRecord) add(row, Method::kRecord);
  }
  set.ForEachItemOf(SectionKind::kDigests, [&](std::uint32_t row) { add(row, Method::kExact); });
  set.ForEachItemOf(SectionKind::kImageData, [&](std::uint32_t row) { add(row, Method::kExact); });
  set.ForEachItemOf(SectionKind::kArchiveEntries, [&](std::uint32_t row) { add(row, Method::kArchiveEntry); });
  set.ForEachItemOf(SectionKind::kPictureRows, [&](std::uint32_t row) {
    add(row, Method::kPerceptual);
    if (row < items.size()) ++items[row].views;
  });
  return items;
}

}  // namespace

std::vector<std::pair<ItemId, ItemContent>> ContentOf(const Family& family) {
  std::vector<std::pair<ItemId, ItemContent>> content;
  for (std::size_t place = 0; place < family.size(); ++place) {
    const MappedHashSet& set = *family[place];
    const std::vector<ItemContent> items = ItemsOf(set, family);
    for (std::uint32_t row = 0; row < items.size(); ++row) {
      const ItemId id = set.Item(row).id;
      if (!IsTakenBack(id, std::span(family).subspan(place + 1))) content.emplace_back(id, items[row]);
    }
  }
  std::ranges::sort(content, {}, [](const auto& item) { return item.first; });
  return content;
}

std::vector<ItemDifference> DiffHashSets(const Family& before, const Family& after) {
  const auto old_items = ContentOf(before), new_items = ContentOf(after);
  std::vector<ItemDifference> differences;
  auto left = old_items.begin();
  auto right = new_items.begin();
  while (left != old_items.end() || right != new_items.end()) {
    const bool removed = right == new_items.end() || (left != old_items.end() && left->first < right->first);
    const bool added = !removed && (left == old_items.end() || right->first < left->first);
    ItemDifference difference{.id = added ? right->first : left->first};
    if (!added) difference.before = (left++)->second;
    if (!removed) difference.after = (right++)->second;
    if (difference.before != difference.after) differences.push_back(difference);
  }
  return differences;
}

}  // namespace spanwatch::hashset
