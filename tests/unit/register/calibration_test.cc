#include "register/calibration.h"

#include <gtest/gtest.h>

#include <random>

namespace spanwatch::enrolment {
namespace {

Calibration CalibrationOf(std::span<const PictureView> pictures) {
  Calibrator calibrator(pictures, pictures.size());
  for (const PictureView& picture : pictures) calibrator.Compare(picture, std::span(&picture, 1));
  return calibrator.Finish();
}

// The first `near` of them lie 20 bits apart from one another, the others far from all.
std::vector<PictureView> MadeUpPictures(std::size_t count, std::size_t near) {
  std::vector<PictureView> pictures;
  std::mt19937_64 random(1);
  for (std::size_t i = 0; i < count; ++i) {
    PictureView picture{.hash = {{random(), random(), random(), random()}}, .quality = 100, .view = View::kFull};
    if (i < near) {
      picture.hash = {};
      for (std::size_t bit = i * 10; bit < i * 10 + 10; ++bit)
        picture.hash.words[bit / 64] |= std::uint64_t{1} << bit % 64;
    }
    pictures.push_back(picture);
  }
  return pictures;
}

TEST(Calibration, ChanceIsTheShareOfPicturesThatHaveANearPartner) {
  const Calibration calibration = CalibrationOf(MadeUpPictures(400, 16));
  EXPECT_FALSE(calibration.calibrated);
  EXPECT_NEAR(calibration.Chance(20), 16.0 / 400, 0.015);
  EXPECT_EQ(calibration.Chance(40), calibration.Chance(20));
  EXPECT_NEAR(calibration.Chance(15) / calibration.Chance(20), std::exp(-1), 1e-9) << "as partners thin out";
}

TEST(Calibration, FewPicturesThatAreFarApartLeaveCopiesUnlikelyByChance) {
  const Calibration calibration = CalibrationOf(MadeUpPictures(5, 0));
  EXPECT_FALSE(calibration.calibrated);
  EXPECT_LT(calibration.Chance(10), 0.001);
  EXPECT_GT(calibration.Chance(10), 0);
}

TEST(Calibration, OnePictureTellsNoChance) {
  EXPECT_EQ(CalibrationOf(MadeUpPictures(1, 0)).Chance(40), 0);
  std::vector<PictureView> copies(5, MadeUpPictures(1, 0)[0]);
  EXPECT_EQ(CalibrationOf(copies).Chance(40), 0);
}

}  // namespace
}  // namespace spanwatch::enrolment
