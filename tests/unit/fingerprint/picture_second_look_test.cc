#include "fingerprint/picture_second_look.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "fingerprint/file_fingerprint.h"
#include "image/picture_decoder.h"
#include "support/fake_index.h"
#include "support/gate_maker.h"
#include "support/picture_maker.h"

namespace spanwatch::fingerprint {
namespace {

// Gates fill their frames: what PDQ sees of them is mostly what stands still.
class PictureSecondLookTest : public testing::Test {
 protected:
  static constexpr std::uint32_t kRegistered = 6, kFrames = 14;

  void SetUp() override {
    index_.collection = {.calibrated = false};  // as calibration leaves such a collection
    for (std::uint32_t i = 0; i < kRegistered; ++i) index_.Add(FingerprintBytes(EncodeJpeg(Frame(i)), {}, {}));
  }
  static test::Picture Frame(std::uint32_t number) {
    static const test::GateCamera kCamera(2019, 1, 640, 360);
    return kCamera.Frame(number);
  }
  std::vector<PictureMatch> Find(const test::Picture& picture) const {
    const Bytes file = EncodeJpeg(picture);
    const PictureHashes hashes = HashPicture(*image::DecodePicture(file, {1u << 30, 1u << 30}).plane);
    auto matches = FindPicture(index_, hashes);
    if (WantsSecondLook(matches)) TakeSecondLook(index_, hashes, matches);
    return matches;
  }
  std::size_t MatchesOfOthers() const {
    std::size_t count = 0;
    for (std::uint32_t i = kRegistered; i < kFrames; ++i) count += Find(Frame(i)).size();
    return count;
  }

  FakeIndex index_;
};

TEST_F(PictureSecondLookTest, LeavesCopiesAndTakesLookAlikesAway) {
  for (std::uint32_t i = 0; i < kRegistered; ++i) {
    for (const test::Picture& copy :
         {test::DecodeRgb(EncodeJpeg(Frame(i), {.quality = 40})), Resize(Frame(i), 320, 180)}) {
      const auto matches = Find(copy);
      EXPECT_TRUE(std::ranges::any_of(matches, [&](const PictureMatch& match) { return match.item.row == i; })) << i;
      for (const PictureMatch& match : matches) EXPECT_FALSE(match.sure);
    }
  }
  const std::size_t with = MatchesOfOthers();
  index_.has_details = false;
  const std::size_t without = MatchesOfOthers();
  EXPECT_GT(without, 0u);
  EXPECT_LE(with * 2, without);
}

TEST_F(PictureSecondLookTest, IsNotTakenWhereCalibrationEarnedSure) {
  index_.collection = {.sure_distance = 12, .weak_distance = 40, .calibrated = true};
  const std::size_t with = MatchesOfOthers();
  index_.has_details = false;
  EXPECT_EQ(MatchesOfOthers(), with);
}

}  // namespace
}  // namespace spanwatch::fingerprint
