#include "fingerprint/crop_hashes.h"

#include "fingerprint/pdq_transform.h"

namespace spanwatch::fingerprint {
namespace {

constexpr std::uint8_t kQualityMax = 100;

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
      rows_(cuts.size() * cuts.size()),
      narrowed_(cuts.size() * cuts.size()) {
  // Rows are taken four at a time.
  samples_.resize((plane.height + kPdqRows - 1) / kPdqRows * kPdqRows * std::size_t{plane.width});
  const std::size_t last = cuts.size() - 1;
  plain_quality_ = Quality({}) == kQualityMax && Quality({last, last, last, last}) == kQualityMax;
}

std::uint8_t CropHasher::Quality(const Cuts& cuts) {
  if (plain_quality_) return kQualityMax;
  std::optional<image::NarrowedPlane>& narrowed = narrowed_[cuts.left * cuts_.size() + cuts.right];
  if (!narrowed) narrowed.emplace(plane_, cuts_[cuts.left], 1 - cuts_[cuts.right]);
  image::Luma64 luma;
  narrowed->Downsample(cuts_[cuts.top], 1 - cuts_[cuts.bottom], luma);
  return PdqQuality(luma);
}

const CropHasher::Half& CropHasher::Columns(std::size_t left, std::size_t right) {
  std::optional<Half>& columns = columns_[left * cuts_.size() + right];
  if (!columns) {
    const std::vector<float> weights = SampleWeights(cuts_[left], 1 - cuts_[right], plane_.width);
    columns.emplace(samples_.size() / plane_.width * kPdqKept);
    for (std::size_t row = 0; row < plane_.height; row += kPdqRows) {
      PdqMultiply(samples_.data() + row * plane_.width, plane_.width, 1, plane_.width, weights.data(),
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
  for (std::size_t i = 0; i < kPdqKept; i += kPdqRows)
    PdqMultiply(rows.data() + i, 1, kPdqKept, plane_.height, columns.data(), coefficients.data() + i * kPdqKept);
  return {PdqBits(coefficients), Quality(cuts)};
}

}  // namespace spanwatch::fingerprint
