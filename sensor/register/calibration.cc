#include "register/calibration.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

#include "hashset/hamming_kernels.h"

namespace spanwatch::enrolment {
namespace {

constexpr std::size_t kPicturesMin = 20;  // fewer prove nothing
constexpr std::size_t kSampleMax = 2000;  // pictures compared with all others
constexpr std::size_t kSampleMin = 100;
constexpr std::uint64_t kComparisonsMax = 20'000'000'000;  // about ten seconds
constexpr int kCopyDistance = 10;                          // PDQ: equivalent hashes differ by no more
constexpr int kSureMax = 31;
constexpr int kSureMin = 12;  // below it a re-encoded copy would often be missed: not worth the name
constexpr int kWeakMax = 40;
constexpr int kMargin = 8;                // a copy's own drift brings it this much nearer to another picture
constexpr double kFalseRateMax = 0.001;   // with the margin: without it about a tenth is left
constexpr std::uint8_t kQualityMin = 50;  // PDQ's own recommendation
// The tail is measured between the distances within which so many partners lie.
constexpr std::uint64_t kTailFew = 10;
constexpr std::uint64_t kTailMany = 300;

// Any of them alike: a step through the whole would meet one camera, or one hour of the day, alone.
std::vector<std::size_t> ChooseSample(std::size_t pictures, std::size_t sample) {
  std::mt19937_64 random(1);
  std::vector<std::size_t> chosen(pictures);
  std::iota(chosen.begin(), chosen.end(), std::size_t{0});
  for (std::size_t i = 0; i < sample; ++i) std::swap(chosen[i], chosen[i + random() % (pictures - i)]);
  chosen.resize(sample);
  return chosen;
}

// The pictures and what of them is compared, one after the other so that each picture's views stay in the cache.
void CountPartners(std::span<const CalibratedPicture> pictures, std::size_t sample, Calibration& result) {
  std::vector<PdqHash> views;
  std::vector<std::uint16_t> distances;
  const std::vector<std::size_t> chosen = ChooseSample(pictures.size(), sample);
  for (std::size_t other = 0; other < pictures.size(); ++other) {
    views.clear();
    for (const PictureView& view : pictures[other].views) views.push_back(view.hash);
    distances.resize(views.size());
    for (const std::size_t one : chosen) {
      const PdqHash& whole = pictures[one].whole.hash;
      if (one == other || HammingDistance(whole, pictures[other].whole.hash) <= kCopyDistance) continue;
      hashset::Kernels().distances(whole, views, distances.data());
      const auto nearest = std::ranges::min_element(distances);
      if (nearest != distances.end()) ++result.partners[*nearest];
    }
  }
}

}  // namespace

double Calibration::FalseRate(int distance) const {
  if (sample == 0) return 0;
  const auto size = static_cast<double>(sample);
  std::array<std::uint64_t, 257> within{};
  std::uint64_t sum = 0;
  for (std::size_t d = 0; d < partners.size(); ++d) within[d] = sum += partners[d];
  const std::uint64_t seen = within[static_cast<std::size_t>(std::clamp(distance, 0, 256))];
  if (seen > 0) return static_cast<double>(seen) / size;
  const double excluded = 3 / size;  // nothing in n trials: below 3 / n with 95 % confidence
  const auto few = std::ranges::find_if(within, [](std::uint64_t count) { return count >= kTailFew; });
  const auto many = std::ranges::find_if(within, [](std::uint64_t count) { return count >= kTailMany; });
  if (many == within.end() || many == few) return excluded;
  // Partners thin out exponentially or faster towards small distances, so that this is rather too much.
  const double slope =
      std::log(static_cast<double>(*many) / static_cast<double>(*few)) / static_cast<double>(many - few);
  const double left = static_cast<double>(few - within.begin()) - distance;
  return std::min(excluded, static_cast<double>(*few) / size * std::exp(-slope * left));
}

Calibration Calibrate(std::span<const CalibratedPicture> pictures) {
  std::vector<CalibratedPicture> usable;
  std::uint64_t views = 0;
  for (const CalibratedPicture& picture : pictures) {
    if (picture.whole.quality < kQualityMin) continue;
    usable.push_back(picture);
    views += picture.views.size();
  }
  Calibration result{.pictures = usable.size()};
  if (usable.size() < 2) return result;
  const std::uint64_t affordable = kComparisonsMax / std::max<std::uint64_t>(views, 1);
  result.sample = std::min(usable.size(), std::clamp<std::size_t>(affordable, kSampleMin, kSampleMax));
  CountPartners(usable, result.sample, result);
  const auto first = std::ranges::find_if(result.partners, [](std::uint64_t count) { return count > 0; });
  result.nearest_different = first == result.partners.end() ? 256 : static_cast<int>(first - result.partners.begin());
  int sure = kSureMax;
  while (sure >= kSureMin && result.FalseRate(sure + kMargin) > kFalseRateMax) --sure;
  if (usable.size() >= kPicturesMin && sure >= kSureMin) {
    result.calibrated = true;
    result.sure_distance = static_cast<std::uint8_t>(sure);
    result.weak_distance = static_cast<std::uint8_t>(std::clamp(result.nearest_different - 1, sure, kWeakMax));
  }
  result.false_rate = result.FalseRate(result.sure_distance);
  return result;
}

}  // namespace spanwatch::enrolment
