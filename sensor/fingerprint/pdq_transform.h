// What PDQ is made of, for those who make many hashes of one picture at once (crop_hashes.cc). Pure; any thread.
#pragma once

#include <array>

#include "image/luma_plane.h"
#include "model/fingerprint.h"

namespace spanwatch::fingerprint {

inline constexpr int kPdqKept = 16;  // coefficients of an axis, the constant one left out
using PdqCoefficients = std::array<float, kPdqKept * kPdqKept>;

// The first 16 rows of the DCT after the constant one, transposed.
struct PdqMatrix {
  float by_column[image::kLumaSide][kPdqKept];
};
const PdqMatrix& ThePdqMatrix();

// One bit a coefficient: whether it is above the median.
PdqHash PdqBits(const PdqCoefficients& coefficients);

}  // namespace spanwatch::fingerprint
