#include "register/enroll_images.h"

#include <sys/stat.h>

#include <atomic>
#include <stdexcept>

#include "register_support.h"

namespace spanwatch::enrolment {
namespace {

class EnrollImagesTest : public RegisterTest {
 protected:
  // Fingerprints made of the content, without reading pictures.
  Result<Fingerprinted> Fingerprint(const std::string& path) {
    ++calls_;
    std::ifstream input(path);
    const std::string content{std::istreambuf_iterator<char>(input), {}};
    if (content == "unreadable") return Fail(ErrorCode::kIo, "cannot read {}: broken", path);
    if (content == "throws") throw std::runtime_error("broken");
    if (content.empty()) return Fingerprinted{};
    FileFingerprint file = MadeUpFile(std::hash<std::string>()(content));
    if (content == "no picture") file.views.clear();
    if (content == "plain") file.views.front().quality = 0;
    if (content == "cut off") file.image_data.reset();
    file.views.insert(file.views.end(), further_views_.begin(), further_views_.end());
    return Fingerprinted{
        file, content == "odd boxes" ? std::vector<std::string>{path + ".json: odd"} : std::vector<std::string>{}};
  }
  Result<EnrolmentSummary> Enrol(std::vector<std::string> inputs, bool again = false) {
    observer_ = {};
    calls_ = 0;
    return EnrollImages(
        *database_, {.collection = "lanes", .again = again, .inputs = std::move(inputs), .threads = 4},
        [this](const std::string& path) { return Fingerprint(path); }, observer_);
  }

