#include "image/picture_tilt.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "image/picture_decoder.h"
#include "support/picture_maker.h"

namespace spanwatch::image {
namespace {

LumaPlane LaneBlocks(std::uint32_t camera) {
  const Bytes file = EncodeJpeg(test::LaneCamera(camera, 1, 960, 540).Frame(7).picture);
  return *DecodePicture(file, {1u << 30, 1u << 30}).plane;
}

// Clockwise about the centre, in a frame that is `wider` samples wider at each side and as much higher.
LumaPlane TurnedIn(const LumaPlane& plane, double degrees, std::uint32_t wider, std::uint8_t fill) {
  LumaPlane turned{.width = plane.width + 2 * wider, .height = plane.height + 2 * wider};
  turned.samples.assign(std::size_t{turned.width} * turned.height, fill);
  const double angle = degrees * std::numbers::pi / 180;
  for (std::uint32_t y = 0; y < turned.height; ++y) {
    for (std::uint32_t x = 0; x < turned.width; ++x) {
      const double across = x - (turned.width - 1) / 2.0, down = y - (turned.height - 1) / 2.0;
      const double from_x = (plane.width - 1) / 2.0 + across * std::cos(angle) + down * std::sin(angle);
      const double from_y = (plane.height - 1) / 2.0 - across * std::sin(angle) + down * std::cos(angle);
      if (from_x < 0 || from_y < 0 || from_x > plane.width - 1 || from_y > plane.height - 1) continue;
      const auto row = static_cast<std::size_t>(std::lround(from_y));
      turned.samples[std::size_t{y} * turned.width + x] =
          plane.samples[row * plane.width + static_cast<std::size_t>(std::lround(from_x))];
    }
  }
  return turned;
}

double MeanDifference(const LumaPlane& a, const LumaPlane& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.samples.size(); ++i) sum += std::abs(a.samples[i] - b.samples[i]);
  return sum / static_cast<double>(a.samples.size());
}

TEST(Levelled, TurnsBackAPictureWhoseCornersAreFilled) {
  for (const std::uint32_t camera : {3u, 4u, 5u, 6u}) {
    const LumaPlane plane = LaneBlocks(camera);
    for (const double degrees : {3.0, -3.0, 5.0, -5.0, 8.0}) {
      const LumaPlane turned = TurnedIn(plane, degrees, 0, 0);
      const auto levelled = Levelled(turned);
      ASSERT_TRUE(levelled) << camera << " by " << degrees;
      ASSERT_EQ(levelled->samples.size(), plane.samples.size());
      EXPECT_LT(MeanDifference(*levelled, plane), MeanDifference(turned, plane) / 2) << camera << " by " << degrees;
    }
  }
}

TEST(Levelled, TurnsBackAPictureInALargerFrame) {
  const LumaPlane plane = LaneBlocks(3);
  const LumaPlane straight = TurnedIn(plane, 0, 4, 255), turned = TurnedIn(plane, 4, 4, 255);
  const auto levelled = Levelled(turned);
  ASSERT_TRUE(levelled);
  EXPECT_LT(MeanDifference(*levelled, straight), MeanDifference(turned, straight) / 2);
}

TEST(Levelled, LeavesAloneWhatWasNotTurned) {
  const LumaPlane plane = LaneBlocks(3);
  EXPECT_FALSE(Levelled(plane));
  EXPECT_FALSE(Levelled(TurnedIn(plane, 0, 6, 0))) << "a border";
  EXPECT_FALSE(Levelled(LumaPlane{.width = 120, .height = 70, .samples = std::vector<std::uint8_t>(8400, 9)}));
  EXPECT_FALSE(Levelled(LumaPlane{.width = 20, .height = 20, .samples = std::vector<std::uint8_t>(400, 9)}));
  LumaPlane vignette = plane;  // dark corners, round
  for (std::uint32_t y = 0; y < plane.height; ++y) {
    for (std::uint32_t x = 0; x < plane.width; ++x) {
      const double across = (x + 0.5) / plane.width - 0.5, down = (y + 0.5) / plane.height - 0.5;
      if (across * across + down * down > 0.3) vignette.samples[std::size_t{y} * plane.width + x] = 0;
    }
  }
  EXPECT_FALSE(Levelled(vignette));
}

}  // namespace
}  // namespace spanwatch::image
