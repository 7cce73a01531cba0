// What PDQ is made of, for those who make many hashes of one picture at once (crop_hashes.cc). Pure; any thread.
#pragma once

#include <array>
#include <cstddef>

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

// How many rows PdqMultiply takes: as many as have their sums in registers.
inline constexpr int kPdqRows = 4;

// out[row] = the sum over `count` of rows[row][i] * factors[i], sixteen numbers each, for kPdqRows rows; `row_step`
// from row to row, `step` from one i to the next. Sums run over i in order in every lane, and without fused
// multiply-add.
void PdqMultiply(const float* rows, std::size_t row_step, std::size_t step, std::size_t count, const float* factors,
                 float* out);

// One bit a coefficient: whether it is above the median.
PdqHash PdqBits(const PdqCoefficients& coefficients);

}  // namespace spanwatch::fingerprint
