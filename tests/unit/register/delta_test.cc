#include "register/delta.h"

#include "hashset/snapshot.h"
#include "register/build.h"
#include "register_support.h"

namespace spanwatch::enrolment {
namespace {

class DeltaTest : public RegisterTest {
 protected:
  void Add(std::uint64_t seed) {
    ASSERT_TRUE(
        database_->AddFile(*database_->CollectionRow("lanes"), {.path = fmt::format("/{}", seed)}, MadeUpFile(seed)));
  }
  Result<BuildSummary> Build(const char* out, const char* delta_from = nullptr, const Bytes& seed = Bytes(32, 3)) {
    BuildOptions options{.out = folder_ / out, .now = WallClockNow()};
    if (delta_from != nullptr) options.delta_from = folder_ / delta_from;
    return BuildHashSet(*database_, options, seed);
  }
  std::shared_ptr<const hashset::MappedHashSet> Open(const char* name) {
    const auto set = hashset::MappedHashSet::OpenUnverified(folder_ / name);
    EXPECT_TRUE(set && (*set)->VerifyChecksums());
    return *set;
  }
  // How many items with the bytes of this file are found.
  static std::size_t Found(const hashset::SetList& sets, std::uint64_t seed) {
    const FileFingerprint file = MadeUpFile(seed);
    std::vector<ItemRef> found;
    (*hashset::Snapshot::Make(sets))->FindDigest(file.sha256, file.size, found);
    return found.size();
  }
};

TEST_F(DeltaTest, HoldsWhatWasAddedAndTakesBackWhatWasRemoved) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) Add(seed);
  ASSERT_TRUE(database_->AddRecord(*database_->CollectionRow("reads"), {.path = "/r", .line = 2},
                                   {{.plate_tag = 5, .folded_tag = 6, .shape = 240}}));
  ASSERT_TRUE(Build("base.swset"));
  Add(31);
  ASSERT_TRUE(database_->Remove({.collection = "lanes", .source = "/7"}));
  // A further supporting value of a plate that is in the base.
  ASSERT_TRUE(database_->AddRecord(*database_->CollectionRow("reads"), {.path = "/r", .line = 3},
                                   {{.plate_tag = 5, .folded_tag = 6, .shape = 240, .pair_tags = {9}}}));
  const auto summary = Build("delta.swset", "base.swset");
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(summary->base_serial, 1u);
  EXPECT_EQ(summary->items, 2u);
  EXPECT_EQ(summary->changed, 1u);
  EXPECT_EQ(summary->removed, 2u);
  EXPECT_NE(Describe(*summary).find("a delta to serial 1"), std::string::npos);
  const hashset::SetList sets{Open("base.swset"), Open("delta.swset")};
  EXPECT_EQ(sets[1]->item_count(), 2u);
  EXPECT_EQ((*hashset::Snapshot::Make(sets))->RegisteredPlates(1, 240), 1u) << "of the whole register";
  EXPECT_LT(sets[1]->file_bytes(), sets[0]->file_bytes() / 2);
  for (std::uint64_t seed = 1; seed <= 31; ++seed) EXPECT_EQ(Found(sets, seed), seed == 7 ? 0u : 1u) << seed;
}

TEST_F(DeltaTest, OfAnUnchangedRegisterItIsEmpty) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) Add(seed);
  ASSERT_TRUE(Build("base.swset"));
  const auto summary = Build("delta.swset", "base.swset");
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->items + summary->removed, 0u);
  EXPECT_EQ(Found({Open("base.swset"), Open("delta.swset")}, 3), 1u);
}

TEST_F(DeltaTest, AnExpiryThatWasSetIsAChange) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) Add(seed);
  ASSERT_TRUE(Build("base.swset"));
  const PacketTime expiry = WallClockNow() + std::chrono::hours(1);
  ASSERT_TRUE(database_->Expire({.collection = "lanes", .source = "/2"}, expiry));
  ASSERT_TRUE(Build("delta.swset", "base.swset"));
  const hashset::SetList sets{Open("base.swset"), Open("delta.swset")};
  const auto snapshot = *hashset::Snapshot::Make(sets);
  snapshot->SetNow(expiry);
  std::vector<ItemRef> found;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    snapshot->FindDigest(MadeUpFile(seed).sha256, MadeUpFile(seed).size, found);
  }
  EXPECT_EQ(found.size(), 2u);
}

TEST_F(DeltaTest, WhatItCannotStandOnIsRefused) {
  Add(1);
  ASSERT_TRUE(Build("base.swset"));
  Add(2);
  ASSERT_TRUE(Build("delta.swset", "base.swset"));
  EXPECT_FALSE(Build("x.swset", "delta.swset")) << "a delta";
  EXPECT_FALSE(Build("x.swset", "base.swset", Bytes(32, 4))) << "another signer";
  EXPECT_FALSE(Build("x.swset", "missing.swset"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "x.swset")) << "nothing half-written";
}

}  // namespace
}  // namespace spanwatch::enrolment
