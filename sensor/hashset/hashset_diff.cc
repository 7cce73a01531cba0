#include "hashset/hashset_diff.h"

#include <algorithm>

namespace spanwatch::hashset {
namespace {

struct Numbered {
  ItemId id;
  std::uint32_t row;
};

std::vector<Numbered> ById(const MappedHashSet& set) {
  std::vector<Numbered> items;
  for (std::uint32_t row = 0; row < set.item_count(); ++row) items.push_back({set.Item(row).id, row});
  std::ranges::sort(items, {}, &Numbered::id);
  return items;
}

}  // namespace

std::vector<ItemContent> ContentOf(const MappedHashSet& set) {
  std::vector<ItemContent> items(set.item_count());
  const auto add = [&](std::uint32_t row, Method method) {
    if (row < items.size()) items[row].methods |= static_cast<std::uint8_t>(1u << static_cast<unsigned>(method));
  };
  for (std::uint32_t row = 0; row < items.size(); ++row) {
    const ItemFacts facts = set.Item(row);
    items[row].collection = set.Collection(row).name;
    items[row].kind = facts.kind;
    items[row].size = facts.size;
    items[row].expires = Nanoseconds(facts.expires);
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

std::vector<ItemDifference> DiffHashSets(const MappedHashSet& before, const MappedHashSet& after) {
  const std::vector<ItemContent> old_content = ContentOf(before), new_content = ContentOf(after);
  const std::vector<Numbered> old_items = ById(before), new_items = ById(after);
  std::vector<ItemDifference> differences;
  auto left = old_items.begin();
  auto right = new_items.begin();
  while (left != old_items.end() || right != new_items.end()) {
    const bool removed = right == new_items.end() || (left != old_items.end() && left->id < right->id);
    const bool added = !removed && (left == old_items.end() || right->id < left->id);
    ItemDifference difference{.id = added ? right->id : left->id};
    if (!added) difference.before = old_content[(left++)->row];
    if (!removed) difference.after = new_content[(right++)->row];
    if (difference.before != difference.after) differences.push_back(difference);
  }
  return differences;
}

}  // namespace spanwatch::hashset
