#include "register/calibration.h"

#include <algorithm>
#include <array>

namespace spanwatch::enrolment {
namespace {

constexpr std::size_t kPicturesMin = 20;  // fewer prove nothing
constexpr std::size_t kSampleMax = 2000;  // pictures compared with all others
constexpr int kCopyDistance = 10;         // PDQ: equivalent hashes differ by no more
constexpr int kSureMax = 31;
constexpr int kSureMin = 12;  // below it a re-encoded copy would often be missed: not worth the name
constexpr int kWeakMax = 40;
constexpr int kMargin = 8;  // a copy's own drift brings it this much nearer to another picture
constexpr double kFalseRateMax = 0.01;
constexpr std::uint8_t kQualityMin = 50;  // PDQ's own recommendation

}  // namespace

Calibration Calibrate(std::span<const PictureView> pictures) {
  std::vector<PdqHash> hashes;
  for (const PictureView& picture : pictures) {
    if (picture.quality >= kQualityMin) hashes.push_back(picture.hash);
  }
  Calibration result{.pictures = hashes.size()};
  if (hashes.size() < 2) return result;
  // partners[d]: how many others, over all sampled pictures, lie at distance d.
  std::array<std::uint64_t, 257> partners{};
  const std::size_t sample = std::min(hashes.size(), kSampleMax);
  for (std::size_t i = 0; i < sample; ++i) {
    const std::size_t one = i * hashes.size() / sample;
    for (std::size_t other = 0; other < hashes.size(); ++other) {
      const int distance = HammingDistance(hashes[one], hashes[other]);
      if (other != one && distance > kCopyDistance) ++partners[static_cast<std::size_t>(distance)];
    }
  }
  const auto first = std::ranges::find_if(partners, [](std::uint64_t count) { return count > 0; });
  result.nearest_different = first == partners.end() ? 256 : static_cast<int>(first - partners.begin());
  const auto rate = [&](int distance) {
    std::uint64_t sum = 0;
    for (int d = 0; d <= distance; ++d) sum += partners[static_cast<std::size_t>(d)];
    return static_cast<double>(sum) / static_cast<double>(sample);
  };
  int sure = kSureMax;
  while (sure >= kSureMin && rate(sure + kMargin) > kFalseRateMax) --sure;
  if (hashes.size() >= kPicturesMin && sure >= kSureMin) {
    result.calibrated = true;
    result.sure_distance = static_cast<std::uint8_t>(sure);
    result.weak_distance = static_cast<std::uint8_t>(std::clamp(result.nearest_different - 1, sure, kWeakMax));
  }
  // Nothing seen in a sample still leaves up to about one in its size.
  result.false_rate = std::max(rate(result.sure_distance), 1.0 / static_cast<double>(sample));
  return result;
}

}  // namespace spanwatch::enrolment
