#include "hashset/hashset_diff.h"

#include <gtest/gtest.h>

#include <functional>

#include "random_set.h"

namespace spanwatch::hashset {
namespace {

ItemId Id(std::uint8_t number) { return {number}; }

// A file with everything, whose values follow from its number.
FileFingerprint FileOf(std::uint8_t number) {
  FileFingerprint file{.size = 1000u + number, .crc32 = number, .head_xxh3 = number};
  file.sha256[0] = number;
  file.views.push_back({.hash = {{number, 0, 0, 0}}});
  file.fragments.push_back({10, number * 0x100000001ull});
  return file;
}

class HashSetDiff : public testing::Test {
 protected:
  std::shared_ptr<const MappedHashSet> Make(const char* name, const std::function<void(HashSetWriter&)>& fill) {
    HashSetWriter writer({.name = "agency"});
    for (const char* collection : {"lanes", "gates"}) writer.AddCollection({.name = collection, .owner = "Agency"});
    fill(writer);
    EXPECT_TRUE(writer.Write(folder_ / name, TestSeed(1)));
    return *MappedHashSet::OpenUnverified(folder_ / name);
  }
  static void AddFile(HashSetWriter& writer, std::uint8_t number, std::uint32_t collection = 0) {
    const FileFingerprint file = FileOf(number);
    writer.AddFile(
        writer.AddItem({.id = Id(number), .kind = ItemKind::kImage, .collection = collection, .size = file.size}),
        file);
  }
  TemporaryFolder folder_;
};

constexpr std::uint8_t Bit(Method method) { return static_cast<std::uint8_t>(1u << static_cast<unsigned>(method)); }

TEST_F(HashSetDiff, TellsWhatWasAddedRemovedAndChanged) {
  const auto before = Make("a", [](HashSetWriter& writer) {
    for (const std::uint8_t number : {9, 1, 2, 3}) AddFile(writer, number);
  });
  const auto after = Make("b", [](HashSetWriter& writer) {
    for (const std::uint8_t number : {1, 4}) AddFile(writer, number);
    AddFile(writer, 2, 1);
    const std::uint32_t digest_only = writer.AddItem({.id = Id(3), .kind = ItemKind::kFile});
    writer.AddDigest(digest_only, FileOf(3).sha256);
  });
  const auto differences = DiffHashSets({before.get()}, {after.get()});
  ASSERT_EQ(differences.size(), 4u);
  EXPECT_EQ(differences[0].id, Id(2));
  EXPECT_EQ(differences[0].before->collection, "lanes");
  EXPECT_EQ(differences[0].after->collection, "gates");
  EXPECT_EQ(differences[1].id, Id(3));
  EXPECT_EQ(differences[1].before->methods,
            Bit(Method::kExact) | Bit(Method::kArchiveEntry) | Bit(Method::kFragment) | Bit(Method::kPerceptual));
  EXPECT_EQ(differences[1].after->methods, Bit(Method::kExact));
  EXPECT_EQ(differences[1].after->size, 0u);
  EXPECT_EQ(differences[2].id, Id(4));
  EXPECT_FALSE(differences[2].before);
  EXPECT_EQ(differences[3].id, Id(9));
  EXPECT_FALSE(differences[3].after);
}

TEST_F(HashSetDiff, EqualSetsDifferInNothingAndAnEmptyOneInEverything) {
  const auto fill = [](HashSetWriter& writer) {
    AddFile(writer, 1);
    const std::uint32_t record = writer.AddItem({.id = Id(2), .kind = ItemKind::kRecord, .collection = 1});
    writer.AddRecord(record, {.plate_tag = 5, .folded_tag = 5, .shape = 0xf0});
  };
  const auto set = Make("a", fill), again = Make("b", fill), empty = Make("c", [](HashSetWriter&) {});
  EXPECT_TRUE(DiffHashSets({set.get()}, {again.get()}).empty());
  EXPECT_EQ(DiffHashSets({set.get()}, {empty.get()}).size(), 2u);
  EXPECT_EQ(DiffHashSets({empty.get()}, {set.get()})[1].after->methods, Bit(Method::kRecord));
}

TEST_F(HashSetDiff, ASetWithItsDeltasIsWhatTheyMakeTogether) {
  const auto base = Make("a", [](HashSetWriter& writer) {
    for (const std::uint8_t number : {1, 2, 3}) AddFile(writer, number);
  });
  HashSetWriter writer({.name = "agency", .base_serial = 1, .base_digest = base->digest()});
  writer.AddCollection({.name = "lanes", .owner = "Agency"});
  for (const std::uint8_t number : {2, 4}) AddFile(writer, number);
  for (const std::uint8_t number : {1, 2}) writer.Remove(Id(number));
  ASSERT_TRUE(writer.Write(folder_ / "b", TestSeed(1)));
  const auto delta = *MappedHashSet::OpenUnverified(folder_ / "b");
  EXPECT_FALSE(FamilyUpTo(*delta, {}));
  const SetList sets{base, delta};
  const auto family = FamilyUpTo(*delta, sets);
  ASSERT_TRUE(family);
  const auto differences = DiffHashSets({base.get()}, *family);
  ASSERT_EQ(differences.size(), 2u) << "the second item is as it was";
  EXPECT_EQ(differences[0].id, Id(1));
  EXPECT_FALSE(differences[0].after);
  EXPECT_EQ(differences[1].id, Id(4));
  EXPECT_FALSE(differences[1].before);
}

}  // namespace
}  // namespace spanwatch::hashset
