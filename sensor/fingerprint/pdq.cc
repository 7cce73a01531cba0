#include "fingerprint/pdq.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <numbers>

#include "base/simd_clones.h"
#include "fingerprint/pdq_transform.h"

namespace spanwatch::fingerprint {
namespace {

constexpr int kSide = image::kLumaSide;
constexpr int kKept = kPdqKept;
using Coefficients = PdqCoefficients;

using Lanes [[gnu::vector_size(32)]] = float;
constexpr int kLanes = 8;

// Sums run over k in the reference's order in every lane, so that vectors give its very bits. No fused multiply-add: it
// rounds otherwise. Four rows and two vectors of sums are as many as stay in registers.
[[SPANWATCH_SIMD_CLONES]] void Dct(const float* luma, const PdqMatrix& matrix, float* out) {
  float half[kKept][kSide];
  for (int i = 0; i < kKept; i += 4) {
    for (int j = 0; j < kSide; j += 2 * kLanes) {
      Lanes sums[4][2] = {};
      for (int k = 0; k < kSide; ++k) {
        const float* row = luma + k * kSide + j;
        Lanes left, right;
        std::memcpy(&left, row, sizeof(left));
        std::memcpy(&right, row + kLanes, sizeof(right));
        for (int r = 0; r < 4; ++r) {
          const float factor = matrix.by_column[k][i + r];
          sums[r][0] += factor * left;
          sums[r][1] += factor * right;
        }
      }
      for (int r = 0; r < 4; ++r) std::memcpy(&half[i + r][j], sums[r], sizeof(sums[r]));
    }
  }
  for (int i = 0; i < kKept; i += kPdqRows) PdqMultiply(half[i], kSide, 1, kSide, matrix.by_column[0], out + i * kKept);
}

Coefficients Transform(const image::Luma64& luma) {
  Coefficients coefficients;
  Dct(luma.data(), ThePdqMatrix(), coefficients.data());
  return coefficients;
}

// The reference's median (Torben's) is the lower of the two in the middle. Found bit by bit, by counting how many lie
// below: no branch depends on a coefficient.
[[SPANWATCH_SIMD_CLONES]] float Median(const float* coefficients) {
  constexpr int kCount = kKept * kKept;
  constexpr int kBelow = kCount / 2 - 1;
  // Whole numbers in the order of the floats.
  const auto ordered = [](std::int32_t bits) { return bits ^ (bits >> 31 & 0x7FFFFFFF); };
  std::int32_t keys[kCount];
  std::memcpy(keys, coefficients, sizeof(keys));
  for (std::int32_t& key : keys) key = ordered(key);
  std::uint32_t median = 0;  // as they are ordered without a sign
  for (std::uint32_t bit = std::uint32_t{1} << 31; bit != 0; bit >>= 1) {
    const auto tried = static_cast<std::int32_t>((median | bit) ^ std::uint32_t{1} << 31);
    int below = 0;
    for (const std::int32_t key : keys) below += key < tried ? 1 : 0;
    if (below <= kBelow) median |= bit;
  }
  return std::bit_cast<float>(ordered(static_cast<std::int32_t>(median ^ std::uint32_t{1} << 31)));
}

// The sum of the reference's steps between neighbours, whole numbers each.
[[SPANWATCH_SIMD_CLONES]] int Steps(const float* luma) {
  const auto step = [](float a, float b) { return std::abs(static_cast<int>((a - b) * 100 / 255)); };
  int sum = 0;
  for (int i = 0; i + kSide < kSide * kSide; ++i) sum += step(luma[i], luma[i + kSide]);
  for (int y = 0; y < kSide; ++y) {
    const float* row = luma + y * kSide;
    for (int x = 0; x + 1 < kSide; ++x) sum += step(row[x], row[x + 1]);
  }
  return sum;
}

// Turning a picture swaps the axes of its spectrum or negates every other coefficient of one.
Coefficients TurnedCoefficients(const Coefficients& from, bool transpose, bool negate_rows, bool negate_columns) {
  Coefficients to;
  for (int i = 0; i < kKept; ++i) {
    for (int j = 0; j < kKept; ++j) {
      const float value =
          transpose ? from[static_cast<std::size_t>(j * kKept + i)] : from[static_cast<std::size_t>(i * kKept + j)];
      const bool negate = (negate_rows && i % 2 == 0) != (negate_columns && j % 2 == 0);
      to[static_cast<std::size_t>(i * kKept + j)] = negate ? -value : value;
    }
  }
  return to;
}

}  // namespace

[[SPANWATCH_SIMD_CLONES]] void PdqMultiply(const float* rows, std::size_t row_step, std::size_t step, std::size_t count,
                                           const float* factors, float* out) {
  static_assert(kPdqKept == 2 * kLanes);
  Lanes sums[kPdqRows][2] = {};
  for (std::size_t i = 0; i < count; ++i) {
    Lanes left, right;
    std::memcpy(&left, factors + i * kPdqKept, sizeof(left));
    std::memcpy(&right, factors + i * kPdqKept + kLanes, sizeof(right));
    for (std::size_t r = 0; r < kPdqRows; ++r) {
      const float value = rows[r * row_step + i * step];
      sums[r][0] += value * left;
      sums[r][1] += value * right;
    }
  }
  std::memcpy(out, sums, sizeof(sums));
}

const PdqMatrix& ThePdqMatrix() {
  static const PdqMatrix kMatrix = [] {
    PdqMatrix made;
    const double scale = std::sqrt(2.0 / kSide);
    for (int i = 0; i < kKept; ++i) {
      for (int j = 0; j < kSide; ++j) {
        made.by_column[j][i] = static_cast<float>(static_cast<float>(scale) *
                                                  std::cos((std::numbers::pi / 2 / kSide) * (i + 1) * (2 * j + 1)));
      }
    }
    return made;
  }();
  return kMatrix;
}

PdqHash PdqBits(const PdqCoefficients& coefficients) {
  const float median = Median(coefficients.data());
  PdqHash hash;
  for (std::size_t i = 0; i < coefficients.size(); ++i) {
    hash.words[i / 64] |= std::uint64_t{coefficients[i] > median} << (i % 64);
  }
  return hash;
}

std::uint8_t PdqQuality(const image::Luma64& luma) noexcept {
  return static_cast<std::uint8_t>(std::min(Steps(luma.data()) / 90, 100));
}

PdqResult Pdq(const image::Luma64& luma) noexcept { return {PdqBits(Transform(luma)), PdqQuality(luma)}; }

DihedralHashes PdqDihedral(const image::Luma64& luma) noexcept {
  const Coefficients original = Transform(luma);
  const auto turned = [&](bool transpose, bool rows, bool columns) {
    return PdqBits(TurnedCoefficients(original, transpose, rows, columns));
  };
  return {turned(false, false, false), turned(true, true, false),  turned(false, true, true),
          turned(true, false, true),   turned(false, true, false), turned(false, false, true),
          turned(true, false, false),  turned(true, true, true)};
}

}  // namespace spanwatch::fingerprint
