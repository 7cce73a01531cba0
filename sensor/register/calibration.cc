#include "register/calibration.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "hashset/hamming_kernels.h"
#include "hashset/hashset_format.h"

namespace spanwatch::enrolment {
namespace {

constexpr std::size_t kPicturesMin = 20;  // fewer prove nothing
constexpr std::size_t kSampleMin = 100;
constexpr std::uint64_t kComparisonsMax = 20'000'000'000;  // about ten seconds
constexpr int kCopyDistance = 10;                          // PDQ: equivalent hashes differ by no more
constexpr std::size_t kPicturesPerLook = 4096;             // at how far partners need to be counted
constexpr int kSureMax = 31;
constexpr int kSureMin = 12;  // below it a re-encoded copy would often be missed: not worth the name
constexpr int kWeakMax = 40;
constexpr int kMargin = 8;               // a copy's own drift brings it this much nearer to another picture
constexpr double kFalseRateMax = 0.001;  // with the margin: without it about a tenth is left
// The tail is measured between the distances within which so many partners lie.
constexpr std::uint64_t kTailFew = 10;
constexpr std::uint64_t kTailMany = 300;

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

double Calibration::Chance(int distance) const {
  if (nearest_different == 256) return 0;
  std::uint64_t near = 0;
  for (int d = 0; d <= std::max(distance, nearest_different); ++d) near += nearest[static_cast<std::size_t>(d)];
  const auto count = static_cast<double>(near);
  const double share = std::min(1.0, (count + std::sqrt(count) + 1) / static_cast<double>(sample + 1));
  return share * std::exp(-hashset::kPicturesThinOut * std::max(0, nearest_different - distance));
}

Calibrator::Calibrator(std::span<const PictureView> sample, std::uint64_t views) {
  const std::uint64_t affordable = kComparisonsMax / std::max<std::uint64_t>(views, 1);
  const std::size_t size =
      std::min(sample.size(), std::clamp<std::size_t>(affordable, kSampleMin, kCalibrationSampleMax));
  for (std::size_t i = 0; i < size; ++i) sample_.push_back(sample[i * sample.size() / size].hash);
  for (auto* distances : {&to_whole_, &to_view_, &nearest_}) distances->resize(size);
  nearest_partner_.assign(size, 256);
  result_.sample = size;
}

void Calibrator::Compare(const PictureView& whole, std::span<const PictureView> views) {
  if (whole.quality < kQualityMin) return;
  const hashset::HammingKernels& kernels = hashset::Kernels();
  kernels.distances(whole.hash, sample_, to_whole_.data());
  nearest_ = to_whole_;
  for (const PictureView& view : views) {
    if (view.hash == whole.hash) continue;
    kernels.distances(view.hash, sample_, to_view_.data());
    for (std::size_t i = 0; i < nearest_.size(); ++i) nearest_[i] = std::min(nearest_[i], to_view_[i]);
  }
  for (std::size_t i = 0; i < nearest_.size(); ++i) {
    if (to_whole_[i] <= kCopyDistance) continue;
    nearest_partner_[i] = std::min(nearest_partner_[i], nearest_[i]);
    if (nearest_[i] <= counted_to_) ++result_.partners[nearest_[i]];
  }
  if (++result_.pictures % kPicturesPerLook != 0) return;
  std::uint64_t within = 0;
  for (int d = 0; d < counted_to_; ++d) {
    within += result_.partners[static_cast<std::size_t>(d)];
    if (d >= hashset::kPictureDistanceMax && within >= kTailMany) counted_to_ = d;
  }
}

Calibration Calibrator::Finish() {
  Calibration& result = result_;
  if (result.sample < 2) return {.pictures = result.pictures};
  for (const std::uint16_t distance : nearest_partner_) ++result.nearest[distance];
  const auto first = std::ranges::find_if(result.partners, [](std::uint64_t count) { return count > 0; });
  result.nearest_different = first == result.partners.end() ? 256 : static_cast<int>(first - result.partners.begin());
  int sure = kSureMax;
  while (sure >= kSureMin && result.FalseRate(sure + kMargin) > kFalseRateMax) --sure;
  if (result.sample >= kPicturesMin && sure >= kSureMin) {
    result.calibrated = true;
    result.sure_distance = static_cast<std::uint8_t>(sure);
    result.weak_distance = static_cast<std::uint8_t>(std::clamp(result.nearest_different - 1, sure, kWeakMax));
  }
  result.false_rate = result.FalseRate(result.sure_distance);
  return result;
}

}  // namespace spanwatch::enrolment
