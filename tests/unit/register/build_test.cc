#include "register/build.h"

#include <algorithm>
#include <set>

#include "hashset/snapshot.h"
#include "register_support.h"
#include "support/calibrate_pictures.h"

namespace spanwatch::enrolment {
namespace {

class BuildTest : public RegisterTest {
 protected:
  void Add(const char* collection, const FileFingerprint& file) {
    const std::string path = fmt::format("/{}", sources_++);
    ASSERT_TRUE(database_->AddFile(*database_->CollectionRow(collection), {.path = path}, file));
  }
  Result<BuildSummary> Build(Profile profile = Profile::kFull) {
    return BuildHashSet(*database_, {.out = folder_ / "a.swset", .profile = profile, .now = WallClockNow()}, seed_);
  }
  std::shared_ptr<const hashset::Snapshot> Open() {
    const hashset::PublicKey key = hashset::PublicKeyOf(seed_);
    const std::vector<Bytes> trusted{{key.begin(), key.end()}};
    auto set = hashset::MappedHashSet::Open(folder_ / "a.swset", trusted);
    EXPECT_TRUE(set && (*set)->VerifyChecksums());
    return *hashset::Snapshot::Make({*set});
  }
  std::size_t HitsOf(const hashset::Snapshot& snapshot, const FragmentPrint& print) {
    std::vector<FragmentHit> found;
    snapshot.FindFragments(0, std::span(&print, 1), found);
    return found.size();
  }

