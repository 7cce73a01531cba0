// LumaPlane: the luminance that PDQ is made from, on the one path that enrolment and sensor share (design.md section
// 5).
//
// A picture whose short side is 512 or more gives the means of its whole 8x8 blocks (partial edge blocks left out); a
// smaller one gives its pixels. Downsample averages a rectangle of the plane by area (bilinear where it is smaller) to
// 64x64. Values; safe from any thread.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace spanwatch::image {

inline constexpr std::uint32_t kShortSideOfBlocks = 512;
inline constexpr int kLumaSide = 64;
using Luma64 = std::array<float, kLumaSide * kLumaSide>;  // row by row

struct LumaPlane {
  std::uint32_t picture_width = 0;  // in pixels, as the header says
  std::uint32_t picture_height = 0;
  std::uint32_t width = 0;  // of the plane
  std::uint32_t height = 0;
  std::vector<std::uint8_t> samples;  // row by row
  float coverage = 1;                 // share of the rows that came from data that was there
};

// A part of a picture, as shares of its sides: 0 <= left < right <= 1.
struct LumaRectangle {
  double left = 0, top = 0, right = 1, bottom = 1;
  friend bool operator==(const LumaRectangle&, const LumaRectangle&) = default;
};

// `right` and `bottom` are the first that are not in it.
struct PixelRectangle {
  std::uint32_t left = 0, top = 0, right = 0, bottom = 0;
  std::uint32_t width() const { return right - left; }
  std::uint32_t height() const { return bottom - top; }
  std::uint64_t pixels() const { return std::uint64_t{width()} * height(); }
  // Not empty, and inside a picture of this size.
  bool Within(std::uint32_t picture_width, std::uint32_t picture_height) const {
    return left < right && right <= picture_width && top < bottom && bottom <= picture_height;
  }
};

// The pixels of a part: as a program would cut it out. What lies outside of the picture is left out.
PixelRectangle PixelsOf(const LumaRectangle& part, std::uint32_t picture_width, std::uint32_t picture_height);

// The samples of a part. REQUIRES: Within(plane.width, plane.height)
LumaPlane Cut(const LumaPlane& plane, const PixelRectangle& part);
// The means of whole 8x8 blocks, of a plane of pixels.
LumaPlane BlockMeans(const LumaPlane& pixels);

// REQUIRES: a plane of at least one sample
void Downsample(const LumaPlane& plane, const LumaRectangle& part, Luma64& luma) noexcept;

// The same to the last bit, for many parts that lie between the same columns: these are averaged once. Made by
// enrolment for its crops; it outlives the plane.
class NarrowedPlane {
 public:
  NarrowedPlane(const LumaPlane& plane, double left, double right);
  void Downsample(double top, double bottom, Luma64& luma) const noexcept;

 private:
  std::vector<std::array<float, kLumaSide>> rows_;
};

// Which samples of an axis one of its 64 cells takes: `first` to `last`, both included. The weights sum to 1.
struct AxisCell {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  float first_weight = 1;
  float last_weight = 0;
  float middle_weight = 0;

  // REQUIRES: first <= sample <= last
  float Weight(std::uint32_t sample) const {
    return sample == first ? first_weight : sample == last ? last_weight : middle_weight;
  }
};

// How Downsample cuts an axis of so many samples from `begin` to `end` (in samples): by area, or bilinear at the centre
// of a cell below one sample.
std::array<AxisCell, kLumaSide> AxisCells(double begin, double end, std::uint32_t samples);

}  // namespace spanwatch::image
