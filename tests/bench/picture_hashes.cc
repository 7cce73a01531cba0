#include "picture_hashes.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "fingerprint/pdq.h"
#include "image/picture_decoder.h"
#include "support/picture_maker.h"

namespace spanwatch::bench {
namespace {

constexpr std::uint32_t kCameras = 6;
constexpr std::uint32_t kFrames = 96;
constexpr std::size_t kMixed = 6;  // deviations in a drawn frame

image::Luma64 LumaOf(const test::Picture& picture) {
  const auto decoded = image::DecodePicture(test::EncodeJpeg(picture), {1u << 30, 1u << 30});
  image::Luma64 luma;
  image::Downsample(*decoded.plane, {}, luma);
  return luma;
}

// The 16 x 16 coefficients that PDQ compares.
std::array<float, 256> SpectrumOf(const image::Luma64& luma) {
  double rows[16][64];
  for (int i = 0; i < 16; ++i) {
    for (int x = 0; x < 64; ++x) {
      rows[i][x] = 0;
      for (int y = 0; y < 64; ++y)
        rows[i][x] +=
            std::cos(std::numbers::pi / 128 * (i + 1) * (2 * y + 1)) * luma[static_cast<std::size_t>(y * 64 + x)];
    }
  }
  std::array<float, 256> spectrum{};
  for (int i = 0; i < 16; ++i) {
    for (int j = 0; j < 16; ++j) {
      double sum = 0;
      for (int x = 0; x < 64; ++x) sum += std::cos(std::numbers::pi / 128 * (j + 1) * (2 * x + 1)) * rows[i][x];
      spectrum[static_cast<std::size_t>(i * 16 + j)] = static_cast<float>(sum);
    }
  }
  return spectrum;
}

std::uint64_t SplitMix64(std::uint64_t& state) {  // std::mt19937_64 would cost more than the rest
  std::uint64_t value = state += 0x9E3779B97F4A7C15u;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9u;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBu;
  return value ^ (value >> 31);
}

}  // namespace

PdqHash AlikeHashes::Next(std::uint64_t number) {
  if (number / kFramesPerCamera != camera_) {
    camera_ = number / kFramesPerCamera;
    std::mt19937_64 random(camera_);
    for (std::uint64_t& word : middle_.words) word = random();
    for (std::uint8_t& chance : chances_) chance = static_cast<std::uint8_t>(5 + random() % 111);
  }
  PdqHash hash = middle_;
  for (std::size_t i = 0; i < 256; i += 8) {
    const std::uint64_t draw = SplitMix64(state_);
    std::uint64_t flips = 0;
    for (std::size_t k = 0; k < 8; ++k) flips |= std::uint64_t{(draw >> 8 * k & 255) < chances_[i + k]} << k;
    hash.words[i / 64] ^= flips << i % 64;
  }
  return hash;
}

LaneHashes::LaneHashes() {
  for (std::uint32_t number = 0; number < kCameras; ++number) {
    const test::LaneCamera lane(3, number, 320, 180);
    Camera camera;
    std::vector<PdqHash> hashes;
    for (std::uint32_t i = 0; i < kFrames; ++i) {
      const image::Luma64 luma = LumaOf(lane.Frame(i).picture);
      hashes.push_back(fingerprint::Pdq(luma).hash);
      camera.deviations.push_back(SpectrumOf(luma));
    }
    for (const Spectrum& spectrum : camera.deviations) {
      for (std::size_t i = 0; i < spectrum.size(); ++i) camera.mean[i] += spectrum[i] / kFrames;
    }
    for (Spectrum& spectrum : camera.deviations) {
      for (std::size_t i = 0; i < spectrum.size(); ++i) spectrum[i] -= camera.mean[i];
    }
    Spectrum sorted = camera.mean;
    std::ranges::sort(sorted);
    camera.middle = sorted[127];
    cameras_.push_back(std::move(camera));
    frames_.push_back(std::move(hashes));
  }
}

PdqHash LaneHashes::Next(std::uint64_t number) {
  const std::uint64_t place = number / kFramesPerCamera;
  const Camera& camera = cameras_[place % cameras_.size()];
  Spectrum spectrum = camera.mean;
  for (std::size_t i = 0; i < kMixed; ++i) {
    // Six uniform weights of variance 1/6: together the deviations vary as one does.
    const std::uint64_t random = SplitMix64(state_);
    const float weight = (static_cast<float>(random >> 40) * 0x1p-23f - 1) / std::sqrt(2.0f);
    const Spectrum& deviation = camera.deviations[(random & 0xffffffff) % camera.deviations.size()];
    for (std::size_t j = 0; j < spectrum.size(); ++j) spectrum[j] += weight * deviation[j];
  }
  PdqHash hash;
  for (std::size_t i = 0; i < spectrum.size(); ++i)
    hash.words[i / 64] |= std::uint64_t{spectrum[i] > camera.middle} << i % 64;
  if (place < cameras_.size()) return hash;
  std::mt19937_64 signs(place);
  for (std::uint64_t& word : hash.words) word ^= signs();
  return hash;
}

}  // namespace spanwatch::bench
