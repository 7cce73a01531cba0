#include "image/luma_plane.h"

#include <gtest/gtest.h>

#include <random>

namespace spanwatch::image {
namespace {

LumaPlane Noise(std::uint32_t width, std::uint32_t height) {
  std::mt19937 random(width);
  LumaPlane plane{.width = width, .height = height};
  for (std::uint32_t i = 0; i < width * height; ++i) plane.samples.push_back(static_cast<std::uint8_t>(random()));
  return plane;
}

TEST(Downsample, OfOneColourIsThatColour) {
  LumaPlane plane{.width = 200, .height = 77, .samples = std::vector<std::uint8_t>(200 * 77, 93)};
  Luma64 luma;
  Downsample(plane, {0.1, 0.2, 0.9, 0.7}, luma);
  for (const float value : luma) EXPECT_NEAR(value, 93, 1e-3);
}

TEST(NarrowedPlane, GivesTheVeryBitsOfDownsample) {
  for (const auto& [width, height] : {std::pair(160u, 90u), std::pair(40u, 300u), std::pair(1u, 1u)}) {
    const LumaPlane plane = Noise(width, height);
    for (const double left : {0.0, 0.04, 0.12}) {
      const NarrowedPlane narrowed(plane, left, 0.92);
      for (const double top : {0.0, 0.08, 0.5}) {
        Luma64 expected, found;
        Downsample(plane, {left, top, 0.92, 0.96}, expected);
        narrowed.Downsample(top, 0.96, found);
        EXPECT_EQ(found, expected) << width << " " << left << " " << top;
      }
    }
  }
}

TEST(AxisCells, WeighEachSampleOfTheirRunAndOneInAll) {
  for (const std::uint32_t samples : {1u, 3u, 64u, 90u, 1000u}) {
    for (const auto& [begin, end] : {std::pair(0.0, 1.0), std::pair(0.04, 0.92), std::pair(0.5, 0.501)}) {
      for (const AxisCell& cell : AxisCells(begin * samples, end * samples, samples)) {
        ASSERT_LE(cell.first, cell.last);
        ASSERT_LT(cell.last, samples);
        float sum = 0;
        for (std::uint32_t sample = cell.first; sample <= cell.last; ++sample) {
          EXPECT_GE(cell.Weight(sample), 0);
          sum += cell.Weight(sample);
        }
        EXPECT_NEAR(sum, 1, 1e-4) << samples << ' ' << begin;
      }
    }
  }
}

}  // namespace
}  // namespace spanwatch::image
