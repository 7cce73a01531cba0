// An item whose expiry has passed is in the set and gives no match, by whatever it is looked up.
#include <gtest/gtest.h>

#include "random_set.h"

namespace spanwatch::hashset {
namespace {

constexpr PacketTime kExpiry = PacketTimeFromNanoseconds(1'000'000'000);

// One picture with everything and one record, twice: once to expire, once for ever.
struct ExpiringSet {
  ExpiringSet() {
    for (const PacketTime expires : {kExpiry, PacketTime::max()}) {
      const std::uint32_t row = writer.AddItem({.id = {static_cast<std::uint8_t>(row_count)},
                                                .kind = ItemKind::kImage,
                                                .collection = 0,
                                                .size = file.size,
                                                .expires = expires});
      writer.AddFile(row, file);
      writer.AddRecord(row, record);
      row_count += 1;
    }
  }
  static HashSetWriter MakeWriter() {
    HashSetWriter writer({.name = "agency", .fragment_seed = 99});
    writer.AddCollection({.name = "lanes", .owner = "Agency"});
    return writer;
  }
  static FileFingerprint MakeFile() {
    FileFingerprint file{.size = 100, .sha256 = {1}, .crc32 = 7, .head_xxh3 = 3};
    file.image_data = Sha256Digest{2};
    file.views.push_back({.hash = {{1, 2, 3, 4}}});
    file.fragments.push_back({5, 55});
    return file;
  }

  std::size_t row_count = 0;
  FileFingerprint file = MakeFile();
  RecordFingerprint record{.plate_tag = 11ull << 58, .folded_tag = 12ull << 58, .shape = 0xf0, .pair_tags = {13}};
  HashSetWriter writer = MakeWriter();
};

// How many items each kind of lookup gives.
std::vector<std::size_t> Lookups(const Snapshot& snapshot, const ExpiringSet& set) {
  std::vector<std::size_t> counts;
  std::vector<ItemRef> items;
  const auto count = [&](auto& found) {
    counts.push_back(found.size());
    found.clear();
  };
  snapshot.FindDigest(set.file.sha256, set.file.size, items);
  count(items);
  snapshot.FindImageData(*set.file.image_data, items);
  count(items);
  snapshot.FindArchiveEntry(set.file.crc32, set.file.size, items);
  count(items);
  std::vector<FragmentHit> fragments;
  snapshot.FindFragments(0, set.file.fragments, fragments);
  count(fragments);
  std::vector<PictureHit> pictures;
  snapshot.FindPictures(set.file.views[0].hash, 31, pictures);
  count(pictures);
  std::vector<FingerprintIndex::PlateHit> plates;
  const std::uint64_t plate[] = {set.record.plate_tag};
  snapshot.FindPlates(0, plate, plates);
  count(plates);
  snapshot.FindPairs(0, set.record.pair_tags, plates);
  count(plates);
  return counts;
}

TEST(Expiry, NoMethodFindsAnItemFromItsExpiryOn) {
  const TemporaryFolder folder;
  ExpiringSet set;
  ASSERT_TRUE(set.writer.Write(folder / "a.swset", TestSeed(1)));
  const std::vector<Bytes> trusted{TestPublicKey(1)};
  Counters counters;
  const auto snapshot = *Snapshot::Make({*MappedHashSet::Open(folder / "a.swset", trusted)}, &counters);
  const std::vector<std::size_t> both(7, 2), one(7, 1);
  EXPECT_EQ(Lookups(*snapshot, set), both) << "before any packet";
  snapshot->SetNow(kExpiry - Duration(1));
  EXPECT_EQ(Lookups(*snapshot, set), both);
  EXPECT_EQ(counters.Get(Counter::matches_expired), 0u);
  snapshot->SetNow(kExpiry);
  EXPECT_EQ(Lookups(*snapshot, set), one);
  EXPECT_EQ(counters.Get(Counter::matches_expired), 7u);
}

TEST(Expiry, ExpiredPicturesDoNotCrowdOutOneThatIsNot) {
  const TemporaryFolder folder;
  ExpiringSet set;
  for (std::size_t i = 0; i < 2 * kPictureHitsMax; ++i) {
    const std::uint32_t row = set.writer.AddItem({.kind = ItemKind::kImage, .collection = 0, .expires = kExpiry});
    set.writer.AddPicture(row, {.hash = {{1, 2, 3, 4}}});
  }
  const std::uint32_t current = set.writer.AddItem({.kind = ItemKind::kImage, .collection = 0});
  set.writer.AddPicture(current, {.hash = {{1, 2, 3, 5}}});
  ASSERT_TRUE(set.writer.Write(folder / "a.swset", TestSeed(1)));
  const std::vector<Bytes> trusted{TestPublicKey(1)};
  const auto snapshot = *Snapshot::Make({*MappedHashSet::Open(folder / "a.swset", trusted)});
  snapshot->SetNow(kExpiry);
  std::vector<PictureHit> found;
  snapshot->FindPictures({{1, 2, 3, 4}}, 31, found);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[1].item, (ItemRef{0, current}));
}

}  // namespace
}  // namespace spanwatch::hashset
