#include "fingerprint/picture_detail.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "base/simd_clones.h"

namespace spanwatch::fingerprint {
namespace {

constexpr int kCells = 44;  // of a side
constexpr int kMargin = 4;  // cells left out at each side
constexpr int kInner = kCells - 2 * kMargin;
constexpr int kPatch = 6;  // cells of a side that one bit sees
constexpr int kStep = 2;   // cells between places
constexpr int kPlaces = (kInner - kPatch) / kStep + 1;
static_assert(kPlaces * kPlaces == 256);
constexpr int kWindowPlaces = 5;          // places of a side that are judged together
constexpr float kFullWeight = 0.5F;       // a margin of so many times the root mean square counts fully
constexpr float kLeastScale = 1.5F;       // levels: noise of a flat picture is no detail
constexpr float kLeastWeight = 0.1F;      // of a place on average, lest a window without detail be judged by noise
constexpr float kLeastVotes = 64;         // of all 256 bits: with less a picture shows nothing that could differ
constexpr double kSameDifference = 0.04;  // no better alignment is looked for
constexpr double kShiftSteps[] = {0.9, 0.45, 0.2, 0.1};  // samples of 64

using Sums = std::array<std::array<float, image::kLumaSide + 1>, image::kLumaSide + 1>;
using Places = std::array<float, static_cast<std::size_t>(kPlaces* kPlaces)>;

// Where the registered picture lies in this one, in samples.
struct Axis {
  double begin = 0, end = image::kLumaSide;
};
struct Placement {
  Axis x, y;
};

Sums SumsOf(const image::Luma64& luma) {
  Sums sums{};
  for (std::size_t y = 0; y < image::kLumaSide; ++y) {
    float row = 0;
    for (std::size_t x = 0; x < image::kLumaSide; ++x) {
      row += luma[y * image::kLumaSide + x];
      sums[y + 1][x + 1] = sums[y][x + 1] + row;
    }
  }
  return sums;
}

// Borders of the cells of an axis that are used: those of the inner part and one more at each side.
struct Borders {
  static constexpr int kCount = kInner + 3;
  std::array<std::size_t, kCount> sample{};
  std::array<float, kCount> part{};

  explicit Borders(const Axis& axis) {
    for (std::size_t i = 0; i < kCount; ++i) {
      const double cell = static_cast<double>(i) + kMargin - 1;
      const double at = std::clamp(axis.begin + (axis.end - axis.begin) * cell / kCells, 0.0, 64.0);
      sample[i] = std::min<std::size_t>(static_cast<std::size_t>(at), image::kLumaSide - 1);
      part[i] = static_cast<float>(at - static_cast<double>(sample[i]));
    }
  }
};

using Floats [[gnu::vector_size(32)]] = float;
constexpr std::size_t kFloatsAtOnce = 8;
static_assert(kPlaces == 2 * kFloatsAtOnce && kStep == 2);

// Plus or minus one for each cell of each bit, the bits of a row of places side by side: the same for everybody, at all
// times.
using Signs = std::array<std::array<std::array<float, kPlaces>, kPatch * kPatch>, kPlaces>;

const Signs& TheSigns() {
  static const Signs kSigns = [] {
    Signs signs;
    std::uint64_t state = 0;
    for (auto& row : signs) {
      for (auto& cell : row) {
        for (float& sign : cell) {  // SplitMix64
          std::uint64_t value = state += 0x9E3779B97F4A7C15;
          value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
          value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
          sign = (value >> 63) != 0 ? 1.0F : -1.0F;
        }
      }
    }
    return signs;
  }();
  return kSigns;
}

// Columns of even and of odd number apart, so that the same cell of neighbouring places lies side by side.
using Contrast = std::array<std::array<std::array<float, kInner / 2>, 2>, kInner>;

[[SPANWATCH_SIMD_CLONES]] void Project(const Contrast& contrast, const Signs& signs, Places& places) {
  for (std::size_t row = 0; row < kPlaces; ++row) {
    Floats sums[2] = {};
    for (std::size_t cell = 0; cell < kPatch * kPatch; ++cell) {
      const std::size_t x = cell % kPatch;
      const float* from = contrast[row * kStep + cell / kPatch][x % 2].data() + x / 2;
      for (std::size_t half = 0; half < 2; ++half) {
        Floats values, factors;
        std::memcpy(&values, from + half * kFloatsAtOnce, sizeof(values));
        std::memcpy(&factors, signs[row][cell].data() + half * kFloatsAtOnce, sizeof(factors));
        sums[half] += values * factors;
      }
    }
    std::memcpy(places.data() + row * kPlaces, sums, sizeof(sums));
  }
}

using Corners = std::array<std::array<float, Borders::kCount>, Borders::kCount>;

// The sums above and left of each corner of a cell.
[[SPANWATCH_SIMD_CLONES]] void FindCorners(const Sums& sums, const Borders& columns, const Borders& rows,
                                           Corners& corners) {
  for (std::size_t j = 0; j < Borders::kCount; ++j) {
    const float* above = sums[rows.sample[j]].data();
    const float* below = sums[rows.sample[j] + 1].data();
    std::array<float, image::kLumaSide + 1> between;
    for (std::size_t i = 0; i < between.size(); ++i) between[i] = above[i] + (below[i] - above[i]) * rows.part[j];
    for (std::size_t i = 0; i < Borders::kCount; ++i) {
      const float* left = between.data() + columns.sample[i];
      corners[j][i] = left[0] + (left[1] - left[0]) * columns.part[i];
    }
  }
}

// Each cell against the nine around it.
[[SPANWATCH_SIMD_CLONES]] void FindContrast(const Corners& corners, float per_cell, Contrast& contrast) {
  for (std::size_t y = 0; y < kInner; ++y) {
    const float* a = corners[y].data();
    const float* b = corners[y + 1].data();
    const float* c = corners[y + 2].data();
    const float* d = corners[y + 3].data();
    std::array<float, kInner> row;
    for (std::size_t x = 0; x < kInner; ++x) {
      const float cell = c[x + 2] - c[x + 1] - b[x + 2] + b[x + 1];
      const float around = d[x + 3] - d[x] - a[x + 3] + a[x];
      row[x] = (cell - around / 9) * per_cell;
    }
    for (std::size_t x = 0; x < kInner; ++x) contrast[y][x % 2][x / 2] = row[x];
  }
}

Places PlacesOf(const Sums& sums, const Placement& alignment) {
  Corners corners;
  FindCorners(sums, Borders(alignment.x), Borders(alignment.y), corners);
  const double area = (alignment.x.end - alignment.x.begin) * (alignment.y.end - alignment.y.begin) / (kCells * kCells);
  Contrast contrast;
  FindContrast(corners, static_cast<float>(1 / area), contrast);
  Places places;
  Project(contrast, TheSigns(), places);
  return places;
}

// Weight of each place, and the same where its bit differs.
struct Votes {
  Places weights;
  Places against;

