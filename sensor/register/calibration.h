// Calibration of a collection's perceptual thresholds: how near do *different* pictures of it come to each other?
// Pictures of one fixed camera look alike; `sure` must be earned against that (design.md section 5). Used by `register
// build`. One thread.
#pragma once

#include <array>
#include <iterator>
#include <map>
#include <span>
#include <vector>

#include "model/fingerprint.h"

namespace spanwatch::enrolment {

inline constexpr std::size_t kCalibrationSampleMax = 2000;

struct Calibration {
  std::size_t pictures = 0;     // of usable quality
  std::size_t sample = 0;       // different ones, each compared with all
  int nearest_different = 256;  // the nearest pair of different pictures
  std::uint8_t sure_distance = 31;
  std::uint8_t weak_distance = 40;
  bool calibrated = false;
  double false_rate = 0;  // expected false partners per unrelated picture at sure_distance
  // partners[d]: pictures whose nearest view lay at distance d from another picture, over the sample. Where many are
  // near, those far apart are not counted.
  std::array<std::uint64_t, 257> partners{};

  // nearest[d]: how many of the sample have their nearest partner at distance d.
  std::array<std::uint64_t, 257> nearest{};

  // Expected false partners per unrelated picture within `distance`. Where the sample had none, what its tail leads to,
  // and at most what its size can exclude.
  double FalseRate(int distance) const;
  // The chance that an unregistered picture of the same cameras has any partner within `distance`, rather too great
  // than too small: what the sample showed and a standard deviation more; nearer than any it showed, what is left of
  // that as partners thin out. 0 when no two different pictures were compared.
  double Chance(int distance) const;
};

// Pictures of one collection, chosen at random: those of the least ids, which are random themselves. `Picture`: what is
// kept of one.
template <typename Picture>
class PictureSample {
 public:
  void Offer(const ItemId& id, const Picture& picture) {
    ++pictures_;
    chosen_.emplace(id, picture);
    if (chosen_.size() > kCalibrationSampleMax) chosen_.erase(std::prev(chosen_.end()));
  }
  const std::map<ItemId, Picture>& chosen() const { return chosen_; }
  std::uint64_t pictures() const { return pictures_; }

 private:
  std::map<ItemId, Picture> chosen_;
  std::uint64_t pictures_ = 0;  // of the collection
};

// Compares a sample with every picture of its collection, which pass by one at a time: none is kept.
class Calibrator {
 public:
  static constexpr std::uint8_t kQualityMin = 50;  // PDQ's own recommendation

  // `sample`: wholes of different pictures of usable quality, chosen at random; not more are taken than can be compared
  // with so many views in about ten seconds.
  Calibrator(std::span<const PictureView> sample, std::uint64_t views);
  // Each picture of the collection, those of the sample too, as a new picture of the same cameras would meet it: by all
  // its views. Pairs up to distance 10 are re-encodings of one picture.
  void Compare(const PictureView& whole, std::span<const PictureView> views);
  Calibration Finish();

 private:
  std::vector<PdqHash> sample_;
  // Of the picture that is compared, to each of the sample.
  std::vector<std::uint16_t> to_whole_;
  std::vector<std::uint16_t> to_view_;
  std::vector<std::uint16_t> nearest_;
  std::vector<std::uint16_t> nearest_partner_;  // of each of the sample, among all so far
  int counted_to_ = 256;                        // distances
  Calibration result_;
};

}  // namespace spanwatch::enrolment