  std::atomic<int> calls_ = 0;
  std::vector<PictureView> further_views_;
  RecordingObserver observer_;
};

TEST_F(EnrollImagesTest, WalksFoldersWithLinksAndHiddenNamesButNotBoxesAndLeftovers) {
  for (int i = 0; i < 300; ++i) Write(fmt::format("in/{}/{}.jpg", i % 7, i), fmt::format("picture {}", i));
  Write("in/.before/x.jpg", "hidden folder");
  Write("in/.hidden.jpg", "hidden");
  Write("elsewhere/linked.jpg", "linked");
  std::filesystem::create_directory_symlink("../elsewhere", folder_ / "in/link");
  std::filesystem::create_directory_symlink("..", folder_ / "in/0/loop");
  for (const char* leftover : {"in/.DS_Store", "in/0/Thumbs.db", "in/._a.jpg"}) Write(leftover, "leftover");
  Write("in/0/0.json", "{}");
  const auto summary = Enrol({(folder_ / "in").string()});
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->added, 303u);
  EXPECT_EQ(summary->problems, 0u);
  EXPECT_EQ(observer_.progress, 303u);
  EXPECT_EQ(Items().size(), 303u);
}

TEST_F(EnrollImagesTest, TellsWhatOfAPictureCannotBeRecognisedAndRegistersTheRest) {
  Write("in/plain.jpg", "plain");
  Write("in/cut.jpg", "cut off");
  Write("in/boxes.jpg", "odd boxes");
  Write("in/lonely.json", "{}");
  Write("in/more.zip", "no picture");
  std::filesystem::create_symlink("loop.jpg", folder_ / "in/loop.jpg");
  const auto summary = Enrol({(folder_ / "in").string()});
  EXPECT_EQ(summary->added, 4u);
  EXPECT_EQ(summary->problems, 6u);
  std::string all;
  for (const auto& problem : observer_.problems) all += problem + "\n";
  for (const char* told :
       {"plain.jpg shows nothing", "cut.jpg breaks off", "boxes.jpg.json: odd", "lonely.json belongs to no picture",
        "loop.jpg: Too many levels", "more.zip is an archive"}) {
    EXPECT_NE(all.find(told), std::string::npos) << told << "\n" << all;
  }
}

TEST_F(EnrollImagesTest, ViewsThatCameLaterTakeEffectWhenItIsAskedFor) {
  Write("in/a.jpg", "a");
  ASSERT_EQ(Enrol({(folder_ / "in").string()})->added, 1u);
  const ItemId id = Items()[0].id;
  further_views_.push_back({.hash = {{1, 2, 3, 4}}, .quality = 90, .view = View::kPlateCrop});
  ASSERT_EQ(Enrol({(folder_ / "in").string()})->known, 1u);
  EXPECT_EQ((*database_->File(Items()[0]))->views.size(), 1u) << "the file is known";
  ASSERT_EQ(Enrol({(folder_ / "in").string()}, true)->known, 1u);
  ASSERT_EQ(Items().size(), 1u);
  EXPECT_EQ(Items()[0].id, id);
  EXPECT_EQ((*database_->File(Items()[0]))->views.size(), 2u);
}

TEST_F(EnrollImagesTest, AdditionsToAnExpiredCollectionAreTold) {
  Write("in/a.jpg", "a");
  ASSERT_EQ(Enrol({(folder_ / "in").string()})->problems, 0u);
  ASSERT_TRUE(database_->Expire({.collection = "lanes"}, WallClockNow()));
  Write("in/b.jpg", "b");
  EXPECT_EQ(Enrol({(folder_ / "in").string()})->problems, 1u);
  EXPECT_NE(observer_.problems.at(0).find("has expired"), std::string::npos);
}

TEST_F(EnrollImagesTest, ItemsThatExpiredAndAreAddedAgainAreTold) {
  const std::string path = Write("in/a.jpg", "a");
  ASSERT_EQ(Enrol({path})->problems, 0u);
  ASSERT_TRUE(database_->Expire({.collection = "lanes", .item = std::nullopt, .source = path}, WallClockNow()));
  EXPECT_EQ(Enrol({path})->problems, 1u);
  EXPECT_NE(observer_.problems.at(0).find("1 of its items have expired"), std::string::npos);
  Write("in/b.jpg", "a");
  EXPECT_EQ(Enrol({(folder_ / "in/b.jpg").string()})->problems, 1u) << "the same bytes from elsewhere";
  ASSERT_TRUE(database_->Expire({.collection = "lanes", .item = std::nullopt, .source = path}, PacketTime::max()));
  EXPECT_EQ(Enrol({path})->problems, 0u);
}

TEST_F(EnrollImagesTest, EmptyFoldersTablesAndPicturesUnderNamesOfLeftovers) {
  std::filesystem::create_directory(folder_ / "empty");
  EXPECT_EQ(Enrol({(folder_ / "empty").string()})->problems, 1u);
  EXPECT_NE(observer_.problems.at(0).find("there is no file in"), std::string::npos);
  Write("in/._real.jpg", "\xFF\xD8\xFF picture");
  Write("in/Thumbs.db", "\x89PNG\r\n\x1A\n picture");
  Write("in/._a.jpg", std::string("\0\5\x16\7", 4));
  Write("in/__MACOSX/._b.jpg", std::string("\0\5\x16\7", 4));
  EXPECT_EQ(Enrol({(folder_ / "in").string()})->added, 2u);
  EXPECT_TRUE(observer_.problems.empty());
  EXPECT_EQ(Enrol({Write("reads.csv", "no picture")})->problems, 1u);
}

TEST_F(EnrollImagesTest, TheRegisterAndKeysBesideItAreToldAndNotRegistered) {
  Write("a.jpg", "picture");
  Write("owner.pub", "spanwatch-public-key-v1\n" + std::string(64, 'a') + "\n");
  Write("other.txt", "spanwatch-record-key-v1\n" + std::string(64, 'b') + "\n");
  const auto summary = Enrol({folder_.string()});
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->added, 1u);
  EXPECT_EQ(Items().size(), 1u);
  EXPECT_GE(summary->problems, 3u);
  std::size_t register_files = 0, keys = 0;
  for (const std::string& problem : observer_.problems) {
    register_files += problem.contains("is the register;") ? 1 : 0;
    keys += problem.contains("is a key file;") ? 1 : 0;
  }
  EXPECT_EQ(keys, 2u);
  EXPECT_GE(register_files, 1u);
}

TEST_F(EnrollImagesTest, WaitsForNoPipe) {
  Write("in/a.jpg", "a picture");
  ASSERT_EQ(::mkfifo((folder_ / "in/pipe.jpg").c_str(), 0600), 0);
  const auto summary = Enrol({(folder_ / "in").string(), (folder_ / "in/pipe.jpg").string()});
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->added, 1u);
  EXPECT_EQ(summary->problems, 2u);
  ASSERT_EQ(observer_.problems.size(), 2u);
  EXPECT_NE(observer_.problems[0].find("pipe.jpg is neither a file nor a folder"), std::string::npos);
}

