#include "image/luma_plane.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/simd_clones.h"

namespace spanwatch::image {
namespace {

template <typename Value>
float Weigh(const AxisCell& cell, Value&& value) {
  float sum = cell.first_weight * value(cell.first);
  if (cell.last == cell.first) return sum;
  float middle = 0;
  for (std::uint32_t i = cell.first + 1; i < cell.last; ++i) middle += value(i);
  return sum + cell.middle_weight * middle + cell.last_weight * value(cell.last);
}

using Narrowed = std::array<float, kLumaSide>;

[[SPANWATCH_SIMD_CLONES]] void Scale(float weight, const float* values, float* out) {
  for (int x = 0; x < kLumaSide; ++x) out[x] = weight * values[x];
}
[[SPANWATCH_SIMD_CLONES]] void AddScaled(float weight, const float* values, float* out) {
  for (int x = 0; x < kLumaSide; ++x) out[x] += weight * values[x];
}

void Narrow(const std::uint8_t* samples, const std::array<AxisCell, kLumaSide>& columns, Narrowed& row) {
  for (std::size_t x = 0; x < columns.size(); ++x)
    row[x] = Weigh(columns[x], [&](std::uint32_t i) { return static_cast<float>(samples[i]); });
}

// `row_of(i)`: row i of the plane, narrowed.
template <typename RowOf>
void Average(const std::array<AxisCell, kLumaSide>& rows, RowOf&& row_of, Luma64& luma) {
  for (std::size_t y = 0; y < rows.size(); ++y) {
    const AxisCell& cell = rows[y];
    float* out = luma.data() + y * kLumaSide;
    Scale(cell.first_weight, row_of(cell.first).data(), out);
    for (std::uint32_t row = cell.first + 1; row <= cell.last; ++row) {
      AddScaled(row == cell.last ? cell.last_weight : cell.middle_weight, row_of(row).data(), out);
    }
  }
}

}  // namespace

std::array<AxisCell, kLumaSide> AxisCells(double begin, double end, std::uint32_t samples) {
  std::array<AxisCell, kLumaSide> cells;
  const double size = (end - begin) / kLumaSide;
  const auto limit = static_cast<double>(samples);
  for (int i = 0; i < kLumaSide; ++i) {
    AxisCell& cell = cells[static_cast<std::size_t>(i)];
    if (size < 1) {
      const double centre = std::clamp(begin + (i + 0.5) * size - 0.5, 0.0, limit - 1);
      cell.first = static_cast<std::uint32_t>(centre);
      cell.last = std::min(cell.first + 1, samples - 1);
      const auto share = static_cast<float>(centre - cell.first);
      cell.first_weight = cell.last == cell.first ? 1 : 1 - share;
      cell.last_weight = cell.last == cell.first ? 0 : share;
      continue;
    }
    const double low = std::clamp(begin + i * size, 0.0, limit - 1);
    const double high = std::clamp(begin + (i + 1) * size, low + 1e-6, limit);
    cell.first = static_cast<std::uint32_t>(low);
    cell.last = std::min(static_cast<std::uint32_t>(std::ceil(high)) - 1, samples - 1);
    const double length = high - low;
    if (cell.first >= cell.last) {
      cell.last = cell.first;
      continue;
    }
    cell.first_weight = static_cast<float>((cell.first + 1 - low) / length);
    cell.last_weight = static_cast<float>((high - cell.last) / length);
    cell.middle_weight = static_cast<float>(1 / length);
  }
  return cells;
}

void Downsample(const LumaPlane& plane, const LumaRectangle& part, Luma64& luma) noexcept {
  const auto columns = AxisCells(part.left * plane.width, part.right * plane.width, plane.width);
  const auto rows = AxisCells(part.top * plane.height, part.bottom * plane.height, plane.height);
  // Each row of the plane is narrowed once, since cells share at most their edge rows.
  Narrowed kept;
  std::uint32_t kept_row = UINT32_MAX;
  const auto row_of = [&](std::uint32_t row) -> const Narrowed& {
    if (kept_row != row) Narrow(plane.samples.data() + std::size_t{row} * plane.width, columns, kept);
    kept_row = row;
    return kept;
  };
  Average(rows, row_of, luma);
}

PixelRectangle PixelsOf(const LumaRectangle& part, std::uint32_t picture_width, std::uint32_t picture_height) {
  const auto at = [](double share, std::uint32_t side) {
    return static_cast<std::uint32_t>(std::lround(std::clamp(share, 0.0, 1.0) * side));
  };
  return {at(part.left, picture_width), at(part.top, picture_height), at(part.right, picture_width),
          at(part.bottom, picture_height)};
}

LumaPlane Cut(const LumaPlane& plane, const PixelRectangle& part) {
  LumaPlane cut{.picture_width = plane.picture_width,
                .picture_height = plane.picture_height,
                .width = part.width(),
                .height = part.height(),
                .coverage = plane.coverage};
  cut.samples.reserve(std::size_t{cut.width} * cut.height);
  for (std::uint32_t y = part.top; y < part.bottom; ++y) {
    const auto row = plane.samples.begin() + static_cast<std::ptrdiff_t>(std::size_t{y} * plane.width);
    cut.samples.insert(cut.samples.end(), row + part.left, row + part.right);
  }
  return cut;
}

LumaPlane BlockMeans(const LumaPlane& pixels) {
  LumaPlane means{.picture_width = pixels.picture_width,
                  .picture_height = pixels.picture_height,
                  .width = pixels.width / 8,
                  .height = pixels.height / 8,
                  .coverage = pixels.coverage};
  means.samples.reserve(std::size_t{means.width} * means.height);
  for (std::uint32_t y = 0; y < means.height; ++y) {
    for (std::uint32_t x = 0; x < means.width; ++x) {
      std::uint32_t sum = 0;
      for (std::uint32_t row = 0; row < 8; ++row) {
        const auto begin =
            pixels.samples.begin() + static_cast<std::ptrdiff_t>(std::size_t{y * 8 + row} * pixels.width + x * 8);
        sum = std::accumulate(begin, begin + 8, sum);
      }
      means.samples.push_back(static_cast<std::uint8_t>((sum + 32) / 64));
    }
  }
  return means;
}

NarrowedPlane::NarrowedPlane(const LumaPlane& plane, double left, double right) : rows_(plane.height) {
  const auto columns = AxisCells(left * plane.width, right * plane.width, plane.width);
  for (std::size_t row = 0; row < rows_.size(); ++row)
    Narrow(plane.samples.data() + row * plane.width, columns, rows_[row]);
}

void NarrowedPlane::Downsample(double top, double bottom, Luma64& luma) const noexcept {
  const auto height = static_cast<std::uint32_t>(rows_.size());
  Average(
      AxisCells(top * height, bottom * height, height),
      [this](std::uint32_t row) -> const Narrowed& { return rows_[row]; }, luma);
}

}  // namespace spanwatch::image
