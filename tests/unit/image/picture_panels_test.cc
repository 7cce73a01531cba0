#include "image/picture_panels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace spanwatch::image {
namespace {

constexpr std::uint32_t kWidth = 160;
constexpr std::uint32_t kHeight = 120;

// Slopes and spots about a level: content with no straight edge in it.
void PaintSoft(LumaPlane& plane, std::uint32_t left, std::uint32_t top, std::uint32_t right, std::uint32_t bottom,
               int level, std::uint32_t seed) {
  std::mt19937 random(seed);
  const auto middle_x = static_cast<std::int64_t>(left + random() % (right - left));
  const auto middle_y = static_cast<std::int64_t>(top + random() % (bottom - top));
  for (std::uint32_t y = top; y < bottom; ++y) {
    for (std::uint32_t x = left; x < right; ++x) {
      const std::int64_t away = (x - middle_x) * (x - middle_x) + (y - middle_y) * (y - middle_y);
      const auto spot = static_cast<int>(40 * 900 / (900 + away));
      plane.samples[std::size_t{y} * plane.width + x] =
          static_cast<std::uint8_t>(level + spot + static_cast<int>(x % 3 + y % 2));
    }
  }
}

LumaPlane Soft(int level, std::uint32_t seed) {
  LumaPlane plane{.width = kWidth, .height = kHeight, .samples = std::vector<std::uint8_t>(kWidth * kHeight)};
  PaintSoft(plane, 0, 0, kWidth, kHeight, level, seed);
  return plane;
}

// How far the side that is farthest off is from where it should be, in samples, of the nearest panel.
double Misfit(const std::vector<LumaRectangle>& panels, double left, double top, double right, double bottom) {
  double best = kWidth;
  for (const LumaRectangle& panel : panels) {
    best =
        std::min(best, std::max({std::abs(panel.left * kWidth - left), std::abs(panel.top * kHeight - top),
                                 std::abs(panel.right * kWidth - right), std::abs(panel.bottom * kHeight - bottom)}));
  }
  return best;
}

TEST(Panels, OfAPictureWithoutStraightEdgesThereAreNone) {
  EXPECT_TRUE(Panels(Soft(60, 1)).empty());
  EXPECT_TRUE(Panels(Soft(180, 2)).empty());
}

TEST(Panels, FindAWindowWhateverLiesBehindIt) {
  LumaPlane plane = Soft(40, 3);
  PaintSoft(plane, 31, 22, 131, 95, 130, 4);
  const auto panels = Panels(plane);
  ASSERT_FALSE(panels.empty());
  EXPECT_LT(Misfit({panels[0]}, 31, 22, 131, 95), 0.6);
}

TEST(Panels, FindEveryTileOfACollage) {
  LumaPlane plane = Soft(30, 5);
  PaintSoft(plane, 80, 0, 160, 60, 90, 6);
  PaintSoft(plane, 0, 60, 80, 120, 150, 7);
  PaintSoft(plane, 80, 60, 160, 120, 200, 8);
  const auto panels = Panels(plane);
  for (const double left : {0, 80}) {
    for (const double top : {0, 60})
      EXPECT_LT(Misfit(panels, left, top, left + 80, top + 60), 0.6) << left << ' ' << top;
  }
}

TEST(Panels, AnEdgeWithinASampleIsFoundBetweenItsNeighbours) {
  LumaPlane plane = Soft(40, 9);
  PaintSoft(plane, 30, 20, 130, 100, 140, 10);
  for (std::uint32_t y = 20; y < 100; ++y) {  // half of column 29 is the window's
    auto& mixed = plane.samples[y * kWidth + 29];
    mixed = static_cast<std::uint8_t>((mixed + plane.samples[y * kWidth + 30]) / 2);
  }
  EXPECT_LT(std::abs(Panels(plane).at(0).left * kWidth - 29.5), 0.4);
}

TEST(Panels, AnEdgeThatStopsShortHasNoCornerThere) {
  LumaPlane plane = Soft(40, 11);
  PaintSoft(plane, 0, 0, 60, 60, 140, 12);  // its edges end within the picture
  for (const LumaRectangle& panel : Panels(plane)) {
    EXPECT_NEAR(panel.right * kWidth, 60, 1);
    EXPECT_NEAR(panel.bottom * kHeight, 60, 1);
  }
}

TEST(Panels, TheClearestComeFirstAndThereIsALimit) {
  LumaPlane plane = Soft(40, 13);
  for (std::uint32_t i = 0; i < 6; ++i) {  // a board of squares has edges everywhere
    for (std::uint32_t j = 0; j < 6; ++j)
      PaintSoft(plane, i * 26, j * 20, i * 26 + 26, j * 20 + 20, (i + j) % 2 == 0 ? 40 : 190, 1);
  }
  const auto panels = Panels(plane);
  EXPECT_EQ(panels.size(), kPanelsMax);
  for (const LumaRectangle& panel : panels) {
    EXPECT_GE(panel.right - panel.left, 0.29);
    EXPECT_GE(panel.bottom - panel.top, 0.29);
    EXPECT_NE(panel, LumaRectangle{});
  }
}

TEST(Panels, NothingIsFoundInAnEvenOrATinyPicture) {
  EXPECT_TRUE(Panels({.width = 50, .height = 50, .samples = std::vector<std::uint8_t>(2500, 90)}).empty());
  for (const std::uint32_t side : {1u, 5u, 11u}) {
    std::vector<std::uint8_t> samples;
    for (std::uint32_t i = 0; i < side * side; ++i) samples.push_back(i % 2 == 0 ? 0 : 255);
    EXPECT_TRUE(Panels({.width = side, .height = side, .samples = samples}).empty());
  }
}

}  // namespace
}  // namespace spanwatch::image