TEST_F(EnrollImagesTest, KeepsNoMoreThanTheProfileOfTheRegister) {
  database_ = *RegisterDatabase::Create(folder_ / "compact.db", {.owner = "Agency", .profile = Profile::kCompact});
  const auto windows = [this](bool negative) {
    const std::string path = Write("in/a.jpg", negative ? "logo" : "picture");
    EXPECT_TRUE(EnrollImages(
        *database_, {.collection = negative ? "logos" : "lanes", .negative = negative, .inputs = {path}},
        [this](const std::string& file) { return Fingerprint(file); }, observer_));
    return (*database_->File(Items().back()))->fragments.size();
  };
  EXPECT_EQ(windows(false), 16u);
  EXPECT_EQ(windows(true), 20u) << "a bank keeps every window";
}

TEST_F(EnrollImagesTest, ResumesByPassingOverWhatItHas) {
  Write("in/a.jpg", "a");
  ASSERT_EQ(Enrol({(folder_ / "in").string()})->added, 1u);
  Write("in/b.jpg", "b");
  const auto summary = Enrol({(folder_ / "in").string()});
  EXPECT_EQ(summary->added, 1u);
  EXPECT_EQ(summary->known, 1u);
  EXPECT_EQ(calls_, 1);
}

TEST_F(EnrollImagesTest, SaysOfWhatItHasByItsBytesOnlyThatItIsNoMore) {
  Write("in/a.jpg", "a");
  Write("in/b.heic", "no picture");
  Write("in/notes.txt", "no picture");
  ASSERT_EQ(Enrol({(folder_ / "in").string()})->problems, 1u);
  const auto summary = Enrol({(folder_ / "in").string()});
  EXPECT_EQ(summary->known, 3u);
  EXPECT_EQ(summary->problems, 0u);
  ASSERT_EQ(observer_.notices.size(), 1u);
  EXPECT_NE(observer_.notices[0].find("b.heic is registered already, by its bytes only"), std::string::npos);
  EXPECT_EQ(Enrol({(folder_ / "in").string()}, true)->problems, 1u);
}

TEST_F(EnrollImagesTest, ReadsAFileAgainThatChanged) {
  const std::string path = Write("in/a.jpg", "a");
  ASSERT_EQ(Enrol({path})->added, 1u);
  Write("in/a.jpg", "another");
  EXPECT_EQ(Enrol({path})->added, 1u);
  EXPECT_EQ(Items().size(), 2u) << "what was entrusted before stays registered";
}

TEST_F(EnrollImagesTest, NamesEachFileItCouldNotReadAndGoesOn) {
  Write("in/a.jpg", "a");
  Write("in/broken.jpg", "unreadable");
  Write("in/empty.jpg", "");
  Write("in/garbage.jpg", "no picture");
  Write("in/throws.jpg", "throws");
  Write("in/z.jpg", "z");
  const auto summary = Enrol({(folder_ / "in").string(), (folder_ / "nowhere").string()});
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->added, 3u) << "garbage is registered by its bytes";
  EXPECT_EQ(summary->problems, 5u);
  std::string all;
  for (const auto& problem : observer_.problems) all += problem + "\n";
  for (const char* name : {"broken.jpg", "empty.jpg", "garbage.jpg", "throws.jpg", "nowhere"}) {
    EXPECT_NE(all.find(name), std::string::npos) << name;
  }
}

TEST_F(EnrollImagesTest, TheSameBytesTwiceAreOneItem) {
  Write("in/a.jpg", "same");
  Write("in/b.jpg", "same");
  const auto summary = Enrol({(folder_ / "in").string()});
  EXPECT_EQ(summary->added, 1u);
  EXPECT_EQ(summary->sources, 1u);
  EXPECT_EQ(Enrol({(folder_ / "in").string()})->known, 2u);
}

}  // namespace
}  // namespace spanwatch::enrolment
