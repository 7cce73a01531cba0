#include "image/picture_margins.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace spanwatch::image {
namespace {

// Content without an even line.
LumaPlane Busy(std::uint32_t width, std::uint32_t height) {
  LumaPlane plane{.width = width, .height = height};
  for (std::uint32_t y = 0; y < height; ++y) {
    for (std::uint32_t x = 0; x < width; ++x)
      plane.samples.push_back(static_cast<std::uint8_t>(x * 37 + y * 91 + x * y % 53));
  }
  return plane;
}

void Paint(LumaPlane& plane, std::uint32_t left, std::uint32_t top, std::uint32_t right, std::uint32_t bottom,
           std::uint8_t tone) {
  for (std::uint32_t y = top; y < bottom; ++y)
    std::fill_n(plane.samples.begin() + y * plane.width + left, right - left, tone);
}

TEST(InnerParts, OfAPictureWithoutMarginsThereAreNone) { EXPECT_TRUE(InnerParts(Busy(120, 90)).empty()); }

TEST(InnerParts, FindTheInsideOfABorder) {
  LumaPlane plane = Busy(120, 90);
  Paint(plane, 0, 0, 120, 9, 3);
  Paint(plane, 0, 84, 120, 90, 3);
  Paint(plane, 0, 0, 10, 90, 3);
  Paint(plane, 114, 0, 120, 90, 3);
  const auto parts = InnerParts(plane);
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_NEAR(parts[0].left * 120, 10, 0.2);
  EXPECT_NEAR(parts[0].top * 90, 9, 0.2);
  EXPECT_NEAR(parts[0].right * 120, 114, 0.2);
  EXPECT_NEAR(parts[0].bottom * 90, 84, 0.2);
}

TEST(InnerParts, SplitASampleThatTheBorderEndsIn) {
  LumaPlane plane = Busy(120, 90);
  Paint(plane, 0, 0, 120, 9, 0);
  for (std::uint32_t x = 0; x < 120; ++x) {  // a quarter of line 9 is border, the rest goes on as line 10 does
    plane.samples[9 * 120 + x] = static_cast<std::uint8_t>(plane.samples[10 * 120 + x] * 3 / 4);
  }
  const auto parts = InnerParts(plane);
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_NEAR(parts[0].top * 90, 9.25, 0.1);
}

TEST(InnerParts, FirstTheBorderThenABarWithTextInIt) {
  LumaPlane plane = Busy(120, 90);
  Paint(plane, 0, 0, 120, 6, 250);
  Paint(plane, 0, 80, 120, 90, 250);
  for (std::uint32_t y = 82; y < 88; ++y) {
    for (std::uint32_t x = 10; x < 50; x += 2) plane.samples[y * 120 + x] = 10;
  }
  const auto parts = InnerParts(plane);
  ASSERT_GE(parts.size(), 2u);
  EXPECT_NEAR(parts[0].top * 90, 6, 0.2);
  EXPECT_NEAR(parts[0].bottom * 90, 88, 0.5) << "the even line below the text is border";
  EXPECT_NEAR(parts[1].bottom * 90, 80, 0.2);
}

TEST(InnerParts, AtLastBarsThatAreFullOfSymbols) {
  LumaPlane plane = Busy(120, 90);
  Paint(plane, 0, 80, 120, 90, 35);  // below: symbols in every line but the outermost
  for (std::uint32_t y = 80; y < 89; ++y) {
    for (std::uint32_t x = 5; x < 50; x += 2) plane.samples[y * 120 + x] = 210;
  }
  Paint(plane, 0, 0, 120, 9, 225);  // above: a title in every line
  for (std::uint32_t y = 0; y < 9; ++y) {
    for (std::uint32_t x = 5; x < 60; x += 2) plane.samples[y * 120 + x] = 30;
  }
  const auto parts = InnerParts(plane);
  ASSERT_FALSE(parts.empty());
  EXPECT_TRUE(std::ranges::any_of(parts, [](const LumaRectangle& part) {
    return std::abs(part.top * 90 - 9) < 0.3 && std::abs(part.bottom * 90 - 80) < 0.3;
  }));
}

TEST(InnerParts, BarsBesideAnEdgeOfTheirToneAreAsHighAsTheOppositeOne) {
  LumaPlane plane = Busy(120, 90);
  Paint(plane, 0, 0, 120, 25, 0);  // a bar of 8 lines and a dark sky
  Paint(plane, 0, 82, 120, 90, 0);
  const auto parts = InnerParts(plane);
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_NEAR(parts[0].top * 90, 25, 0.2);
  EXPECT_NEAR(parts[1].top * 90, 8, 0.2);
  EXPECT_NEAR(parts[1].bottom * 90, 82, 0.2);
  EXPECT_EQ(parts[1].left, 0);
  EXPECT_EQ(parts[1].right, 1);
}

TEST(InnerParts, BesideBarsOfUnlikeHeightTheSidesMayBeEven) {
  LumaPlane plane = Busy(120, 90);
  Paint(plane, 0, 0, 12, 90, 18);
  Paint(plane, 90, 0, 120, 90, 18);  // 12 of them are bar
  Paint(plane, 0, 0, 120, 7, 18);
  const auto parts = InnerParts(plane);
  ASSERT_FALSE(parts.empty());
  EXPECT_NEAR(parts.back().left * 120, 12, 0.2);
  EXPECT_NEAR(parts.back().right * 120, 108, 0.2);
  EXPECT_NEAR(parts.back().top * 90, 7, 0.2);
  EXPECT_EQ(parts.back().bottom, 1);
}

TEST(InnerParts, NothingIsFoundInAnEvenOrATinyPicture) {
  LumaPlane even{.width = 50, .height = 50, .samples = std::vector<std::uint8_t>(2500, 90)};
  EXPECT_TRUE(InnerParts(even).empty());
  for (const std::uint32_t side : {1u, 2u, 3u}) {
    for (const LumaRectangle& part : InnerParts(Busy(side, side))) {
      EXPECT_LT(part.left, part.right);
      EXPECT_LT(part.top, part.bottom);
    }
  }
}

}  // namespace
}  // namespace spanwatch::image
