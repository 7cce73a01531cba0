// Calibration of a collection's perceptual thresholds: how near do *different* pictures of it come to each other?
// Pictures of one fixed camera look alike; `sure` must be earned against that (design.md section 5). Used by `register
// build`. Pure.
#pragma once

#include <span>

#include "model/fingerprint.h"

namespace spanwatch::enrolment {

struct Calibration {
  std::size_t pictures = 0;     // measured
  int nearest_different = 256;  // the nearest pair of different pictures
  std::uint8_t sure_distance = 31;
  std::uint8_t weak_distance = 40;
  bool calibrated = false;
  double false_rate = 0;  // expected false partners per unrelated picture at sure_distance
};

// `pictures`: one full view for each different image data. Each of a sample of them is compared with all others: what
// an unrelated picture of the same cameras would meet (leave one out). Pairs up to distance 10 are re-encodings of one
// picture.
Calibration Calibrate(std::span<const PictureView> pictures);

}  // namespace spanwatch::enrolment
