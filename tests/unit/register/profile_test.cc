#include "register/profile.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "register_support.h"

namespace spanwatch::enrolment {
namespace {

TEST(Profile, HasANameAndOneThatIsUnknownIsTheFullest) {
  for (const Profile profile : {Profile::kCompact, Profile::kStandard, Profile::kFull})
    EXPECT_EQ(ProfileNamed(ToString(profile)), profile);
  EXPECT_EQ(ProfileNamed(""), Profile::kFull);
}

TEST(Profile, CompactKeepsTheWholePictureAndSixteenWindowsInTheirOrder) {
  FileFingerprint file = MadeUpFile(1, 400);
  for (const View view : {View::kPlateCrop, View::kMirror, View::kOffsetCrop}) file.views.push_back({.view = view});
  Reduce(file, Profile::kCompact);
  EXPECT_EQ(file.views.size(), 1u);
  EXPECT_EQ(file.fragments.size(), 16u);
  EXPECT_TRUE(std::ranges::is_sorted(file.fragments));
  FileFingerprint small = MadeUpFile(2, 16);
  Reduce(small, Profile::kCompact);
  EXPECT_EQ(small.fragments, MadeUpFile(2, 16).fragments);
}

TEST(Profile, CompactKeepsTheSameOfTheWindowsThatFilesShare) {
  FileFingerprint first = MadeUpFile(1, 400), second = MadeUpFile(2, 400);
  for (std::uint64_t i = 0; i < 40; ++i) {
    for (auto* file : {&first, &second}) file->fragments.push_back({100'000 + i * 200, 1000 + i});
  }
  Reduce(first, Profile::kCompact);
  Reduce(second, Profile::kCompact);
  EXPECT_EQ(first.fragments, second.fragments);
}

TEST(Profile, StandardKeepsEveryWindowAndFewViewsFullKeepsAll) {
  FileFingerprint file = MadeUpFile(1, 400);
  file.views.resize(260, {.view = View::kOffsetCrop});
  Reduce(file, Profile::kFull);
  EXPECT_EQ(file.views.size(), 260u);
  Reduce(file, Profile::kStandard);
  EXPECT_EQ(file.views.size(), 12u);
  EXPECT_EQ(file.views[0].view, View::kFull);
  EXPECT_EQ(file.fragments.size(), 400u);
}

}  // namespace
}  // namespace spanwatch::enrolment