  Votes(const Places& places, const PictureDetail& registered) {
    float squares = 0;
    for (const float place : places) squares += place * place;
    const float scale = std::max(kLeastScale, kFullWeight * std::sqrt(squares / static_cast<float>(places.size())));
    for (std::size_t bit = 0; bit < places.size(); ++bit) {
      weights[bit] = std::min(std::abs(places[bit]) / scale, 1.0F);
      const bool differs = (places[bit] > 0) != ((registered.words[bit / 64] >> bit % 64 & 1) != 0);
      against[bit] = differs ? weights[bit] : 0;
    }
  }

  float All() const { return std::accumulate(weights.begin(), weights.end(), 0.0F); }
  double Everywhere() const { return std::accumulate(against.begin(), against.end(), 0.0F) / std::max(All(), 1.0F); }
  double Worst() const {
    float worst = 0;
    for (std::size_t top = 0; top + kWindowPlaces <= kPlaces; ++top) {
      for (std::size_t left = 0; left + kWindowPlaces <= kPlaces; ++left) {
        float all = kLeastWeight * kWindowPlaces * kWindowPlaces, differing = 0;
        for (std::size_t bit = top * kPlaces + left, row = 0; row < kWindowPlaces; ++row, bit += kPlaces) {
          for (std::size_t i = 0; i < kWindowPlaces; ++i) {
            all += weights[bit + i];
            differing += against[bit + i];
          }
        }
        worst = std::max(worst, differing / all);
      }
    }
    return worst;
  }
};

}  // namespace

PictureDetail DetailOf(const image::Luma64& luma) {
  const Places places = PlacesOf(SumsOf(luma), {});
  PictureDetail detail;
  for (std::size_t bit = 0; bit < places.size(); ++bit)
    detail.words[bit / 64] |= std::uint64_t{places[bit] > 0} << bit % 64;
  return detail;
}

DetailProbe::DetailProbe(const image::Luma64& luma) : sums_(SumsOf(luma)) {}

std::optional<double> DetailProbe::Difference(const PictureDetail& registered) const {
  Placement best;
  Votes votes(PlacesOf(sums_, best), registered);
  if (votes.All() < kLeastVotes) return std::nullopt;
  double least = votes.Everywhere();
  const auto take = [&](const Placement& tried) {
    const Votes other(PlacesOf(sums_, tried), registered);
    if (const double everywhere = other.Everywhere(); everywhere < least) {
      least = everywhere;
      best = tried;
      votes = other;
    }
  };
  const auto improve = [&](Axis Placement::* axis, double step) {
    const Axis from = best.*axis;
    for (int shift = -1; shift <= 1; ++shift) {
      for (int stretch = -1; stretch <= 1; ++stretch) {
        if (shift == 0 && stretch == 0) continue;
        Placement tried = best;
        (tried.*axis).begin = from.begin + step * (shift - stretch);
        (tried.*axis).end = from.end + step * (shift + stretch);
        take(tried);
      }
    }
  };
  for (const double step : kShiftSteps) {
    if (votes.Worst() <= kSameDifference) break;
    improve(&Placement::y, step);
    improve(&Placement::x, step);
    if (step == kShiftSteps[0]) {
      improve(&Placement::y, step);
      improve(&Placement::x, step);
    }
  }
  return votes.Worst();
}

}  // namespace spanwatch::fingerprint
