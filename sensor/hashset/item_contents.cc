#include "hashset/item_contents.h"

#include <xxhash.h>

#include "base/byte_writer.h"

namespace spanwatch::hashset {

std::vector<std::uint64_t> ItemContents(const MappedHashSet& set) {
  std::vector<std::uint64_t> contents(set.item_count());
  ByteWriter writer;
  // A sum, so that the order in which rows lie does not count.
  const auto add = [&](std::uint32_t item, SectionKind kind) {
    if (item < contents.size()) {
      contents[item] +=
          XXH3_64bits_withSeed(writer.bytes().data(), writer.bytes().size(), 1 + static_cast<std::uint64_t>(kind));
    }
    writer.Clear();
  };
  for (std::uint32_t row = 0; row < set.item_count(); ++row) {
    const ItemFacts item = set.Item(row);
    const CollectionRow& collection = set.manifest().collections[item.collection];
    writer.Text(collection.name);
    writer.Text(collection.owner);
    for (const std::uint64_t number :
         {item.size, static_cast<std::uint64_t>(Nanoseconds(set.OwnExpiry(row))), std::uint64_t{item.fragment_count},
          static_cast<std::uint64_t>(item.kind), std::uint64_t{collection.negative}})
      writer.Le(number);
    add(row, SectionKind::kItems);
  }
  for (const auto& [table, kind] :
       {std::pair(&set.digests(), SectionKind::kDigests), std::pair(&set.image_data(), SectionKind::kImageData),
        std::pair(&set.fragments(), SectionKind::kFragments), std::pair(&set.plates(), SectionKind::kPlates),
        std::pair(&set.pairs(), SectionKind::kPairs)}) {
    table->ForEach([&](std::uint32_t key, std::uint32_t item, std::uint32_t value) {
      writer.Le(key);
      writer.Le(value);
      add(item, kind);
    });
  }
  for (const ArchiveEntryRow& row : set.archive_entries().rows()) {
    writer.Le(row.crc32);
    add(row.item, SectionKind::kArchiveEntries);
  }
  set.pictures().ForEach([&](const PdqHash& hash, const PictureRow& row) {
    for (const std::uint64_t word : hash.words) writer.Le(word);
    writer.Le(row.quality);
    writer.Le(row.view);
    add(row.item, SectionKind::kPictureRows);
  });
  for (const PictureDetailRow& row : set.picture_details()) {
    for (const std::uint32_t bits : row.bits) writer.Le(bits);
    add(row.item, SectionKind::kPictureDetails);
  }
  return contents;
}

}  // namespace spanwatch::hashset
