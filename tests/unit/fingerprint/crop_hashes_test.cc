#include "fingerprint/crop_hashes.h"

#include <gtest/gtest.h>

#include <array>
#include <random>

namespace spanwatch::fingerprint {
namespace {

constexpr std::array kCuts = {0.0, 0.04, 0.08, 0.12};

// Blotches of many sizes; `contrast` 0: one level.
image::LumaPlane Blotches(std::uint32_t width, std::uint32_t height, int contrast) {
  std::mt19937 random(width * 7 + height);
  image::LumaPlane plane{.width = width, .height = height};
  std::vector<int> coarse(64);
  for (int& level : coarse) level = static_cast<int>(random() % 256) - 128;
  for (std::uint32_t y = 0; y < height; ++y) {
    for (std::uint32_t x = 0; x < width; ++x) {
      const int fine = static_cast<int>(random() % 64) - 32;
      plane.samples.push_back(
          static_cast<std::uint8_t>(128 + (coarse[y * 8 / height * 8 + x * 8 / width] + fine) * contrast / 200));
    }
  }
  return plane;
}

// Every crop as the sensor would hash it, had it been sent as a picture of its own.
void ExpectCrops(const image::LumaPlane& plane, bool same_quality) {
  CropHasher hasher(plane, kCuts);
  for (std::size_t sides = 0; sides < 256; ++sides) {
    const Cuts cuts{sides & 3, sides >> 2 & 3, sides >> 4 & 3, sides >> 6 & 3};
    image::Luma64 luma;
    image::Downsample(plane, {kCuts[cuts.left], kCuts[cuts.top], 1 - kCuts[cuts.right], 1 - kCuts[cuts.bottom]}, luma);
    const PdqResult expected = Pdq(luma);
    const PdqResult found = hasher.Hash(cuts);
    EXPECT_LE(HammingDistance(found.hash, expected.hash), 2) << sides;
    EXPECT_EQ(found.quality, same_quality ? expected.quality : 100) << sides;
  }
}

TEST(CropHasher, HashesEveryCropAsIfItWereAPictureOfItsOwn) {
  ExpectCrops(Blotches(160, 90, 100), false);
  ExpectCrops(Blotches(91, 203, 100), false);  // rows that are no multiple of four
  ExpectCrops(Blotches(40, 30, 100), false);   // fewer samples than cells
}

TEST(CropHasher, TellsTheQualityOfEachCropOfAPoorPicture) { ExpectCrops(Blotches(160, 90, 6), true); }

TEST(CropHasher, TakesAPlaneOfOneSampleOrOneLevel) {
  image::LumaPlane one{.width = 1, .height = 1, .samples = {7}};
  EXPECT_EQ(CropHasher(one, kCuts).Hash({1, 1, 1, 1}).quality, 0);
  EXPECT_EQ(CropHasher(Blotches(64, 64, 0), kCuts).Hash({3, 0, 0, 0}).quality, 0);
}

}  // namespace
}  // namespace spanwatch::fingerprint
