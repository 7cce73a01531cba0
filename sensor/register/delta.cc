#include "register/delta.h"

#include <algorithm>
#include <iterator>

#include "hashset/item_contents.h"

namespace spanwatch::enrolment {
namespace {

using hashset::Family;
using hashset::MappedHashSet;

struct KnownItem {
  ItemId id{};
  std::uint64_t content = 0;
};

// Every item that the family holds, by id.
std::vector<KnownItem> ItemsOf(const Family& family) {
  std::vector<KnownItem> items;
  for (std::size_t place = 0; place < family.size(); ++place) {
    const MappedHashSet& set = *family[place];
    const std::vector<std::uint64_t> contents = hashset::ItemContents(set);
    for (std::uint32_t row = 0; row < set.item_count(); ++row) {
      const ItemId id = set.Item(row).id;
      if (!hashset::IsTakenBack(id, std::span(family).subspan(place + 1))) items.push_back({id, contents[row]});
    }
  }
  std::ranges::sort(items, {}, &KnownItem::id);
  return items;
}

// The hashes that are common in the family, ascending.
std::vector<std::uint64_t> CommonOf(const Family& family) {
  std::vector<std::uint64_t> common;
  for (const MappedHashSet* set : family) {
    std::vector<std::uint64_t> rest, now;
    std::ranges::set_difference(common, set->no_longer_common(), std::back_inserter(rest));
    std::ranges::set_union(rest, set->common(), std::back_inserter(now));
    common = std::move(now);
  }
  return common;
}

}  // namespace

Delta DeltaBetween(const Family& base, const MappedHashSet& whole) {
  const std::vector<KnownItem> known = ItemsOf(base);
  const std::vector<std::uint64_t> contents = hashset::ItemContents(whole);
  std::vector<std::pair<ItemId, std::uint32_t>> rows;
  for (std::uint32_t row = 0; row < whole.item_count(); ++row) rows.emplace_back(whole.Item(row).id, row);
  std::ranges::sort(rows);
  Delta delta;
  delta.added.resize(contents.size());
  auto before = known.begin();
  for (const auto& [id, row] : rows) {
    for (; before != known.end() && before->id < id; ++before) delta.removed.push_back(before->id);
    const bool in_base = before != known.end() && before->id == id;
    const bool equal = in_base && before->content == contents[row];
    delta.added[row] = !equal;
    if (in_base && !equal) {
      ++delta.changed;
      delta.removed.push_back(id);
    }
    if (in_base) ++before;
  }
  for (; before != known.end(); ++before) delta.removed.push_back(before->id);
  const std::vector<std::uint64_t> common = CommonOf(base);
  std::ranges::set_difference(whole.common(), common, std::back_inserter(delta.common));
  std::ranges::set_difference(common, whole.common(), std::back_inserter(delta.no_longer_common));
  return delta;
}

Result<DeltaBase> OpenDeltaBase(const std::vector<std::filesystem::path>& files) {
  DeltaBase base;
  for (const auto& file : files) {
    auto set = MappedHashSet::OpenUnverified(file);
    if (!set) return Fail(set.error());
    if (Status status = (*set)->VerifyChecksums(); !status) return Fail(status.error());
    base.sets.push_back(std::move(*set));
  }
  const auto places = hashset::FamiliesOf(base.sets);
  if (!places) return Fail(ErrorCode::kUsage, "{} (--delta-from)", places.error().message);
  base.family = places->front().family;
  if (base.family->size() == base.sets.size()) return base;
  return Fail(ErrorCode::kUsage,
              "--delta-from names sets that do not belong together; name one whole set and the deltas built on it");
}

Status CheckBase(const Family& base, const MappedHashSet& whole) {
  const MappedHashSet& last = *base.back();
  const hashset::Manifest& of_base = last.manifest();
  if (last.signer() != whole.signer()) {
    return Fail(ErrorCode::kUsage, "{} was signed with another key; sign the delta with the same", last.name());
  }
  if (of_base.name != whole.manifest().name) {
    return Fail(ErrorCode::kUsage, "{} is named '{}'; give --name, or no name, so that the delta is named the same",
                last.name(), of_base.name);
  }
  const bool same_register = of_base.fragment_seed == whole.manifest().fragment_seed &&
                             of_base.fragment_density == whole.manifest().fragment_density;
  if (!same_register) return Fail(ErrorCode::kUsage, "{} was not built from this register", last.name());
  if (of_base.record_key_id != whole.manifest().record_key_id) {
    return Fail(ErrorCode::kUsage, "{} was built before the record key was rotated; build a whole set", last.name());
  }
  if (of_base.serial >= whole.manifest().serial) {
    return Fail(ErrorCode::kUsage,
                "{} has serial {}, and this register is at serial {} only (was an older copy of it restored?); give "
                "--serial {} or more",
                last.name(), of_base.serial, whole.manifest().serial, of_base.serial + 1);
  }
  return {};
}

}  // namespace spanwatch::enrolment
