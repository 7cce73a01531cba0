#include "hashset/archive_entry_index.h"

#include <algorithm>

namespace spanwatch::hashset {

std::span<const ArchiveEntryRow> ArchiveEntryIndex::Between(std::uint64_t least, std::uint64_t most) const {
  const auto size = [this](const ArchiveEntryRow& row) { return SizeOf(row); };
  const auto first = std::ranges::lower_bound(rows_, least, {}, size);
  return {first, std::ranges::upper_bound(first, rows_.end(), most, {}, size)};
}

std::span<const ArchiveEntryRow> ArchiveEntryIndex::Find(std::uint32_t crc32, std::uint64_t size) const {
  const auto same_size = OfSize(size);
  const auto found = std::ranges::equal_range(same_size, crc32, {}, &ArchiveEntryRow::crc32);
  return {found.begin(), found.end()};
}

}  // namespace spanwatch::hashset
