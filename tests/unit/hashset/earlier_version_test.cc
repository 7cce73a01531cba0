// A set of format version 3 is still read: what it lacks is empty.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "random_set.h"
#include "support/lying_hashset.h"

namespace spanwatch::hashset {
namespace {

constexpr std::string_view kName = "agency", kProfile = "standard", kCollection = "lanes", kOwner = "Agency";
constexpr std::size_t kTextHead = sizeof(std::uint32_t), kSectionEntryBytes = 56;

void Erase(Bytes& bytes, std::size_t at, std::size_t count) {
  const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(at);
  bytes.erase(begin, begin + static_cast<std::ptrdiff_t>(count));
}

// The manifest of a set of one collection as version 3 wrote it: without base digest, chances,
// expiry and the last three sections.
Bytes ManifestOfVersion3(Bytes manifest) {
  const std::size_t base_digest = 2 * kTextHead + kName.size() + kProfile.size() + 2 * sizeof(std::uint64_t);
  Erase(manifest, base_digest, sizeof(SetDigest));
  constexpr std::size_t kUpToCollections = 8 + 8 + 4 + 4 + 4 + 1 + 1 + 8 + 24 + 4,
                        kCollectionNumbers = 8 + 8 + 3 + 8 + 1;
  const std::size_t chances =
      base_digest + kUpToCollections + 2 * kTextHead + kCollection.size() + kOwner.size() + kCollectionNumbers;
  Erase(manifest, chances, PictureChances::kDistances + sizeof(std::uint32_t));
  manifest.resize(manifest.size() - (kSectionCount - kSectionCountOfVersion3) * kSectionEntryBytes);
  const std::size_t count = manifest.size() - kSectionCountOfVersion3 * kSectionEntryBytes - sizeof(std::uint32_t);
  EXPECT_EQ(manifest[count], kSectionCount);
  manifest[count] = kSectionCountOfVersion3;
  return manifest;
}

Bytes AsVersion3(Bytes set) {
  Header header;
  std::memcpy(&header, set.data(), sizeof header);
  const Bytes manifest =
      ManifestOfVersion3({set.begin() + kManifestOffset,
                          set.begin() + kManifestOffset + static_cast<std::ptrdiff_t>(header.manifest_bytes)});
  std::fill_n(set.begin() + kManifestOffset, header.manifest_bytes, std::uint8_t{0});
  std::ranges::copy(manifest, set.begin() + kManifestOffset);
  header.version = 3;
  header.manifest_bytes = static_cast<std::uint32_t>(manifest.size());
  std::memcpy(set.data(), &header, sizeof header);
  return Resigned(std::move(set), TestSeed(1));
}

class EarlierVersion : public testing::Test {
 protected:
  Bytes Set(std::uint64_t base_serial = 0) {
    HashSetWriter writer({.name = std::string(kName), .profile = std::string(kProfile), .base_serial = base_serial});
    writer.AddCollection({.name = std::string(kCollection), .owner = std::string(kOwner), .false_rate = 0.01});
    FileFingerprint file{.size = 1000};
    file.sha256[0] = 5;
    file.fragments.push_back({10, 0x123456789abcdef0});
    writer.AddFile(writer.AddItem({.id = {7}, .size = file.size}), file);
    return *writer.Encode(TestSeed(1));
  }
  Result<std::shared_ptr<const MappedHashSet>> Open(const Bytes& set) {
    std::ofstream(folder_ / "a", std::ios::binary)
        .write(reinterpret_cast<const char*>(set.data()), static_cast<std::streamsize>(set.size()));
    const std::vector<Bytes> trusted{TestPublicKey(1)};
    return MappedHashSet::Open(folder_ / "a", trusted);
  }
  TemporaryFolder folder_;
};

TEST_F(EarlierVersion, AWholeSetOfItIsSearchedAsBefore) {
  const auto set = Open(AsVersion3(Set()));
  ASSERT_TRUE(set) << set.error().message;
  EXPECT_TRUE((*set)->VerifyChecksums());
  EXPECT_TRUE((*set)->common().empty());
  EXPECT_EQ((*set)->Item(0).expires, PacketTime::max());
  const auto snapshot = *Snapshot::Make({*set});
  EXPECT_NEAR(snapshot->ChanceOfPicture({0, 0}, 31), 0.01, 0.001) << "the false rate at the sure distance";
  EXPECT_LT(snapshot->ChanceOfPicture({0, 0}, 10), 0.001);
  std::vector<ItemRef> found;
  snapshot->FindDigest({5}, 1000, found);
  EXPECT_EQ(found.size(), 1u);
  std::vector<FragmentHit> windows;
  const FragmentPrint print{.offset = 10, .hash = 0x123456789abcdef0};
  snapshot->FindFragments(0, std::span(&print, 1), windows);
  EXPECT_EQ(windows.size(), 1u);
}

TEST_F(EarlierVersion, ADeltaOfItIsRefusedSinceItDoesNotNameItsBase) {
  const auto set = Open(AsVersion3(Set(5)));
  ASSERT_FALSE(set);
  EXPECT_NE(set.error().message.find("build it again"), std::string::npos) << set.error().message;
}

TEST_F(EarlierVersion, AnyOtherVersionIsRefused) {
  for (const std::uint8_t version : {2, 5}) {
    Bytes bytes = Set();
    bytes[kMagic.size()] = version;
    const auto set = Open(Resigned(std::move(bytes), TestSeed(1)));
    ASSERT_FALSE(set);
    EXPECT_NE(set.error().message.find("format version"), std::string::npos) << set.error().message;
  }
}

}  // namespace
}  // namespace spanwatch::hashset
