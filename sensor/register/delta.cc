#include "register/delta.h"

#include <algorithm>

#include "hashset/item_contents.h"

namespace spanwatch::enrolment {
namespace {

using hashset::MappedHashSet;

std::vector<std::pair<ItemId, std::uint32_t>> RowsById(const MappedHashSet& set) {
  std::vector<std::pair<ItemId, std::uint32_t>> rows;
  rows.reserve(set.item_count());
  for (std::uint32_t row = 0; row < set.item_count(); ++row) rows.emplace_back(set.Item(row).id, row);
  std::ranges::sort(rows);
  return rows;
}

}  // namespace

Delta DeltaBetween(const MappedHashSet& base, const MappedHashSet& whole) {
  const std::vector<std::uint64_t> base_contents = hashset::ItemContents(base);
  const std::vector<std::uint64_t> contents = hashset::ItemContents(whole);
  const auto base_rows = RowsById(base);
  const auto rows = RowsById(whole);
  Delta delta;
  delta.added.resize(contents.size());
  auto before = base_rows.begin();
  for (const auto& [id, row] : rows) {
    for (; before != base_rows.end() && before->first < id; ++before) delta.removed.push_back(before->first);
    const bool known = before != base_rows.end() && before->first == id;
    const bool equal = known && base_contents[before->second] == contents[row];
    delta.added[row] = !equal;
    if (known && !equal) {
      ++delta.changed;
      delta.removed.push_back(id);
    }
    if (known) ++before;
  }
  for (; before != base_rows.end(); ++before) delta.removed.push_back(before->first);
  return delta;
}

Status CheckBase(const MappedHashSet& base, const MappedHashSet& whole) {
  const hashset::Manifest& of_base = base.manifest();
  if (of_base.is_delta()) {
    return Fail(ErrorCode::kUsage, "{} is a delta itself; name the whole set that it belongs to (serial {})",
                base.name(), of_base.base_serial);
  }
  if (base.signer() != whole.signer()) {
    return Fail(ErrorCode::kUsage, "{} was signed with another key; sign the delta with the same", base.name());
  }
  if (of_base.name != whole.manifest().name) {
    return Fail(ErrorCode::kUsage, "{} is named '{}'; give --name, or no name, so that the delta is named the same",
                base.name(), of_base.name);
  }
  const bool same_register = of_base.fragment_seed == whole.manifest().fragment_seed &&
                             of_base.fragment_density == whole.manifest().fragment_density;
  if (!same_register || of_base.serial >= whole.manifest().serial) {
    return Fail(ErrorCode::kUsage, "{} was not built from this register", base.name());
  }
  return {};
}

}  // namespace spanwatch::enrolment
