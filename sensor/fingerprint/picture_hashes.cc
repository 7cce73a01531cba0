#include "fingerprint/picture_hashes.h"

#include <algorithm>

#include "image/picture_tilt.h"

namespace spanwatch::fingerprint {
namespace {

constexpr image::LumaRectangle kCuts[] = {{0.02, 0.02, 0.98, 0.98}, {0, 0, 1, 0.88}, {0, 0.12, 1, 1}};
constexpr std::uint32_t kSideOfParts = 128;

// The plane with its samples averaged in squares while the short side stays above kSideOfParts: parts are many, and of
// a picture of pixels each would cost as much as the whole.
image::LumaPlane Reduced(const image::LumaPlane& plane) {
  const std::uint32_t square = std::min(plane.width, plane.height) / kSideOfParts;
  if (square < 2) return plane;
  image::LumaPlane reduced{.width = plane.width / square, .height = plane.height / square};
  std::vector<std::uint32_t> sums(reduced.width);
  for (std::uint32_t y = 0; y < reduced.height * square; ++y) {
    const std::uint8_t* row = plane.samples.data() + std::size_t{y} * plane.width;
    for (std::uint32_t x = 0; x < reduced.width; ++x) {
      for (std::uint32_t i = 0; i < square; ++i) sums[x] += row[x * square + i];
    }
    if (y % square != square - 1) continue;
    for (std::uint32_t& sum : sums) {
      reduced.samples.push_back(static_cast<std::uint8_t>((sum + square * square / 2) / (square * square)));
      sum = 0;
    }
  }
  return reduced;
}

PdqResult HashPart(const image::LumaPlane& plane, const image::LumaRectangle& part) {
  image::Luma64 luma;
  image::Downsample(plane, part, luma);
  return Pdq(luma);
}

// Turning a picture swaps the axes of its spectrum or negates every other coefficient of one; a negated coefficient
// falls on the other side of the median.
PdqHash Turned(const PdqHash& hash, const Turn& turn) {
  PdqHash turned;
  for (std::size_t row = 0; row < 16; ++row) {
    for (std::size_t column = 0; column < 16; ++column) {
      const std::size_t from = turn.transpose ? column * 16 + row : row * 16 + column;
      const bool negate = (turn.reverse_rows && row % 2 == 0) != (turn.reverse_columns && column % 2 == 0);
      const bool bit = (hash.words[from / 64] >> from % 64 & 1) != negate;
      turned.words[row / 4] |= std::uint64_t{bit} << (row % 4 * 16 + column);
    }
  }
  return turned;
}

}  // namespace

PictureHashes HashPicture(const image::LumaPlane& plane) {
  PictureHashes hashes{.whole = HashPart(plane, {})};
  const auto samples = std::make_shared<PictureSamples>();
  hashes.samples = samples;
  const image::LumaPlane& reduced = samples->plane = Reduced(plane);
  const auto add = [&](const image::LumaRectangle& part) {
    samples->places[hashes.part_count] = part;
    hashes.parts[hashes.part_count] = HashPart(samples->PlaneOf(hashes.part_count), part);
    ++hashes.part_count;
  };
  for (const image::LumaRectangle& cut : kCuts) add(cut);
  for (const image::LumaRectangle& part : image::InnerParts(reduced)) add(part);
  for (const image::LumaRectangle& panel : image::Panels(reduced)) add(panel);
  samples->levelled = image::Levelled(reduced);
  if (samples->levelled) {
    samples->first_levelled = hashes.part_count;
    std::vector<image::LumaRectangle> inner = image::InnerParts(*samples->levelled);
    inner.resize(std::min(inner.size(), kLevelledPartsMax - 1));
    add({});
    for (const image::LumaRectangle& part : inner) add(part);
  }
  return hashes;
}

Turn TurnBack(View view) {
  switch (view) {
    case View::kMirror:
      return {.reverse_columns = true};
    case View::kRotate90:
      return {.transpose = true, .reverse_columns = true};
    case View::kRotate180:
      return {.reverse_rows = true, .reverse_columns = true};
    case View::kRotate270:
      return {.transpose = true, .reverse_rows = true};
    default:
      return {};
  }
}

std::array<TurnedHash, 8> TurnedHashes(const PdqHash& hash) {
  const PdqHash inverted{{~hash.words[0], ~hash.words[1], ~hash.words[2], ~hash.words[3]}};
  const auto turned = [&](View view, const Turn& turn) { return TurnedHash{Turned(hash, turn), view, turn}; };
  return {{{inverted, View::kFull, {}, true},
           turned(View::kMirror, TurnBack(View::kMirror)),
           turned(View::kMirror, {false, true, false}),
           turned(View::kMirror, {true, false, false}),
           turned(View::kMirror, {true, true, true}),
           turned(View::kRotate180, TurnBack(View::kRotate180)),
           turned(View::kRotate90, TurnBack(View::kRotate90)),
           turned(View::kRotate270, TurnBack(View::kRotate270))}};
}

}  // namespace spanwatch::fingerprint
