#include "hashset/mapped_hashset.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>

#include "random_set.h"
#include "support/lying_hashset.h"
#include "support/memory_file.h"

namespace spanwatch::hashset {
namespace {

// The bytes of a set, opened again after a change.
class DamagedHashSet : public testing::Test {
 protected:
  void SetUp() override {
    RandomSet plain(11, 40, 20);
    bytes_ = *plain.writer.Encode(TestSeed(1));
  }
  Result<std::shared_ptr<const MappedHashSet>> Open(const Bytes& bytes,
                                                    std::vector<Bytes> trusted = {TestPublicKey(1)}) {
    return MappedHashSet::Open(test::MemoryFile(bytes), "agency.swset", trusted);
  }

  TemporaryFolder folder_;
  Bytes bytes_;
};

TEST_F(DamagedHashSet, IsWholeBeforeTheDamage) {
  const auto set = Open(bytes_);
  ASSERT_TRUE(set) << set.error().message;
  EXPECT_TRUE((*set)->VerifyChecksums());
}

TEST(PictureChances, ComeBackFromTheSetToAnEighthOfABit) {
  PictureChances chances;
  EXPECT_EQ(chances.Within(5), PictureChances::kUnknown);
  for (const double chance : {1.0, 0.3, 1e-3, 1e-9}) {
    chances.Set(40, chance);
    HashSetWriter writer({.name = "agency"});
    writer.AddCollection({.name = "gates", .chances = chances});
    writer.AddItem({});
    const std::vector<Bytes> trusted{TestPublicKey(1)};
    const auto set = MappedHashSet::Open(test::MemoryFile(*writer.Encode(TestSeed(1))), "agency.swset", trusted);
    ASSERT_TRUE(set);
    const auto snapshot = *Snapshot::Make({*set});
    EXPECT_NEAR(snapshot->ChanceOfPicture({0, 0}, 40) / chance, 1, 0.05);
    EXPECT_EQ(snapshot->ChanceOfPicture({0, 0}, 39), PictureChances::kUnknown);
  }
  chances.Set(3, 1e-30);
  EXPECT_LT(chances.Within(3), 1e-9) << "never as if it had not been measured";
}

TEST(PictureDetails, ComeBackFromTheSet) {
  const PictureDetail detail{{1, 0x8000000000000001, 3, ~std::uint64_t{0}}};
  HashSetWriter writer({.name = "agency"});
  writer.AddCollection({.name = "lanes"});
  for (std::uint32_t i = 0; i < 3; ++i) {
    FileFingerprint file;
    if (i == 1) file.detail = detail;
    writer.AddFile(writer.AddItem({.id = {static_cast<std::uint8_t>(i)}}), file);
  }
  const std::vector<Bytes> trusted{TestPublicKey(1)};
  const auto set = MappedHashSet::Open(test::MemoryFile(*writer.Encode(TestSeed(1))), "agency.swset", trusted);
  ASSERT_TRUE(set) << set.error().message;
  const auto snapshot = *Snapshot::Make({*set});
  EXPECT_FALSE(snapshot->Detail({0, 0}).has_value());
  EXPECT_EQ(snapshot->Detail({0, 1}), detail);
  EXPECT_FALSE(snapshot->Detail({0, 2}).has_value());
  EXPECT_FALSE(snapshot->Detail({1, 1}).has_value());
}

TEST_F(DamagedHashSet, RefusesAFlippedByteInHeaderSignatureOrManifest) {
  std::uint32_t manifest_bytes = 0;
  std::memcpy(&manifest_bytes, bytes_.data() + 12, sizeof(manifest_bytes));
  for (std::size_t i = 0; i < kHeaderBytes + kSignatureBytes + manifest_bytes; ++i) {
    Bytes damaged = bytes_;
    damaged[i] ^= 0x20;
    const auto set = Open(damaged);
    ASSERT_FALSE(set) << "byte " << i;
    EXPECT_EQ(set.error().message.find('\n'), std::string::npos);
    EXPECT_NE(set.error().message.find("agency.swset"), std::string::npos);
  }
}

TEST_F(DamagedHashSet, VerificationNamesTheDamagedSection) {
  const auto whole = Open(bytes_);
  ASSERT_TRUE(whole);
  for (std::size_t i = 0; i < kSectionCount; ++i) {
    const SectionEntry& entry = (*whole)->manifest().sections[i];
    if (entry.bytes == 0) continue;
    Bytes damaged = bytes_;
    damaged[entry.offset + entry.bytes / 2] ^= 1;
    const auto set = Open(damaged);
    if (!set) continue;
    const Status verified = (*set)->VerifyChecksums();
    ASSERT_FALSE(verified);
    EXPECT_NE(verified.error().message.find(ToString(static_cast<SectionKind>(i))), std::string::npos);
  }
}

TEST_F(DamagedHashSet, RefusesEveryTruncationAndAnAppendedByte) {
  for (std::size_t size = 0; size < bytes_.size(); size += size < 4096 ? 61 : 4099) {
    EXPECT_FALSE(Open(Bytes(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(size)))) << size;
  }
  Bytes longer = bytes_;
  longer.push_back(0);
  EXPECT_FALSE(Open(longer));
}

TEST_F(DamagedHashSet, RefusesAForeignSignerAndNamesItsKey) {
  const auto set = Open(bytes_, {TestPublicKey(2)});
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().code, ErrorCode::kUntrusted);
  EXPECT_NE(set.error().message.find("--trust"), std::string::npos);
  EXPECT_FALSE(Open(bytes_, {})) << "no trusted key at all";
  EXPECT_TRUE(Open(bytes_, {TestPublicKey(2), TestPublicKey(1)}));
}

TEST_F(DamagedHashSet, RefusesASignerFieldThatWasExchanged) {
  const Bytes other = TestPublicKey(2);
  std::copy(other.begin(), other.end(), bytes_.begin() + 24);
  EXPECT_FALSE(Open(bytes_, {TestPublicKey(1)}));
  EXPECT_FALSE(Open(bytes_, {TestPublicKey(2)}));
}

TEST_F(DamagedHashSet, RefusesAnUnsignedSetAndWhatIsNoSet) {
  std::fill_n(bytes_.begin() + kHeaderBytes, kSignatureBytes, 0);
  EXPECT_FALSE(Open(bytes_));
  EXPECT_FALSE(Open(Bytes(100000, 'x')));
  EXPECT_FALSE(Open({}));
  EXPECT_FALSE(MappedHashSet::Open(folder_ / "nothing", std::vector<Bytes>{TestPublicKey(1)}));
  EXPECT_FALSE(MappedHashSet::Open(std::filesystem::path("/"), std::vector<Bytes>{TestPublicKey(1)}));
}

TEST_F(DamagedHashSet, ASignedSetThatLiesNeverLeavesItsBounds) {
  std::mt19937_64 random(3);
  std::size_t opened = 0;
  for (int round = 0; round < 400; ++round) {
    const Bytes lie = Resigned(WithRandomSections(bytes_, random), TestSeed(1));
    const auto set = Open(lie);
    if (!set) continue;
    ++opened;
    (void)LookUpEverything(**set, random);
  }
  EXPECT_GT(opened, 100u);
}

TEST_F(DamagedHashSet, ASignedManifestThatLiesIsRefusedOrHarmless) {
  std::mt19937_64 random(4);
  std::size_t refused = 0;
  for (int round = 0; round < 3000; ++round) {
    const auto set = Open(Resigned(WithRandomManifest(bytes_, random), TestSeed(1)));
    if (set) (void)LookUpEverything(**set, random);
    refused += !set;
  }
  EXPECT_GT(refused, 100u);
}

TEST(MappedHashSet, OpensAMillionItemsInMilliseconds) {
  const TemporaryFolder folder;
  RandomSet plain(1, 0, 0);
  for (std::uint32_t i = 0; i < 1'000'000; ++i) {
    FileFingerprint file{.size = i + 1};
    std::memcpy(file.sha256.data(), &i, sizeof(i));
    plain.writer.AddFile(plain.writer.AddItem({.kind = ItemKind::kImage, .size = i + 1}), file);
  }
  ASSERT_TRUE(plain.writer.Write(folder / "a", TestSeed(1)));
  const std::vector<Bytes> trusted{TestPublicKey(1)};
  const auto begin = std::chrono::steady_clock::now();
  const auto set = MappedHashSet::Open(folder / "a", trusted);
  const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - begin;
  ASSERT_TRUE(set);
  EXPECT_EQ((*set)->item_count(), 1'000'000u);
  EXPECT_LT(taken.count(), 50);
  RecordProperty("open_microseconds", static_cast<int>(taken.count() * 1000));
}

}  // namespace
}  // namespace spanwatch::hashset
