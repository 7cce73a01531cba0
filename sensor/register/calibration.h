// Calibration of a collection's perceptual thresholds: how near do *different* pictures of it come to each other?
// Pictures of one fixed camera look alike; `sure` must be earned against that (design.md section 5). Used by `register
// build`. Pure.
#pragma once

#include <array>
#include <span>

#include "model/fingerprint.h"

namespace spanwatch::enrolment {

struct Calibration {
  std::size_t pictures = 0;     // measured
  std::size_t sample = 0;       // of them, compared with all
  int nearest_different = 256;  // the nearest pair of different pictures
  std::uint8_t sure_distance = 31;
  std::uint8_t weak_distance = 40;
  bool calibrated = false;
  double false_rate = 0;  // expected false partners per unrelated picture at sure_distance
  // partners[d]: pictures whose nearest view lay at distance d from another picture, over the sample.
  std::array<std::uint64_t, 257> partners{};

  // Expected false partners per unrelated picture within `distance`. Where the sample had none, what its tail leads to,
  // and at most what its size can exclude.
  double FalseRate(int distance) const;
};

// One picture as it goes into the set: its whole and all its registered views.
struct CalibratedPicture {
  PictureView whole;
  std::span<const PictureView> views;
};

// `pictures`: one for each different image data. Each of a sample of them is compared with all views of all others,
// as a new picture of the same cameras would be (leave one out). Pairs up to distance 10 are re-encodings of one
// picture.
Calibration Calibrate(std::span<const CalibratedPicture> pictures);

}  // namespace spanwatch::enrolment
