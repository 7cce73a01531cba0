#include "hashset/snapshot.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

#include "hashset/bloom_filter.h"
#include "random_set.h"

namespace spanwatch::hashset {
namespace {

class SnapshotOfRandomSet : public testing::TestWithParam<std::size_t> {
 protected:
  void SetUp() override {
    plain_ = std::make_unique<RandomSet>(GetParam(), GetParam(), GetParam() / 2);
    auto made = Snapshot::Make({plain_->Write(folder_ / "a.swset")});
    ASSERT_TRUE(made);
    snapshot_ = *made;
  }
  std::uint32_t RecordRow(std::size_t record) const {
    return static_cast<std::uint32_t>(plain_->files.size() + record);
  }

  TemporaryFolder folder_;
  std::unique_ptr<RandomSet> plain_;
  std::shared_ptr<const Snapshot> snapshot_;
};

TEST_P(SnapshotOfRandomSet, FindsEveryDigestAndNoOther) {
  std::map<std::pair<Sha256Digest, std::uint64_t>, std::set<ItemRef>> expected;
  for (std::uint32_t row = 0; row < plain_->files.size(); ++row) {
    expected[{plain_->files[row].sha256, plain_->files[row].size}].insert({0, row});
  }
  for (const auto& [key, items] : expected) {
    std::vector<ItemRef> found;
    snapshot_->FindDigest(key.first, key.second, found);
    EXPECT_EQ(std::set<ItemRef>(found.begin(), found.end()), items);
    found.clear();
    snapshot_->FindDigest(key.first, key.second + 1, found);
    EXPECT_TRUE(found.empty()) << "another size";
    Sha256Digest other = key.first;
    other[9] ^= 1;
    snapshot_->FindDigest(other, key.second, found);
    EXPECT_TRUE(found.empty()) << "another digest";
  }
}

TEST_P(SnapshotOfRandomSet, FindsImageDataHeadsAndArchiveEntries) {
  for (std::uint32_t row = 0; row < plain_->files.size(); ++row) {
    const FileFingerprint& file = plain_->files[row];
    EXPECT_TRUE(snapshot_->MayBegin(file.head_xxh3));
    std::vector<ItemRef> found;
    snapshot_->FindArchiveEntry(file.crc32, file.size, found);
    EXPECT_EQ(found, std::vector<ItemRef>{ItemRef(0, row)});
    found.clear();
    snapshot_->FindArchiveEntry(file.crc32, file.size + 1, found);
    EXPECT_TRUE(found.empty());
    const auto same_size =
        static_cast<std::uint64_t>(std::ranges::count(plain_->files, file.size, &FileFingerprint::size));
    EXPECT_EQ(snapshot_->CountFileSizes(file.size, file.size), same_size);
    std::vector<SizeHit> sizes;
    snapshot_->FindFileSize(file.size, sizes);
    EXPECT_EQ(sizes.size(), std::min<std::uint64_t>(same_size, kHitsPerKeyMax));
    for (const SizeHit& hit : sizes) {
      EXPECT_EQ(plain_->files[hit.item.row].size, file.size);
      EXPECT_EQ(plain_->files[hit.item.row].crc32, hit.crc32);
    }
    if (!file.image_data) continue;
    EXPECT_TRUE(snapshot_->MayBegin(file.image_head_xxh3));
    snapshot_->FindImageData(*file.image_data, found);
    EXPECT_EQ(found, std::vector<ItemRef>{ItemRef(0, row)});
  }
}

TEST_P(SnapshotOfRandomSet, CountsFileSizesInEveryRange) {
  for (const auto& [least, most] :
       {std::pair<std::uint64_t, std::uint64_t>{0, UINT64_MAX}, {1, 5000}, {100, 2000}, {6000, 7000}, {9, 3}}) {
    const auto expected = std::ranges::count_if(
        plain_->files, [&](const FileFingerprint& file) { return file.size >= least && file.size <= most; });
    EXPECT_EQ(snapshot_->CountFileSizes(least, most), static_cast<std::uint64_t>(expected)) << least;
  }
}

TEST_P(SnapshotOfRandomSet, FindsEveryFragmentWithItsOffset) {
  using Place = std::pair<ItemRef, std::uint64_t>;
  std::map<std::uint64_t, std::set<Place>> expected;
  std::vector<FragmentPrint> prints;
  for (std::uint32_t row = 0; row < plain_->files.size(); ++row) {
    for (const FragmentPrint& print : plain_->files[row].fragments) {
      if (expected[print.hash].insert({{0, row}, print.offset}).second) prints.push_back({prints.size(), print.hash});
      prints.push_back({0, plain_->Random()});
    }
  }
  std::vector<FragmentHit> found;
  snapshot_->FindFragments(0, prints, found);
  std::map<std::uint64_t, std::set<Place>> got;
  for (const FragmentHit& hit : found) got[hit.print.hash].insert({hit.item, hit.registered_offset});
  for (auto& [hash, places] : expected) {
    if (places.size() <= kHitsPerKeyMax)
      EXPECT_EQ(got[hash], places);
    else
      EXPECT_EQ(got[hash].size(), kHitsPerKeyMax);
  }
  EXPECT_EQ(got.size(), expected.size());
}

TEST_P(SnapshotOfRandomSet, FindsTheNearestViewOfEveryPictureInReach) {
  for (const FileFingerprint& file : plain_->files) {
    if (file.views.empty()) continue;
    PdqHash query = file.views[0].hash;
    for (std::uint64_t flips = plain_->Random() % 60; flips > 0; --flips) {
      const std::uint64_t bit = plain_->Random() % 256;
      query.words[bit / 64] ^= std::uint64_t{1} << bit % 64;
    }
    std::map<std::uint32_t, int> expected;
    for (std::uint32_t row = 0; row < plain_->files.size(); ++row) {
      for (const PictureView& view : plain_->files[row].views) {
        const int distance = HammingDistance(query, view.hash);
        if (distance > 40) continue;
        const auto known = expected.emplace(row, distance).first;
        known->second = std::min(known->second, distance);
      }
    }
    std::vector<PictureHit> found;
    snapshot_->FindPictures(query, 40, found);
    std::map<std::uint32_t, int> got;
    for (const PictureHit& hit : found) got[hit.item.row] = hit.distance;
    EXPECT_EQ(got, expected);
    EXPECT_TRUE(std::ranges::is_sorted(found, {}, &PictureHit::distance));
  }
}

TEST_P(SnapshotOfRandomSet, FindsPlatesAndPairsByEveryTag) {
  for (std::size_t i = 0; i < plain_->records.size(); ++i) {
    const RecordFingerprint& record = plain_->records[i];
    const std::uint64_t tags[] = {plain_->Random(), record.plate_tag, record.folded_tag};
    std::vector<FingerprintIndex::PlateHit> found;
    snapshot_->FindPlates(0, tags, found);
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(found[0].tag_index, 1u);
    EXPECT_FALSE(found[0].folded);
    EXPECT_EQ(found[0].item.row, RecordRow(i));
    EXPECT_EQ(found[1].tag_index, 2u);
    EXPECT_EQ(found[1].folded, record.folded_tag != record.plate_tag);
    found.clear();
    snapshot_->FindPairs(0, record.pair_tags, found);
    EXPECT_EQ(found.size(), record.pair_tags.size());
    for (const auto& hit : found) EXPECT_EQ(hit.item.row, RecordRow(i));
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, SnapshotOfRandomSet, testing::Values(1, 2, 10, 300, 3000));

TEST(Snapshot, TellsWhatTheSetSaysOfItselfItsItemsAndCollections) {
  const TemporaryFolder folder;
  RandomSet plain(5, 10, 4);
  const auto snapshot = *Snapshot::Make({plain.Write(folder / "a.swset")});
  EXPECT_EQ(snapshot->Set(0).name, "agency");
  EXPECT_EQ(snapshot->Set(0).serial, 7u);
  EXPECT_EQ(snapshot->Set(0).fragment_seed, 99u);
  EXPECT_TRUE(snapshot->Set(0).has_records);
  EXPECT_TRUE(snapshot->HasPictures());
  EXPECT_FALSE(snapshot->Set(0).has_bare_digests);
  EXPECT_EQ(snapshot->Collection({0, 0}).name, "lanes");
  EXPECT_EQ(snapshot->Collection({0, 0}).items, 10u);
  EXPECT_EQ(snapshot->Collection({0, 12}).name, "reads");
  EXPECT_EQ(snapshot->Item({0, 3}).size, plain.files[3].size);
  EXPECT_EQ(snapshot->Item({0, 3}).fragment_count, plain.files[3].fragments.size());
  EXPECT_EQ(snapshot->Item({0, 3}).expires, PacketTime::max());
  EXPECT_EQ(snapshot->RegisteredPlates(0, 0xf0), 4u);
  EXPECT_EQ(snapshot->RegisteredPlates(0, 0xf1), 0u);
}

TEST(Snapshot, JoinsSeveralSetsAndRefusesANinth) {
  const TemporaryFolder folder;
  RandomSet first(1, 20, 0), second(2, 20, 0);
  const auto a = first.Write(folder / "a.swset");
  const auto b = second.Write(folder / "b.swset");
  const auto snapshot = *Snapshot::Make({a, b});
  std::vector<ItemRef> found;
  snapshot->FindDigest(second.files[3].sha256, second.files[3].size, found);
  EXPECT_TRUE(std::ranges::count(found, ItemRef(1, 3)) == 1);
  EXPECT_TRUE(snapshot->MayBegin(first.files[0].head_xxh3));
  EXPECT_TRUE(snapshot->MayBegin(second.files[0].head_xxh3));
  EXPECT_TRUE(Snapshot::Make({8, a}));
  EXPECT_FALSE(Snapshot::Make({9, a}));
}

TEST(Snapshot, AnImportedDigestMatchesAnySize) {
  const TemporaryFolder folder;
  RandomSet plain(3, 0, 0);
  Sha256Digest digest{};
  digest[0] = 5;
  plain.writer.AddDigest(plain.writer.AddItem({.kind = ItemKind::kFile}), digest);
  const auto snapshot = *Snapshot::Make({plain.Write(folder / "a.swset")});
  EXPECT_TRUE(snapshot->Set(0).has_bare_digests);
  EXPECT_FALSE(snapshot->HasPictures());
  std::vector<ItemRef> found;
  snapshot->FindDigest(digest, 1234, found);
  EXPECT_EQ(found.size(), 1u);
}

TEST(BloomFilter, LetsThroughFewerThanOneInAHundredForeignKeys) {
  std::mt19937_64 random(1);
  std::vector<std::uint64_t> keys(20000);
  for (auto& key : keys) key = random();
  BloomFilterBuilder builder(keys.size());
  for (const std::uint64_t key : keys) builder.Add(key);
  const Bytes bytes(builder.bytes().begin(), builder.bytes().end());
  std::vector<BloomFilter::Block> aligned(bytes.size() / sizeof(BloomFilter::Block));
  std::memcpy(aligned.data(), bytes.data(), bytes.size());
  const auto filter = BloomFilter::View({reinterpret_cast<const std::uint8_t*>(aligned.data()), bytes.size()});
  ASSERT_TRUE(filter);
  for (const auto key : keys) EXPECT_TRUE(filter->MayContain(key));
  int passed = 0;
  for (int i = 0; i < 100000; ++i) passed += filter->MayContain(random());
  EXPECT_LT(passed, 1000);
  EXPECT_FALSE(BloomFilter().MayContain(1));
}

TEST(BloomFilter, ABatchAnswersAsItsKeysDo) {
  std::mt19937_64 random(2);
  std::vector<std::uint64_t> keys(3000);
  for (auto& key : keys) key = random();
  BloomFilterBuilder builder(keys.size());
  for (const std::uint64_t key : keys) builder.Add(key);
  const auto filter = BloomFilter::View(builder.bytes());
  ASSERT_TRUE(filter);
  for (std::size_t length : {0u, 1u, 7u, 31u, 32u}) {
    for (int round = 0; round < 200; ++round) {
      std::vector<std::uint64_t> batch(length);
      for (auto& key : batch) key = random() % 2 == 0 ? keys[random() % keys.size()] : random();
      std::uint32_t expected = 0;
      for (std::size_t i = 0; i < length; ++i) expected |= std::uint32_t{filter->MayContain(batch[i])} << i;
      EXPECT_EQ(filter->MayContain(std::span<const std::uint64_t>(batch)), expected);
    }
  }
  EXPECT_EQ(BloomFilter().MayContain(std::span<const std::uint64_t>(keys).first(32)), 0u);
}

}  // namespace
}  // namespace spanwatch::hashset
