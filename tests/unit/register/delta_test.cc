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
  Result<BuildSummary> Build(const std::string& out, const std::vector<std::string>& delta_from = {},
                             const Bytes& seed = Bytes(32, 3)) {
    BuildOptions options{.out = folder_ / out, .now = WallClockNow()};
    for (const std::string& name : delta_from) options.delta_from.push_back(folder_ / name);
    return BuildHashSet(*database_, options, seed);
  }
  std::shared_ptr<const hashset::MappedHashSet> Open(const std::string& name) {
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
  ASSERT_TRUE(Remove({.collection = "lanes", .source = "/7"}));
  // A further supporting value of a plate that is in the base.
  ASSERT_TRUE(database_->AddRecord(*database_->CollectionRow("reads"), {.path = "/r", .line = 3},
                                   {{.plate_tag = 5, .folded_tag = 6, .shape = 240, .pair_tags = {9}}}));
  const auto summary = Build("delta.swset", {"base.swset"});
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(summary->base_serial, Open("base.swset")->manifest().serial);
  EXPECT_EQ(summary->items, 2u);
  EXPECT_EQ(summary->changed, 1u);
  EXPECT_EQ(summary->removed, 2u);
  EXPECT_NE(Describe(*summary).find("a delta to serial "), std::string::npos);
  const hashset::SetList sets{Open("base.swset"), Open("delta.swset")};
  EXPECT_EQ(sets[1]->item_count(), 2u);
  EXPECT_EQ((*hashset::Snapshot::Make(sets))->RegisteredPlates(1, 240), 1u) << "of the whole register";
  EXPECT_LT(sets[1]->file_bytes(), sets[0]->file_bytes() / 2);
  for (std::uint64_t seed = 1; seed <= 31; ++seed) EXPECT_EQ(Found(sets, seed), seed == 7 ? 0u : 1u) << seed;
}

TEST_F(DeltaTest, OfAnUnchangedRegisterItIsEmpty) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) Add(seed);
  ASSERT_TRUE(Build("base.swset"));
  const auto summary = Build("delta.swset", {"base.swset"});
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->items + summary->removed, 0u);
  EXPECT_EQ(Found({Open("base.swset"), Open("delta.swset")}, 3), 1u);
}

TEST_F(DeltaTest, AnExpiryThatWasSetIsAChange) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) Add(seed);
  ASSERT_TRUE(Build("base.swset"));
  const PacketTime expiry = WallClockNow() + std::chrono::hours(1);
  ASSERT_TRUE(database_->Expire({.collection = "lanes", .source = "/2"}, expiry));
  ASSERT_TRUE(Build("delta.swset", {"base.swset"}));
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
  ASSERT_TRUE(Build("delta.swset", {"base.swset"}));
  EXPECT_FALSE(Build("x.swset", {"delta.swset"})) << "a delta without its base";
  EXPECT_FALSE(Build("x.swset", {"base.swset"}, Bytes(32, 4))) << "another signer";
  EXPECT_FALSE(Build("x.swset", {"missing.swset"}));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "x.swset")) << "nothing half-written";
}

TEST_F(DeltaTest, ARestoredRegisterRepeatsNoSerialAndItsDeltaIsRefusedBesideAForeignBase) {
  Add(1);
  ASSERT_TRUE(Build("first.swset"));
  database_.reset();
  std::filesystem::copy(folder_ / "R.db", folder_ / "copy.db");
  Reopen();
  Add(2);
  const auto lost = Build("lost.swset");
  ASSERT_TRUE(lost);
  database_.reset();
  std::filesystem::rename(folder_ / "copy.db", folder_ / "R.db");
  Reopen();
  Add(3);
  BuildOptions options{.out = folder_ / "again.swset", .serial = lost->serial, .now = WallClockNow()};
  ASSERT_TRUE(BuildHashSet(*database_, options, Bytes(32, 3))) << "as a careless owner would";
  ASSERT_TRUE(Build("delta.swset", {"again.swset"}));
  const auto foreign = hashset::Snapshot::Make({Open("lost.swset"), Open("delta.swset")});
  ASSERT_FALSE(foreign);
  EXPECT_NE(foreign.error().message.find("another set of that serial"), std::string::npos) << foreign.error().message;
  EXPECT_TRUE(hashset::Snapshot::Make({Open("again.swset"), Open("delta.swset")}));
  EXPECT_FALSE(BuildHashSet(*database_, options, Bytes(32, 3))) << "a serial is given once";
}

