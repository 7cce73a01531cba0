// ArchiveEntryIndex: which registered files have this size, and this CRC-32. Rows of 8 bytes, ascending by the size of
// their item and then CRC-32; sizes stand in the items' rows only. A lookup is a binary search: archive entries are
// rare.
//
// A lying section gives wrong rows, never a read outside of it. Immutable; any thread.
#pragma once

#include <span>

#include "hashset/hashset_format.h"

namespace spanwatch::hashset {

class ArchiveEntryIndex {
 public:
  ArchiveEntryIndex() = default;
  ArchiveEntryIndex(std::span<const ArchiveEntryRow> rows, std::span<const ItemRow> items)
      : rows_(rows), items_(items) {}

  std::span<const ArchiveEntryRow> rows() const { return rows_; }
  // All rows of this size; those of one CRC-32 stand together.
  std::span<const ArchiveEntryRow> OfSize(std::uint64_t size) const { return Between(size, size); }
  // All rows of this size and CRC-32.
  std::span<const ArchiveEntryRow> Find(std::uint32_t crc32, std::uint64_t size) const;
  std::span<const ArchiveEntryRow> Between(std::uint64_t least, std::uint64_t most) const;

 private:
  std::uint64_t SizeOf(const ArchiveEntryRow& row) const {
    return row.item < items_.size() ? items_[row.item].size() : 0;
  }

  std::span<const ArchiveEntryRow> rows_;
  std::span<const ItemRow> items_;
};

}  // namespace spanwatch::hashset
