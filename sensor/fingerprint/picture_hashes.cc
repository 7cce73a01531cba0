#include "fingerprint/picture_hashes.h"

#include "image/picture_margins.h"

namespace spanwatch::fingerprint {
namespace {

constexpr double kTrim = 0.02;

PdqResult HashPart(const image::LumaPlane& plane, const image::LumaRectangle& part) {
  image::Luma64 luma;
  image::Downsample(plane, part, luma);
  return Pdq(luma);
}

// Turning a picture swaps the axes of its spectrum or negates every other coefficient of one; a negated coefficient
// falls on the other side of the median.
PdqHash Turned(const PdqHash& hash, bool transpose, bool negate_rows, bool negate_columns) {
  PdqHash turned;
  for (std::size_t row = 0; row < 16; ++row) {
    for (std::size_t column = 0; column < 16; ++column) {
      const std::size_t from = transpose ? column * 16 + row : row * 16 + column;
      const bool negate = (negate_rows && row % 2 == 0) != (negate_columns && column % 2 == 0);
      const bool bit = (hash.words[from / 64] >> from % 64 & 1) != negate;
      turned.words[row / 4] |= std::uint64_t{bit} << (row % 4 * 16 + column);
    }
  }
  return turned;
}

}  // namespace

PictureHashes HashPicture(const image::LumaPlane& plane) {
  PictureHashes hashes{.whole = HashPart(plane, {})};
  hashes.parts[hashes.part_count++] = HashPart(plane, {kTrim, kTrim, 1 - kTrim, 1 - kTrim});
  for (const image::LumaRectangle& part : image::InnerParts(plane))
    hashes.parts[hashes.part_count++] = HashPart(plane, part);
  return hashes;
}

std::array<TurnedHash, 8> TurnedHashes(const PdqHash& hash) {
  const PdqHash inverted{{~hash.words[0], ~hash.words[1], ~hash.words[2], ~hash.words[3]}};
  return {{{inverted, View::kFull},
           {Turned(hash, false, false, true), View::kMirror},
           {Turned(hash, false, true, false), View::kMirror},
           {Turned(hash, true, false, false), View::kMirror},
           {Turned(hash, true, true, true), View::kMirror},
           {Turned(hash, false, true, true), View::kRotate180},
           {Turned(hash, true, false, true), View::kRotate90},
           {Turned(hash, true, true, false), View::kRotate270}}};
}

}  // namespace spanwatch::fingerprint
