// PDQ: 64x64 luminance to 256 bits and a quality, bit for bit as Meta's reference gives (facebook/ThreatExchange, pdq).
// Shared by enrolment and detection; safe from any thread.
#pragma once

#include <array>

#include "image/luma_plane.h"
#include "model/fingerprint.h"

namespace spanwatch::fingerprint {

struct PdqResult {
  PdqHash hash;
  std::uint8_t quality = 0;
};

// In the order of the reference: rotations counter-clockwise; x and y name the axis that stays.
enum class Dihedral : std::uint8_t {
  kOriginal,
  kRotate90,
  kRotate180,
  kRotate270,
  kFlipX,
  kFlipY,
  kFlipPlus1,
  kFlipMinus1
};
using DihedralHashes = std::array<PdqHash, 8>;

// Of a quality below this a hash says little: weak at most.
inline constexpr std::uint8_t kUsableQuality = 50;

PdqResult Pdq(const image::Luma64& luma) noexcept;
std::uint8_t PdqQuality(const image::Luma64& luma) noexcept;  // without the hash
DihedralHashes PdqDihedral(const image::Luma64& luma) noexcept;

}  // namespace spanwatch::fingerprint