  const Bytes seed_ = Bytes(32, 3);
  int sources_ = 0;
};

TEST_F(BuildTest, PutsEveryKindOfItemIntoTheSet) {
  const FileFingerprint file = MadeUpFile(1);
  Add("lanes", file);
  Sha256Digest digest{};
  digest[0] = 9;
  ASSERT_TRUE(database_->AddDigest(*database_->CollectionRow("lanes"), {.path = "/l"}, digest));
  const PictureView imported{.hash = {{1, 2, 3, 4}}, .quality = 80};
  ASSERT_TRUE(database_->AddPicture(*database_->CollectionRow("lanes"), {.path = "/p"}, imported));
  ASSERT_TRUE(
      database_->AddRecord(*database_->CollectionRow("reads"), {.path = "/r", .line = 2},
                           {{.plate_tag = 5ull << 60, .folded_tag = 6ull << 60, .shape = 240, .pair_tags = {7}}}));
  const auto summary = Build();
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(summary->items, 4u);
  EXPECT_GT(summary->serial, 1'600'000'000u) << "the time in seconds";
  const auto snapshot = Open();
  EXPECT_EQ(snapshot->Set(0).name, "Agency");
  EXPECT_EQ(snapshot->Set(0).fragment_seed, database_->facts().fragment_seed);
  EXPECT_TRUE(snapshot->Set(0).has_bare_digests);
  EXPECT_TRUE(snapshot->Set(0).has_records);
  std::vector<ItemRef> items;
  snapshot->FindDigest(file.sha256, file.size, items);
  ASSERT_EQ(items.size(), 1u);
  EXPECT_EQ(snapshot->Item(items[0]).id, Items()[0].id);
  EXPECT_EQ(snapshot->Collection(items[0]).name, "lanes");
  EXPECT_EQ(snapshot->Collection(items[0]).owner, "Agency");
  snapshot->FindDigest(digest, 77, items);
  EXPECT_EQ(items.size(), 2u);
  std::vector<PictureHit> pictures;
  snapshot->FindPictures(imported.hash, 0, pictures);
  EXPECT_EQ(pictures.size(), 1u);
  const std::uint64_t tags[] = {5ull << 60, 6ull << 60};
  std::vector<FingerprintIndex::PlateHit> plates;
  snapshot->FindPlates(0, tags, plates);
  EXPECT_EQ(plates.size(), 2u);
  EXPECT_EQ(snapshot->RegisteredPlates(0, 240), 1u);
  EXPECT_NE(Describe(*summary).find("collection reads: 1 items"), std::string::npos);
}

TEST_F(BuildTest, CountsThePlatesOfEachShapeOnceAndThoseThatExpiredNot) {
  const auto add = [&](const char* collection, std::uint64_t line, std::vector<RecordFingerprint> variants) {
    ASSERT_TRUE(database_->AddRecord(*database_->CollectionRow(collection), {.path = "/r", .line = line}, variants));
  };
  add("reads", 2, {{.plate_tag = 1, .folded_tag = 1, .shape = 240}, {.plate_tag = 2, .folded_tag = 2, .shape = 241}});
  add("reads", 3, {{.plate_tag = 3, .folded_tag = 3, .shape = 240}});
  add("others", 4, {{.plate_tag = 3, .folded_tag = 3, .shape = 240}});
  add("old", 5, {{.plate_tag = 4, .folded_tag = 4, .shape = 240}});
  ASSERT_TRUE(database_->Expire({.collection = "old"}, WallClockNow() - std::chrono::hours(1)));
  ASSERT_TRUE(Build());
  EXPECT_EQ(Open()->RegisteredPlates(0, 240), 2u);
  EXPECT_EQ(Open()->RegisteredPlates(0, 241), 1u);
}

TEST_F(BuildTest, ANegativeBankIsInTheSetAndWhatItExplainsIsNot) {
  ASSERT_TRUE(database_->UseCollection("logos", true));
  FileFingerprint logo = MadeUpFile(1);
  Add("logos", logo);
  FileFingerprint same_file = logo;
  same_file.image_data.reset();
  FileFingerprint same_picture = MadeUpFile(2);
  same_picture.image_data = logo.image_data;
  FileFingerprint with_logo = MadeUpFile(3);
  with_logo.fragments.push_back({9000, logo.fragments[4].hash});
  for (const FileFingerprint& file : {same_file, same_picture, with_logo}) Add("lanes", file);
  const auto summary = Build(Profile::kCompact);
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->negatives, 1u);
  EXPECT_EQ(summary->harmless, 2u);
  EXPECT_EQ(summary->fragments.harmless, 1u);
  EXPECT_NE(Describe(*summary).find("a negative bank"), std::string::npos);
  const auto snapshot = Open();
  EXPECT_TRUE(snapshot->Set(0).has_negatives);
  for (const FragmentPrint& print : logo.fragments) {
    std::vector<FragmentHit> found;
    snapshot->FindFragments(0, std::span(&print, 1), found);
    ASSERT_EQ(found.size(), 1u) << "a bank keeps every window in every profile";
    EXPECT_TRUE(snapshot->Item(found[0].item).negative);
    EXPECT_TRUE(snapshot->Collection(found[0].item).negative);
  }
  std::vector<ItemRef> items;
  snapshot->FindArchiveEntry(logo.crc32, logo.size, items);
  EXPECT_TRUE(items.empty());
  snapshot->FindDigest(with_logo.sha256, with_logo.size, items);
  ASSERT_EQ(items.size(), 1u);
  EXPECT_FALSE(snapshot->Item(items[0]).negative);
}

TEST_F(BuildTest, LeavesOutWindowsSharedByDifferentPicturesOnly) {
  FileFingerprint first = MadeUpFile(1), different = MadeUpFile(2), copy = MadeUpFile(3), resaved = MadeUpFile(4);
  const FragmentPrint shared{.offset = 40, .hash = 0xabc0123456789def},
      of_copies{.offset = 50, .hash = 0x123456789abcdef0};
  for (auto* file : {&first, &different}) file->fragments.insert(file->fragments.begin(), shared);
  copy.image_data = first.image_data;
  resaved.views[0].hash = first.views[0].hash;
  resaved.views[0].hash.words[0] ^= 0xff;
  for (auto* file : {&first, &copy, &resaved}) file->fragments.insert(file->fragments.begin(), of_copies);
  for (const auto& file : {first, different, copy, resaved}) Add("lanes", file);
  const auto summary = Build();
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->fragments.shared, 2u);
  const auto snapshot = Open();
  EXPECT_EQ(HitsOf(*snapshot, shared), 0u);
  EXPECT_EQ(HitsOf(*snapshot, of_copies), 3u);
  for (const FragmentPrint& print : MadeUpFile(1).fragments) EXPECT_EQ(HitsOf(*snapshot, print), 1u);
}

TEST_F(BuildTest, LeavesOutWhatHasExpired) {
  Add("old", MadeUpFile(1));
  Add("new", MadeUpFile(2));
  ASSERT_TRUE(database_->Expire({.collection = "old"}, *ParseRfc3339("2020-01-01")));
  const auto summary = Build();
  EXPECT_EQ(summary->expired, 1u);
  EXPECT_EQ(summary->items, 1u);
  EXPECT_EQ(Open()->Collection({0, 0}).name, "new");
}

TEST_F(BuildTest, RefusesAnEmptyRegisterAndWritesNothing) {
  EXPECT_FALSE(Build());
  EXPECT_FALSE(std::filesystem::exists(folder_ / "a.swset"));
}

TEST_F(BuildTest, TheCompactProfileKeepsSixteenWindowsAndOneView) {
  FileFingerprint file = MadeUpFile(1, 100);
  file.views.push_back({.hash = {{9, 9, 9, 9}}, .view = View::kOffsetCrop});
  Add("lanes", file);
  const auto summary = Build(Profile::kCompact);
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->written.section_rows[static_cast<std::size_t>(hashset::SectionKind::kFragments)], 16u);
  EXPECT_EQ(summary->views, 1u);
  EXPECT_EQ(Open()->Item({0, 0}).fragment_count, 16u);
  EXPECT_EQ(summary->profiles[0].windows, 16u);
  EXPECT_EQ(summary->profiles[2].windows, 100u);
  EXPECT_EQ(summary->profiles[2].views, 2u);
  const std::string text = Describe(*summary);
  EXPECT_NE(text.find("bytes an item: "), std::string::npos);
  EXPECT_NE(text.find("profile compact: fragment 222 bytes an item (16.0 windows a file), perceptual 44 (1.0"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("profile full: fragment 1388 bytes an item (100.0 windows a file), perceptual 88 (2.0"),
            std::string::npos)
      << text;
}

TEST_F(BuildTest, IsNoFullerThanTheRegister) {
  database_ = *RegisterDatabase::Create(folder_ / "standard.db", {.owner = "Agency", .profile = Profile::kStandard});
  Add("lanes", MadeUpFile(1));
  EXPECT_TRUE(Build(Profile::kCompact));
  EXPECT_TRUE(Build(Profile::kStandard));
  const auto summary = Build(Profile::kFull);
  ASSERT_FALSE(summary);
  EXPECT_EQ(summary.error().code, ErrorCode::kUsage);
  EXPECT_NE(summary.error().message.find("profile standard"), std::string::npos);
}

TEST_F(BuildTest, CalibratesOnDifferentPicturesOfTheCollection) {
  for (std::uint64_t i = 0; i < 25; ++i) {
    FileFingerprint copy = MadeUpFile(1);  // one picture with ever other metadata proves nothing
    copy.sha256[0] = static_cast<std::uint8_t>(i);
    Add("copies", copy);
    Add("lanes", MadeUpFile(100 + i));
  }
  const auto summary = Build();
  ASSERT_TRUE(summary);
  ASSERT_EQ(summary->collections.size(), 2u);
  EXPECT_FALSE(summary->collections[0].calibration.calibrated);
  EXPECT_TRUE(summary->collections[1].calibration.sample == 25 && summary->collections[1].calibration.pictures == 25);
  EXPECT_NE(Describe(*summary).find("20 different ones are needed"), std::string::npos);
}

TEST_F(BuildTest, TellsHowFarEachStepHasCome) {
  for (std::uint64_t i = 0; i < 1100; ++i) Add("lanes", MadeUpFile(i));
  std::set<std::string> steps;
  const auto summary = BuildHashSet(*database_,
                                    {.out = folder_ / "a.swset",
                                     .now = WallClockNow(),
                                     .progress =
                                         [&](std::string_view step, std::uint64_t done, std::uint64_t total) {
                                           EXPECT_LE(done, total);
                                           steps.emplace(step);
                                         }},
                                    seed_);
  ASSERT_TRUE(summary);
  EXPECT_EQ(steps, (std::set<std::string>{"reading the register", "adding to the set", "writing the set"}));
}

TEST(FindSharedFragments, DropsWindowsThatRepeatWithinOneFile) {
  FileFingerprint file = MadeUpFile(1, 10);
  for (std::uint64_t i = 0; i < 9; ++i) file.fragments.push_back({10'000 + i * 64, 0x55});
  const PictureIdentity files[] = {IdentityOf(file)};
  hashset::ExternalSorter<FragmentPlace> places(std::filesystem::temp_directory_path(), 4 * sizeof(FragmentPlace));
  for (std::uint32_t i = 0; i < file.fragments.size(); ++i) places.Add({file.fragments[i].hash, 0, i});
  const auto shared = FindSharedFragments(places, files);
  ASSERT_TRUE(shared);
  EXPECT_EQ(shared->result.repeated, 9u);
  EXPECT_EQ(shared->result.kept, 10u);
  EXPECT_EQ(DropFragments(file, shared->hashes), 9u);
  EXPECT_EQ(file.fragments, MadeUpFile(1, 10).fragments);
}

// Pictures of one camera: a common base with `bits` random bits of each turned.
std::vector<PictureView> CameraPictures(std::size_t count, int bits) {
  std::mt19937_64 random(1);
  std::vector<PictureView> pictures(count, {.hash = {{1, 2, 3, 4}}, .quality = 90});
  for (PictureView& picture : pictures) {
    for (int i = 0; i < bits; ++i) picture.hash.words[random() % 4] ^= std::uint64_t{1} << random() % 64;
  }
  return pictures;
}

// Each registered as the whole picture alone.
Calibration CalibrateWhole(const std::vector<PictureView>& pictures) {
  std::vector<support::CalibratedPicture> wholes;
  for (const PictureView& picture : pictures) wholes.push_back({picture, std::span(&picture, 1)});
  return support::CalibratePictures(wholes);
}

TEST(Calibrate, EarnsSureWhenDifferentPicturesStayApart) {
  const Calibration result = CalibrateWhole(CameraPictures(100, 64));
  EXPECT_TRUE(result.calibrated);
  EXPECT_EQ(result.sure_distance, 31);
  EXPECT_EQ(result.weak_distance, 40);
  EXPECT_GT(result.nearest_different, 39);
  EXPECT_LE(result.false_rate, 0.03);
}

TEST(Calibrate, LowersSureWhenTheyComeNear) {
  const Calibration result = CalibrateWhole(CameraPictures(100, 25));
  EXPECT_TRUE(result.calibrated);
  EXPECT_LT(result.sure_distance, 31);
  EXPECT_LE(result.sure_distance + 8, result.nearest_different + 4);
}

TEST(Calibrate, LeavesACollectionUncalibratedThatIsTooSmallOrTooAlike) {
  EXPECT_FALSE(CalibrateWhole(CameraPictures(19, 64)).calibrated);
  EXPECT_FALSE(CalibrateWhole(CameraPictures(100, 8)).calibrated);
  EXPECT_FALSE(CalibrateWhole({}).calibrated);
  auto flat = CameraPictures(100, 64);
  for (auto& picture : flat) picture.quality = 10;
  EXPECT_FALSE(CalibrateWhole(flat).calibrated) << "of no quality";
}

TEST(Calibrate, CountsTheNearestViewOfAnotherPicture) {
  auto pictures = CameraPictures(100, 64);
  std::vector<std::vector<PictureView>> views;
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    views.push_back({pictures[i], pictures[(i + 1) % pictures.size()]});  // a crop that is the whole of the next
    views.back()[1].view = View::kOffsetCrop;
    views.back()[1].hash.words[0] ^= 0x7ffff;
  }
  std::vector<support::CalibratedPicture> with_views;
  for (const auto& of_one : views) with_views.push_back({of_one[0], of_one});
  const Calibration result = support::CalibratePictures(with_views);
  EXPECT_EQ(result.nearest_different, 19);
  EXPECT_EQ(result.partners[19], 100u);
  EXPECT_FALSE(result.calibrated);
}

TEST(Calibrate, WritesTheRateThatHeldBackPicturesShow) {
  const auto all = CameraPictures(4000, 25);  // near each other: rates that can be counted
  const std::vector<PictureView> registered(all.begin(), all.begin() + 2000);
  const Calibration result = CalibrateWhole(registered);
  for (const int distance : {24, 28, 31, 40}) {
    std::size_t partners = 0;
    for (std::size_t i = 2000; i < all.size(); ++i) {
      for (const PictureView& one : registered) {
        const int apart = HammingDistance(all[i].hash, one.hash);
        partners += apart > 10 && apart <= distance;
      }
    }
    const double held_back = static_cast<double>(partners) / 2000;
    EXPECT_GT(held_back, 0) << distance;
    EXPECT_NEAR(result.FalseRate(distance) / held_back, 1, 0.2) << distance;
  }
}

TEST(Calibrate, SeesTheCameraWhosePicturesComeNearAmongOthersInTurn) {
  auto pictures = CameraPictures(6000, 64);
  const auto near = CameraPictures(1500, 24);
  for (std::size_t i = 0; i < near.size(); ++i) pictures[4 * i + 1] = near[i];  // a sample of 2000 steps by 3
  const Calibration result = CalibrateWhole(pictures);
  EXPECT_NEAR(static_cast<double>(result.sample), 2000, 1);
  EXPECT_GT(result.FalseRate(40), 1) << "a quarter of the sample has hundreds";
}

TEST(Calibrate, ReencodedCopiesDoNotCountAsDifferentPictures) {
  auto pictures = CameraPictures(60, 64);
  for (std::size_t i = 0; i < 60; ++i) {
    pictures.push_back(pictures[i]);
    pictures.back().hash.words[1] ^= 0x1f;
  }
  EXPECT_TRUE(CalibrateWhole(pictures).calibrated);
}

}  // namespace
}  // namespace spanwatch::enrolment
