#include "hashset/external_sorter.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "hashset/hashset_writer.h"
#include "random_set.h"

namespace spanwatch::hashset {
namespace {

TEST(ExternalSorter, GivesEachRowOnceInOrderHoweverLittleFitsInMemory) {
  std::mt19937_64 random(3);
  for (const std::size_t rows_in_memory : {1, 7, 100, 100'000}) {
    TemporaryFolder folder;
    ExternalSorter<KeyRow> sorter(folder / "", rows_in_memory * sizeof(KeyRow));
    std::set<KeyRow> expected;
    for (int i = 0; i < 1000; ++i) {
      const KeyRow row{random() % 600, static_cast<std::uint32_t>(random() % 2), 0};
      expected.insert(row);
      sorter.Add(row);
    }
    EXPECT_EQ(sorter.size(), 1000u);
    std::vector<KeyRow> found;
    ASSERT_TRUE(sorter.ForEach([&](const KeyRow& row) { found.push_back(row); }));
    EXPECT_TRUE(std::ranges::equal(found, expected)) << rows_in_memory;
  }
}

TEST(ExternalSorter, TellsOfAFolderThatIsNotThere) {
  ExternalSorter<std::uint64_t> sorter("/nonexistent", 8 * sizeof(std::uint64_t));
  for (std::uint64_t i = 0; i < 100; ++i) sorter.Add(i);
  const Status status = sorter.ForEach([](std::uint64_t) {});
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("/nonexistent"), std::string::npos);
}

Bytes SetSortedIn(std::size_t bytes) {
  std::mt19937_64 random(5);
  HashSetWriter writer(
      {.name = "agency", .created = PacketTimeFromNanoseconds(1), .picture_slots_from = 1, .sorter_bytes = bytes});
  writer.AddCollection({.name = "reads"});
  for (int i = 0; i < 3000; ++i) {
    FileFingerprint file{.size = 1 + random() % 100, .crc32 = static_cast<std::uint32_t>(random() % 50)};
    file.sha256[0] = static_cast<std::uint8_t>(random());
    file.head_xxh3 = random();
    file.views.push_back({.hash = {{random() % 100, 0, 0, 0}}, .quality = 90});
    file.fragments.push_back({.offset = 0, .hash = random()});
    writer.AddFile(writer.AddItem({.kind = ItemKind::kImage, .size = file.size}), file);
  }
  for (int i = 0; i < 3000; ++i) {
    const std::uint32_t row = writer.AddItem({.kind = ItemKind::kRecord});
    writer.AddRecord(row, {.plate_tag = random(), .folded_tag = random(), .shape = 1, .pair_tags = {random(), 7}});
  }
  return *writer.Encode(TestSeed(1));
}

TEST(HashSetWriter, WritesTheSameFileHoweverItsTablesWereSorted) {
  EXPECT_EQ(SetSortedIn(1 << 10), SetSortedIn(kSorterBytesInMemory));
}

}  // namespace
}  // namespace spanwatch::hashset