// What every lookup gives, by the items' ids.
std::vector<std::string> Answers(const hashset::SetList& sets, const std::vector<FileFingerprint>& files,
                                 std::span<const std::uint64_t> tags, PacketTime now) {
  const auto index = *hashset::Snapshot::Make(sets);
  index->SetNow(now);
  std::vector<std::string> answers;
  const auto add = [&](std::string_view what, std::uint64_t key, ItemRef ref) {
    const ItemFacts item = index->Item(ref);
    const CollectionFacts collection = index->Collection(ref);
    answers.push_back(fmt::format("{} {} {} {} {} {} {} {} {} {}", what, key, fmt::join(item.id, "."), item.size,
                                  item.fragment_count, Nanoseconds(item.expires), collection.name, collection.items,
                                  collection.bytes, collection.sure_distance));
  };
  std::vector<ItemRef> found;
  std::vector<FragmentHit> windows;
  std::vector<PictureHit> pictures;
  std::vector<FingerprintIndex::PlateHit> plates;
  for (const FileFingerprint& file : files) {
    index->FindDigest(file.sha256, file.size, found);
    index->FindPictures(file.views.front().hash, 31, pictures);
    for (std::size_t set = 0; set < sets.size(); ++set) index->FindFragments(set, file.fragments, windows);
  }
  std::uint64_t registered = 0;
  for (std::size_t set = 0; set < sets.size(); ++set) {
    index->FindPlates(set, tags, plates);
    index->FindPairs(set, tags, plates);
    registered += index->RegisteredPlates(set, 240);
  }
  for (const ItemRef ref : found) add("digest", 0, ref);
  for (const FragmentHit& hit : windows) add("window", hit.print.hash, hit.item);
  for (const PictureHit& hit : pictures) add("picture", hit.distance, hit.item);
  for (const auto& hit : plates) add("plate", tags[hit.tag_index], hit.item);
  answers.push_back(fmt::format("plates {}", registered));
  std::ranges::sort(answers);
  return answers;
}

void ExpectSame(const std::vector<std::string>& answers, const std::vector<std::string>& wanted,
                std::string_view what) {
  std::vector<std::string> differences;
  std::ranges::set_symmetric_difference(answers, wanted, std::back_inserter(differences));
  if (differences.size() > 6) differences.resize(6);
  EXPECT_TRUE(differences.empty()) << what << ":\n" << fmt::format("{}", fmt::join(differences, "\n"));
}

// Ten days of a register: additions that share windows with what was there and among each other, further rows of known
// plates, removals, expiry of items and of a whole collection, a bank.
class TenDays : public DeltaTest {
 protected:
  static constexpr std::uint64_t kFilesOfBase = 400, kFilesADay = 10;

