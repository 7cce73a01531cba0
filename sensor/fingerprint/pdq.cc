#include "fingerprint/pdq.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace spanwatch::fingerprint {
namespace {

constexpr int kSide = image::kLumaSide;
constexpr int kKept = 16;  // coefficients of an axis, the constant one left out
using Coefficients = std::array<float, kKept * kKept>;

// The first 16 rows of the DCT after the constant one, and the same transposed.
struct DctMatrix {
  DctMatrix() {
    const double scale = std::sqrt(2.0 / kSide);
    for (int i = 0; i < kKept; ++i) {
      for (int j = 0; j < kSide; ++j) {
        const auto value = static_cast<float>(static_cast<float>(scale) *
                                              std::cos((std::numbers::pi / 2 / kSide) * (i + 1) * (2 * j + 1)));
        by_row[i][j] = value;
        by_column[j][i] = value;
      }
    }
  }
  float by_row[kKept][kSide];
  float by_column[kSide][kKept];
};

// Sums run over k in the reference's order in every lane, so that vectors give its very bits. No fused multiply-add: it
// rounds otherwise.
[[gnu::target_clones("avx2", "default"), gnu::optimize("O3")]]
void Dct(const float* luma, const DctMatrix& matrix, float* out) {
  float half[kKept][kSide];
  for (int i = 0; i < kKept; ++i) {
    float sums[kSide] = {};
    for (int k = 0; k < kSide; ++k) {
      const float factor = matrix.by_row[i][k];
      const float* row = luma + k * kSide;
      for (int j = 0; j < kSide; ++j) sums[j] += factor * row[j];
    }
    for (int j = 0; j < kSide; ++j) half[i][j] = sums[j];
  }
  for (int i = 0; i < kKept; ++i) {
    float sums[kKept] = {};
    for (int k = 0; k < kSide; ++k) {
      for (int j = 0; j < kKept; ++j) sums[j] += half[i][k] * matrix.by_column[k][j];
    }
    for (int j = 0; j < kKept; ++j) out[i * kKept + j] = sums[j];
  }
}

Coefficients Transform(const image::Luma64& luma) {
  static const DctMatrix matrix;
  Coefficients coefficients;
  Dct(luma.data(), matrix, coefficients.data());
  return coefficients;
}

// The reference's median (Torben's) is the lower of the two in the middle.
PdqHash Bits(const Coefficients& coefficients) {
  Coefficients sorted = coefficients;
  const auto middle = sorted.begin() + kKept * kKept / 2 - 1;
  std::nth_element(sorted.begin(), middle, sorted.end());
  PdqHash hash;
  for (std::size_t i = 0; i < coefficients.size(); ++i) {
    hash.words[i / 64] |= std::uint64_t{coefficients[i] > *middle} << (i % 64);
  }
  return hash;
}

std::uint8_t Quality(const image::Luma64& luma) {
  int sum = 0;
  const auto step = [](float a, float b) { return std::abs(static_cast<int>((a - b) * 100 / 255)); };
  for (int y = 0; y < kSide; ++y) {
    const float* row = luma.data() + y * kSide;
    if (y + 1 < kSide) {
      for (int x = 0; x < kSide; ++x) sum += step(row[x], row[x + kSide]);
    }
    for (int x = 0; x + 1 < kSide; ++x) sum += step(row[x], row[x + 1]);
  }
  return static_cast<std::uint8_t>(std::min(sum / 90, 100));
}

// Turning a picture swaps the axes of its spectrum or negates every other coefficient of one.
Coefficients Turn(const Coefficients& from, bool transpose, bool negate_rows, bool negate_columns) {
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

PdqResult Pdq(const image::Luma64& luma) noexcept { return {Bits(Transform(luma)), Quality(luma)}; }

DihedralHashes PdqDihedral(const image::Luma64& luma) noexcept {
  const Coefficients original = Transform(luma);
  const auto turned = [&](bool transpose, bool rows, bool columns) {
    return Bits(Turn(original, transpose, rows, columns));
  };
  return {turned(false, false, false), turned(true, true, false),  turned(false, true, true),
          turned(true, false, true),   turned(false, true, false), turned(false, false, true),
          turned(true, false, false),  turned(true, true, true)};
}

}  // namespace spanwatch::fingerprint
