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
  Result<FileFingerprint> Fingerprint(const std::string& path) {
    ++calls_;
    std::ifstream input(path);
    const std::string content{std::istreambuf_iterator<char>(input), {}};
    if (content == "unreadable") return Fail(ErrorCode::kIo, "cannot read {}: broken", path);
    if (content == "throws") throw std::runtime_error("broken");
    if (content.empty()) return FileFingerprint{};
    FileFingerprint file = MadeUpFile(std::hash<std::string>()(content));
    if (content == "no picture") file.views.clear();
    return file;
  }
  Result<EnrolmentSummary> Enrol(std::vector<std::string> inputs) {
    observer_ = {};
    calls_ = 0;
    return EnrollImages(
        *database_, {.collection = "lanes", .inputs = std::move(inputs), .threads = 4},
        [this](const std::string& path) { return Fingerprint(path); }, observer_);
  }

  std::atomic<int> calls_ = 0;
  RecordingObserver observer_;
};

TEST_F(EnrollImagesTest, WalksFoldersAndLeavesOutHiddenNamesAndBoxes) {
  for (int i = 0; i < 300; ++i) Write(fmt::format("in/{}/{}.jpg", i % 7, i), fmt::format("picture {}", i));
  Write("in/.git/x.jpg", "hidden");
  Write("in/.hidden.jpg", "hidden");
  Write("in/0/0.json", "{}");
  const auto summary = Enrol({(folder_ / "in").string()});
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->added, 300u);
  EXPECT_EQ(summary->problems, 0u);
  EXPECT_EQ(observer_.progress, 300u);
  EXPECT_EQ(Items().size(), 300u);
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
