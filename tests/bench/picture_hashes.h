// Hashes for bench_pictures: uniform ones, and those of fixed cameras of 100,000 frames each. One thread; values.
//
// AlikeHashes: each bit of a camera's frames differs from the camera's middle with a chance of its own, 0.02 to 0.45,
// so that frames lie 84 apart on average.
//
// LaneHashes: a camera's frames are drawn from the spectra of real frames of LaneCamera: their mean plus a random mix
// of their deviations, cut to bits, so that bits are as biased and as correlated as in frames. Cameras beyond the first
// few are the same with the signs of their coefficients drawn anew.
#pragma once

#include <random>
#include <vector>

#include "model/fingerprint.h"

namespace spanwatch::bench {

class HashSource {
 public:
  virtual ~HashSource() = default;
  // Of picture `number`; the same number gives another rendering of chance each time.
  virtual PdqHash Next(std::uint64_t number) = 0;
};

class UniformHashes final : public HashSource {
 public:
  PdqHash Next(std::uint64_t) override { return {{random_(), random_(), random_(), random_()}}; }

 private:
  std::mt19937_64 random_{1};
};

inline constexpr std::uint64_t kFramesPerCamera = 100'000;

class AlikeHashes final : public HashSource {
 public:
  PdqHash Next(std::uint64_t number) override;

 private:
  std::uint64_t camera_ = UINT64_MAX;  // of the values below
  PdqHash middle_;
  std::array<std::uint8_t, 256> chances_{};  // in 256ths
  std::uint64_t state_ = 1;
};

class LaneHashes final : public HashSource {
 public:
  LaneHashes();
  PdqHash Next(std::uint64_t number) override;
  // The hashes of the frames themselves, by camera, to compare with what is drawn from them.
  const std::vector<std::vector<PdqHash>>& frames() const { return frames_; }

 private:
  using Spectrum = std::array<float, 256>;
  struct Camera {
    Spectrum mean{};
    std::vector<Spectrum> deviations;
    float middle = 0;
  };

  std::uint64_t state_ = 1;
  std::vector<Camera> cameras_;
  std::vector<std::vector<PdqHash>> frames_;
};

}  // namespace spanwatch::bench
