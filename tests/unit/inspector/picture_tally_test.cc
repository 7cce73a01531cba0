#include "inspector/picture_tally.h"

#include <gtest/gtest.h>

#include "support/fake_index.h"

namespace spanwatch::inspector {
namespace {

PdqHash HashOfPicture(std::uint64_t number) { return {{number * 0x9E3779B97F4A7C15, number, ~number, number << 7}}; }

class PictureTallyTest : public ::testing::Test {
 protected:
  PictureTallyTest() { item_ = index_.Add({}); }
  static PictureTally::Way WayTo(std::uint8_t host) {
    const std::array<std::uint8_t, 4> inside = {10, 20, 0, 9}, outside = {203, 0, 113, host};
    return {IpAddress::From(inside), IpAddress::From(outside)};
  }
  void See(std::uint64_t picture, bool alike, std::uint8_t host = 1, PacketTime now = {}) {
    tally_.Begin(WayTo(host), HashOfPicture(picture), now);
    if (alike) tally_.Add(index_, {.item = item_, .method = Method::kPerceptual, .distance = 35});
  }
  PictureEvidence Weigh(std::uint8_t host = 1) const { return tally_.Weigh(WayTo(host), index_, item_); }

  config::Limits limits_;
  Counters counters_;
  FakeIndex index_;
  ItemRef item_;
  PictureTally tally_{limits_, counters_};
};

TEST_F(PictureTallyTest, AsManyAsCalibrationForesawProveNothing) {
  index_.chance = 0.01;  // ten times as many within the weak distance
  for (std::uint64_t i = 0; i < 70; ++i) See(i, i % 9 == 0);
  EXPECT_EQ(Weigh().pictures_seen, 70u);
  EXPECT_EQ(Weigh().pictures_alike, 8u);
  EXPECT_GT(Weigh().probability, 0.1);
}

TEST_F(PictureTallyTest, AFolderOfCopiesIsNoChance) {
  index_.chance = 0.01;
  for (std::uint64_t i = 0; i < 12; ++i) See(i, true);
  EXPECT_LT(Weigh().probability, 1e-9);
}

TEST_F(PictureTallyTest, APictureCountsOnceAndEachWayForItself) {
  for (int again = 0; again < 5; ++again) See(1, true);
  EXPECT_EQ(Weigh().pictures_seen, 1u);
  EXPECT_EQ(Weigh().pictures_alike, 1u);
  EXPECT_EQ(Weigh(2).pictures_seen, 0u);
  EXPECT_EQ(Weigh(2).probability, 1);
}

TEST_F(PictureTallyTest, ADayLaterItBeginsAgain) {
  See(1, true);
  See(2, true, 1, PacketTime(std::chrono::hours(25)));
  EXPECT_EQ(Weigh().pictures_seen, 1u);
}

TEST_F(PictureTallyTest, ManyPicturesAreEstimated) {
  for (std::uint64_t i = 1; i <= 20'000; ++i) See(i, false);
  See(0, true);
  EXPECT_NEAR(static_cast<double>(Weigh().pictures_seen), 20'000, 4'000);
}

TEST_F(PictureTallyTest, TheWayThatWasQuietLongestIsForgotten) {
  limits_.perceptual_tallied_pairs = 16;
  for (std::uint8_t host = 1; host <= 17; ++host) See(1, true, host);
  EXPECT_EQ(Weigh(1).pictures_seen, 0u);
  EXPECT_EQ(Weigh(2).pictures_seen, 1u);
  EXPECT_EQ(counters_.Get(Counter::picture_pairs_over_limit), 1u);
}

}  // namespace
}  // namespace spanwatch::inspector
