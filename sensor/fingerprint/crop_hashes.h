// CropHasher: the PDQ hashes of the crops of one picture that are cut at the same few places of its sides, as enrolment
// registers them. Averaging and transforming are both linear, so that what crops with the same left and right side have
// in common, and those with the same upper and lower one, is computed once; a crop is then one small product. Sums run
// in another order than in Pdq(Downsample()): a coefficient within rounding of the median may fall on its other side.
//
// Made for one plane, which outlives it. One thread; values.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "fingerprint/pdq.h"

namespace spanwatch::fingerprint {

// Of each side so many of the cuts, by their place in the list.
struct Cuts {
  std::size_t left = 0, top = 0, right = 0, bottom = 0;
};

class CropHasher {
 public:
  // `cuts`: shares of a side that are cut off, ascending.
  CropHasher(const image::LumaPlane& plane, std::span<const double> cuts);

  PdqResult Hash(const Cuts& cuts);

 private:
  using Half = std::vector<float>;  // sixteen numbers a row of the plane

  std::uint8_t Quality(const Cuts& cuts);
  const Half& Columns(std::size_t left, std::size_t right);  // the plane, narrowed to the coefficients of its columns
  const Half& Rows(std::size_t top, std::size_t bottom);     // the weights of its rows

  const image::LumaPlane& plane_;
  std::vector<double> cuts_;
  std::vector<float> samples_;
  std::vector<std::optional<Half>> columns_;
  std::vector<std::optional<Half>> rows_;
  std::vector<std::optional<image::NarrowedPlane>> narrowed_;  // of pictures whose quality must be looked at
  bool plain_quality_ = false;  // the widest and the narrowest crop are of the highest quality, so that all are
};

}  // namespace spanwatch::fingerprint
