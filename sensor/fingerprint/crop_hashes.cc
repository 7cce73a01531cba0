#include "fingerprint/crop_hashes.h"

#include <cstring>

#include "base/simd_clones.h"
#include "fingerprint/pdq_transform.h"

namespace spanwatch::fingerprint {
namespace {

constexpr std::uint8_t kQualityMax = 100;
constexpr int kAtOnce = 4;  // rows whose sums stay in registers

using Lanes [[gnu::vector_size(32)]] = float;
constexpr int kLanes = 8;
static_assert(kPdqKept == 2 * kLanes);

// out[row] = the sum over `count` of rows[row][i] * factors[i], sixteen numbers each; `row_step` from row to row,
// `step` from one i to the next.
[[SPANWATCH_SIMD_CLONES]] void Multiply(const float* rows, std::size_t row_step, std::size_t step, std::size_t count,
                                        const float* factors, float* out) {
  Lanes sums[kAtOnce][2] = {};
  for (std::size_t i = 0; i < count; ++i) {
    Lanes left, right;
    std::memcpy(&left, factors + i * kPdqKept, sizeof(left));
    std::memcpy(&right, factors + i * kPdqKept + kLanes, sizeof(right));
    for (std::size_t r = 0; r < kAtOnce; ++r) {
      const float value = rows[r * row_step + i * step];
      sums[r][0] += value * left;
      sums[r][1] += value * right;
    }
  }
  std::memcpy(out, sums, sizeof(sums));
}

// What each sample of an axis gives to each coefficient, when the part from `begin` to `end` is averaged in 64 cells.
std::vector<float> SampleWeights(double begin, double end, std::uint32_t samples) {
  std::vector<float> weights(std::size_t{samples} * kPdqKept);
  const auto cells = image::AxisCells(begin * samples, end * samples, samples);
  for (std::size_t c = 0; c < cells.size(); ++c) {
    for (std::uint32_t sample = cells[c].first; sample <= cells[c].last; ++sample) {
      const float weight = cells[c].Weight(sample);
      for (std::size_t i = 0; i < kPdqKept; ++i)
        weights[std::size_t{sample} * kPdqKept + i] += weight * ThePdqMatrix().by_column[c][i];
    }
  }
  return weights;
}

}  // namespace

CropHasher::CropHasher(const image::LumaPlane& plane, std::span<const double> cuts)
    : plane_(plane),
      cuts_(cuts.begin(), cuts.end()),
      samples_(plane.samples.begin(), plane.samples.end()),
      columns_(cuts.size() * cuts.size()),
      rows_(cuts.size() * cuts.size()) {
  // Rows are taken four at a time.
  samples_.resize((plane.height + kAtOnce - 1) / kAtOnce * kAtOnce * std::size_t{plane.width});
  const std::size_t last = cuts.size() - 1;
  plain_quality_ = Quality({}) == kQualityMax && Quality({last, last, last, last}) == kQualityMax;
}

image::LumaRectangle CropHasher::Part(const Cuts& cuts) const {
  return {cuts_[cuts.left], cuts_[cuts.top], 1 - cuts_[cuts.right], 1 - cuts_[cuts.bottom]};
}

std::uint8_t CropHasher::Quality(const Cuts& cuts) const {
  if (plain_quality_) return kQualityMax;
  image::Luma64 luma;
  image::Downsample(plane_, Part(cuts), luma);
  return PdqQuality(luma);
}

const CropHasher::Half& CropHasher::Columns(std::size_t left, std::size_t right) {
  std::optional<Half>& columns = columns_[left * cuts_.size() + right];
  if (!columns) {
    const std::vector<float> weights = SampleWeights(cuts_[left], 1 - cuts_[right], plane_.width);
    columns.emplace(samples_.size() / plane_.width * kPdqKept);
    for (std::size_t row = 0; row < plane_.height; row += kAtOnce) {
      Multiply(samples_.data() + row * plane_.width, plane_.width, 1, plane_.width, weights.data(),
               columns->data() + row * kPdqKept);
    }
  }
  return *columns;
}

const CropHasher::Half& CropHasher::Rows(std::size_t top, std::size_t bottom) {
  std::optional<Half>& rows = rows_[top * cuts_.size() + bottom];
  if (!rows) rows = SampleWeights(cuts_[top], 1 - cuts_[bottom], plane_.height);
  return *rows;
}

PdqResult CropHasher::Hash(const Cuts& cuts) {
  const Half& columns = Columns(cuts.left, cuts.right);
  const Half& rows = Rows(cuts.top, cuts.bottom);
  PdqCoefficients coefficients;
  for (std::size_t i = 0; i < kPdqKept; i += kAtOnce)
    Multiply(rows.data() + i, 1, kPdqKept, plane_.height, columns.data(), coefficients.data() + i * kPdqKept);
  return {PdqBits(coefficients), Quality(cuts)};
}

}  // namespace spanwatch::fingerprint
