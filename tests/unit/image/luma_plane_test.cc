#include "image/luma_plane.h"

#include <gtest/gtest.h>

namespace spanwatch::image {
namespace {

TEST(Downsample, OfOneColourIsThatColour) {
  LumaPlane plane{.width = 200, .height = 77, .samples = std::vector<std::uint8_t>(200 * 77, 93)};
  Luma64 luma;
  Downsample(plane, {0.1, 0.2, 0.9, 0.7}, luma);
  for (const float value : luma) EXPECT_NEAR(value, 93, 1e-3);
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
