// PictureDetail: 256 bits that tell a copy of a picture from another picture that only looks like it on the whole, such
// as another vehicle before the same background. PDQ sees the whole frame at once, so that what a fixed camera always
// sees makes its frames alike; here each bit sees one place. A copy differs from its original a little everywhere,
// another vehicle differs much at one place. Enrolment makes one of the whole picture; the sensor compares the few
// pictures that PDQ found near.
//
// The inner part of the picture (a ninth is left out at each side, where captions, logos and borders are) is seen as
// 16x16 places that overlap; each bit is the sign of a sum, with fixed random signs, of the local contrast of the 6x6
// cells around its place, a cell being 1/44 of a side. So a detail has as many bits as a PDQ hash, no bit stands for
// one cell, and what a picture shows cannot be read from it any better than from PDQ.
//
// Pure; any thread.
#pragma once

#include <optional>

#include "image/luma_plane.h"
#include "model/fingerprint.h"

namespace spanwatch::fingerprint {

PictureDetail DetailOf(const image::Luma64& luma);

// A picture of the wire, to be compared with registered ones.
class DetailProbe {
 public:
  explicit DetailProbe(const image::Luma64& luma);

  // How much the two differ where they differ most, from 0 to 1: of any fifth by fifth of the inner part, the share of
  // bits that differ, each with the weight that its margin gives it here, so that flat places do not vote. The picture
  // is first shifted and stretched by up to four hundredths of a side to where it agrees best, since copies are cropped
  // a little, and resized ones lose a row of blocks. Nothing when the picture shows too little.
  std::optional<double> Difference(const PictureDetail& registered) const;

 private:
  std::array<std::array<float, image::kLumaSide + 1>, image::kLumaSide + 1> sums_;  // of all samples above and left
};

// What differs so much is another picture (tests/bench/RECALL.md).
inline constexpr double kOtherDifference = 0.4;

}  // namespace spanwatch::fingerprint
