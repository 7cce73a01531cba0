#include "fingerprint/picture_second_look.h"

#include <algorithm>

#include "fingerprint/picture_detail.h"

namespace spanwatch::fingerprint {
namespace {

constexpr std::size_t kExaminedMax = 8;  // of one picture: each costs about a millisecond

bool IsDoubtful(const PictureMatch& match) { return !match.calibrated; }

bool SeesWhole(View view) {
  return view != View::kPlateCrop && view != View::kVehicleCrop && view != View::kOffsetCrop;
}

image::Luma64 Turned(const image::Luma64& luma, const Turn& turn, bool inverted) {
  constexpr std::size_t kSize = image::kLumaSide;
  image::Luma64 turned;
  for (std::size_t y = 0; y < kSize; ++y) {
    for (std::size_t x = 0; x < kSize; ++x) {
      const std::size_t row = turn.reverse_rows ? kSize - 1 - y : y;
      const std::size_t column = turn.reverse_columns ? kSize - 1 - x : x;
      const float level = turn.transpose ? luma[column * kSize + row] : luma[row * kSize + column];
      turned[y * kSize + x] = inverted ? 255 - level : level;
    }
  }
  return turned;
}

bool IsAnother(const PictureMatch& match, const PictureDetail& registered, const PictureSamples& samples) {
  const PictureRendering& rendering = match.rendering;
  image::Luma64 luma;
  if (rendering.part == 0)
    image::Downsample(samples.plane, {}, luma);
  else
    image::Downsample(samples.PlaneOf(rendering.part - 1), samples.places[rendering.part - 1], luma);
  luma = Turned(luma, rendering.turn, rendering.inverted);
  const DetailProbe probe(Turned(luma, TurnBack(match.registered), false));
  return probe.Difference(registered).value_or(0) >= kOtherDifference;
}

}  // namespace

bool WantsSecondLook(std::span<const PictureMatch> matches) { return std::ranges::any_of(matches, IsDoubtful); }

void TakeSecondLook(const FingerprintIndex& index, const PictureHashes& hashes, std::vector<PictureMatch>& matches) {
  if (hashes.samples == nullptr) return;
  std::size_t examined = 0;
  std::erase_if(matches, [&](const PictureMatch& match) {
    if (!IsDoubtful(match) || !SeesWhole(match.registered)) return false;
    const auto registered = index.Detail(match.item);
    return registered && examined++ < kExaminedMax && IsAnother(match, *registered, *hashes.samples);
  });
}

}  // namespace spanwatch::fingerprint
