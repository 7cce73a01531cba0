// CalibratePictures: a collection that is in memory, calibrated as `register build` calibrates one of the register.
#pragma once

#include <cstring>
#include <random>
#include <span>
#include <vector>

#include "register/calibration.h"

namespace spanwatch::support {

// One picture as it goes into the set: its whole and all its registered views.
struct CalibratedPicture {
  PictureView whole;
  std::span<const PictureView> views;
};

// `pictures`: one for each different image data. Their ids are random, and the same each time.
inline enrolment::Calibration CalibratePictures(std::span<const CalibratedPicture> pictures) {
  std::mt19937_64 random(1);
  enrolment::PictureSample<PictureView> sample;
  std::uint64_t views = 0;
  for (const CalibratedPicture& picture : pictures) {
    views += picture.views.size();
    if (picture.whole.quality < enrolment::Calibrator::kQualityMin) continue;
    const std::uint64_t words[] = {random(), random()};
    ItemId id;
    static_assert(sizeof(words) == sizeof(id));
    std::memcpy(id.data(), words, sizeof(words));
    sample.Offer(id, picture.whole);
  }
  std::vector<PictureView> wholes;
  for (const auto& [id, whole] : sample.chosen()) wholes.push_back(whole);
  enrolment::Calibrator calibrator(wholes, views);
  for (const CalibratedPicture& picture : pictures) calibrator.Compare(picture.whole, picture.views);
  return calibrator.Finish();
}

}  // namespace spanwatch::support