  // Keys of a set are hashes.
  static std::uint64_t Spread(std::uint64_t number) { return number * 0x9E3779B97F4A7C15u; }
  FileFingerprint File(std::uint64_t seed) {
    FileFingerprint file = MadeUpFile(seed);
    // A header that all have, a window of two, and one that an old picture has.
    file.fragments.push_back({9000, Spread(1)});
    file.fragments.push_back({9100, Spread(1000 + seed / 2)});
    if (seed > kFilesOfBase) file.fragments.push_back({9200, MadeUpFile(seed - kFilesOfBase).fragments[3].hash});
    return file;
  }
  void AddFiles(std::uint64_t count) {
    ASSERT_TRUE(database_->Begin());
    for (; count > 0; --count) {
      files_.push_back(File(files_.size() + 1));
      ASSERT_TRUE(database_->AddFile(*database_->CollectionRow("lanes"), {.path = fmt::format("/{}", files_.size())},
                                     files_.back()));
    }
    ASSERT_TRUE(database_->Commit());
  }
  void AddPlates(std::uint64_t first, std::uint64_t count, std::uint64_t pair) {
    ASSERT_TRUE(database_->Begin());
    for (std::uint64_t plate = first; plate < first + count; ++plate) {
      const std::uint64_t tag = Spread(plate), pair_tag = Spread(1'000'000 + pair + plate);
      tags_.insert({tag, pair_tag});
      ASSERT_TRUE(database_->AddRecord(*database_->CollectionRow("reads"), {.path = "/r", .line = pair + plate},
                                       {{.plate_tag = tag, .folded_tag = tag, .shape = 240, .pair_tags = {pair_tag}}}));
    }
    ASSERT_TRUE(database_->Commit());
  }
  void Live(int day) {
    AddFiles(kFilesADay);
    AddPlates(500 + static_cast<std::uint64_t>(day) * 8, 10, 10'000 * static_cast<std::uint64_t>(day));
    ASSERT_TRUE(Remove({.collection = "lanes", .source = fmt::format("/{}", day * 3)}));
    if (day == 3) {
      ASSERT_TRUE(database_->Expire({.collection = "lanes"}, soon_));
    }
    if (day == 4) {
      ASSERT_TRUE(database_->Expire({.collection = "lanes", .source = "/50"}, soon_ - std::chrono::hours(1)));
    }
    if (day == 5) {
      ASSERT_TRUE(database_->Expire({.collection = "lanes", .source = "/51"}, WallClockNow()));
    }
    if (day == 6) {
      ASSERT_TRUE(database_->UseCollection("logos", true));
      FileFingerprint logo = MadeUpFile(9'999);
      logo.fragments.push_back(files_[99].fragments[5]);
      ASSERT_TRUE(database_->AddFile(*database_->CollectionRow("logos"), {.path = "/logo"}, logo));
      files_.push_back(logo);
    }
    if (day == 7) {
      ASSERT_TRUE(database_->Expire({.collection = "lanes"}, PacketTime::max()));
    }
    if (day == 8) {
      ASSERT_TRUE(database_->Expire({.collection = "lanes", .source = "/51"}, PacketTime::max()));
    }
  }

  const PacketTime soon_ = WallClockNow() + std::chrono::hours(1000);
  std::vector<FileFingerprint> files_;
  std::set<std::uint64_t> tags_;
};

TEST_F(TenDays, AChainOfDeltasAnswersAsTheWholeSetAndIsAsSmallAsWhatChanged) {
  AddFiles(kFilesOfBase);
  AddPlates(1, 600, 0);
  ASSERT_TRUE(Build("day0.swset"));
  std::vector<std::string> chain{"day0.swset"};
  for (int day = 1; day <= 10; ++day) {
    Live(day);
    const std::string name = fmt::format("day{}.swset", day);
    const auto delta = Build(name, chain);
    ASSERT_TRUE(delta) << delta.error().message;
    chain.push_back(name);
    const auto whole = Build("whole.swset");
    const auto since_base = Build("since.swset", {"day0.swset"});
    ASSERT_TRUE(whole && since_base);
    hashset::SetList sets;
    for (const std::string& file : chain) sets.push_back(Open(file));
    const std::vector<std::uint64_t> tags(tags_.begin(), tags_.end());
    for (const PacketTime now : {WallClockNow(), soon_}) {
      const auto wanted = Answers({Open("whole.swset")}, files_, tags, now);
      ExpectSame(Answers(sets, files_, tags, now), wanted, fmt::format("chain, day {}", day));
      ExpectSame(Answers({sets[0], Open("since.swset")}, files_, tags, now), wanted, fmt::format("one, day {}", day));
    }
    EXPECT_LE(delta->changed, 12u) << "plates with a further row, and an item that expires";
    EXPECT_LT(delta->written.bytes, whole->written.bytes / 10);
    EXPECT_LT(since_base->written.bytes, whole->written.bytes / 2);
  }
}

}  // namespace
}  // namespace spanwatch::enrolment
