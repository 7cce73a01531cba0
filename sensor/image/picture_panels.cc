#include "image/picture_panels.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <numeric>
#include <tuple>
#include <utility>

#include "base/simd_clones.h"

namespace spanwatch::image {
namespace {

constexpr int kStepMin = 6;            // levels that a sample changes by across an edge
constexpr int kGapCost = 4;            // a place without a step undoes so many with one
constexpr double kStandsOutMin = 1.5;  // times the change across the lines beside it
constexpr std::uint32_t kBeside = 3;   // lines away
constexpr double kCoveredMin = 0.65;   // share of a panel's side that is edge
constexpr double kClearlyCovered = 0.9;
constexpr double kEnd = 0.16;           // of a side, at each of its corners, where
constexpr double kEndCoveredMin = 0.5;  // so much is edge, too: an edge that stops short has its corner elsewhere
constexpr double kPanelSideMin = 0.3;   // of the picture's side
constexpr double kSame = 0.02;          // of a side: nearer is the same place
constexpr std::size_t kEdgesMax = 12;   // of one direction

struct Edge {
  double at = 0;                     // where, in lines from the first; between two lines
  std::vector<std::uint32_t> steps;  // how many lie before each place along it; empty: the picture's own side

  double Covered(double from, double to) const {
    if (steps.empty()) return 1;
    const auto first = static_cast<std::size_t>(std::ceil(from)), last = static_cast<std::size_t>(to);
    if (first >= last) return 0;
    return (steps[last] - steps[first]) / static_cast<double>(last - first);
  }
  // How much of the way from one corner to the other it is; 0 when it does not reach both. The samples at the corners
  // are other edges'.
  double CoveredBetween(double from, double to) const {
    const double covered = Covered(from + 1, to - 1);
    const double end = kEnd * (to - from);
    const bool reaches = covered >= kCoveredMin && Covered(from + 1, from + end) >= kEndCoveredMin &&
                         Covered(to - end, to - 1) >= kEndCoveredMin;
    return reaches ? covered : 0;
  }
};

LumaPlane Transposed(const LumaPlane& plane) {
  LumaPlane transposed{.width = plane.height, .height = plane.width};
  transposed.samples.resize(plane.samples.size());
  for (std::uint32_t y = 0; y < plane.height; ++y) {
    for (std::uint32_t x = 0; x < plane.width; ++x)
      transposed.samples[std::size_t{x} * plane.height + y] = plane.samples[std::size_t{y} * plane.width + x];
  }
  return transposed;
}

// Marks with 1 where the two differ by a step, else with 0, and returns how many there are.
[[SPANWATCH_SIMD_CLONES]] std::uint32_t MarkSteps(const std::uint8_t* a, const std::uint8_t* b, std::uint32_t length,
                                                  std::uint8_t* is_step) {
  for (std::uint32_t i = 0; i < length; ++i) is_step[i] = std::max(a[i], b[i]) - std::min(a[i], b[i]) >= kStepMin;
  std::uint32_t count = 0;
  for (std::uint32_t i = 0; i < length; ++i) count += is_step[i];
  return count;
}

[[SPANWATCH_SIMD_CLONES]] std::uint32_t SumOfDifferences(const std::uint8_t* a, const std::uint8_t* b,
                                                         std::uint32_t length) {
  std::uint32_t sum = 0;
  for (std::uint32_t i = 0; i < length; ++i) sum += static_cast<std::uint32_t>(std::abs(a[i] - b[i]));
  return sum;
}

// The edges that run along the rows of a plane.
class EdgeFinder {
 public:
  explicit EdgeFinder(const LumaPlane& plane)
      : plane_(plane), length_(plane.width), lines_(plane.height), is_step_(plane.width) {}

  std::vector<Edge> Find() {
    std::vector<Found> found;
    for (std::uint32_t line = kBeside + 1; line + kBeside + 1 < lines_; ++line) {
      if (Mark(line) < kStepsMin * kPanelSideMin * length_) continue;
      const Stretch stretch = LongestStretch();
      if (stretch.to - stretch.from >= kPanelSideMin * length_ && StandsOut(line, stretch))
        found.push_back({line, stretch.score, Middle(line, stretch)});
    }
    std::ranges::stable_sort(found, std::ranges::greater(), &Found::score);
    std::vector<Edge> edges;
    for (const Found& edge : found) {
      if (edges.size() == kEdgesMax) break;
      const auto near = [&](const Edge& other) { return std::abs(other.at - edge.at) < 2; };
      if (std::ranges::none_of(edges, near)) edges.push_back({edge.at, Steps(edge.line)});
    }
    edges.push_back({.at = 0});
    edges.push_back({.at = static_cast<double>(lines_)});
    std::ranges::sort(edges, {}, &Edge::at);
    return edges;
  }

 private:
  struct Found {
    std::uint32_t line = 0;
    int score = 0;
    double at = 0;
  };
  struct Stretch {
    std::uint32_t from = 0, to = 0;
    int score = 0;
  };
  static constexpr double kStepsMin = kGapCost / (kGapCost + 1.0);  // share of a stretch, by what a gap costs

  // The line before this one; two further is the one after. A sample changes across the line by how much they differ.
  const std::uint8_t* Before(std::uint32_t line) const {
    return plane_.samples.data() + std::size_t{line - 1} * length_;
  }
  std::uint32_t Mark(std::uint32_t line) {
    const std::uint8_t* before = Before(line);
    return MarkSteps(before, before + std::size_t{2} * length_, length_, is_step_.data());
  }
  Stretch LongestStretch() const {  // of the line that is marked
    Stretch best;
    int score = 0;
    std::uint32_t from = 0;
    for (std::uint32_t i = 0; i < length_; ++i) {
      score += is_step_[i] * (1 + kGapCost) - kGapCost;
      from = score <= 0 ? i + 1 : from;
      score = std::max(score, 0);
      if (score > best.score) best = {from, i + 1, score};
    }
    return best;
  }
  double MeanChange(std::uint32_t line, const Stretch& stretch) const {
    const std::uint8_t* before = Before(line) + stretch.from;
    const std::uint32_t length = stretch.to - stretch.from;
    return SumOfDifferences(before, before + std::size_t{2} * length_, length) / static_cast<double>(length);
  }
  double Beside(std::uint32_t line, const Stretch& stretch) const {
    return (MeanChange(line - kBeside, stretch) + MeanChange(line + kBeside, stretch)) / 2;
  }
  bool StandsOut(std::uint32_t line, const Stretch& stretch) const {
    return MeanChange(line, stretch) >= kStandsOutMin * Beside(line, stretch);
  }
  // Where the edge is: one that lies within a line changes it and, less, both beside it.
  double Middle(std::uint32_t line, const Stretch& stretch) const {
    const double beside = Beside(line, stretch);
    double sum = 0;
    double middle = 0;
    for (std::uint32_t near = line - 1; near <= line + 1; ++near) {
      const double weight = std::max(0.0, MeanChange(near, stretch) - beside);
      sum += weight;
      middle += weight * (near + 0.5);
    }
    return sum > 0 ? middle / sum : line + 0.5;
  }
  std::vector<std::uint32_t> Steps(std::uint32_t line) {
    Mark(line);
    std::vector<std::uint32_t> steps(length_ + 1);
    std::inclusive_scan(is_step_.begin(), is_step_.end(), steps.begin() + 1, std::plus(), std::uint32_t{0});
    return steps;
  }

  const LumaPlane& plane_;
  std::uint32_t length_;
  std::uint32_t lines_;
  std::vector<std::uint8_t> is_step_;  // of one line, 1 or 0
};

bool Same(const LumaRectangle& a, const LumaRectangle& b) {
  return std::abs(a.left - b.left) < kSame && std::abs(a.top - b.top) < kSame && std::abs(a.right - b.right) < kSame &&
         std::abs(a.bottom - b.bottom) < kSame;
}

struct Candidate {
  LumaRectangle panel;
  bool clear = false;    // all its sides are edges all along
  std::size_t cuts = 0;  // edges that go through it from side to side
  double area = 0;
};

class PanelFinder {
 public:
  explicit PanelFinder(const LumaPlane& plane)
      : width_(plane.width),
        height_(plane.height),
        rows_(EdgeFinder(plane).Find()),
        columns_(EdgeFinder(Transposed(plane)).Find()) {}

  std::vector<LumaRectangle> Find() const {
    std::vector<Candidate> candidates;
    for (std::size_t top = 0; top < rows_.size(); ++top) {
      for (std::size_t bottom = top + 1; bottom < rows_.size(); ++bottom) {
        if (rows_[bottom].at - rows_[top].at >= kPanelSideMin * height_)
          AddBetween(rows_[top], rows_[bottom], candidates);
      }
    }
    std::ranges::stable_sort(candidates, [](const Candidate& a, const Candidate& b) {
      return std::tuple(!a.clear, a.cuts, -a.area) < std::tuple(!b.clear, b.cuts, -b.area);
    });
    std::vector<LumaRectangle> panels;
    for (const Candidate& candidate : candidates) {
      if (panels.size() == kPanelsMax) break;
      const auto same = [&](const LumaRectangle& other) { return Same(other, candidate.panel); };
      if (!same({}) && std::ranges::none_of(panels, same)) panels.push_back(candidate.panel);
    }
    return panels;
  }

 private:
  void AddBetween(const Edge& top, const Edge& bottom, std::vector<Candidate>& candidates) const {
    std::vector<std::pair<const Edge*, double>> sides;  // and how much of them is edge
    for (const Edge& side : columns_) {
      if (const double covered = side.CoveredBetween(top.at, bottom.at); covered > 0)
        sides.emplace_back(&side, covered);
    }
    for (std::size_t l = 0; l < sides.size(); ++l) {
      const auto [left, left_covered] = sides[l];
      for (std::size_t r = l + 1; r < sides.size(); ++r) {
        const auto [right, right_covered] = sides[r];
        if (right->at - left->at < kPanelSideMin * width_) continue;
        const double covered = std::min({left_covered, right_covered, top.CoveredBetween(left->at, right->at),
                                         bottom.CoveredBetween(left->at, right->at)});
        if (covered == 0) continue;
        // Of `sides`, those between the two go from top to bottom.
        const auto between = std::ranges::count_if(
            sides, [&](const auto& side) { return Inside(side.first->at, left->at, right->at, width_); });
        const auto across = std::ranges::count_if(rows_, [&](const Edge& row) {
          return Inside(row.at, top.at, bottom.at, height_) && row.CoveredBetween(left->at, right->at) > 0;
        });
        candidates.push_back({{left->at / width_, top.at / height_, right->at / width_, bottom.at / height_},
                              covered >= kClearlyCovered,
                              static_cast<std::size_t>(between + across),
                              (right->at - left->at) * (bottom.at - top.at)});
      }
    }
  }
  static bool Inside(double at, double low, double high, double side) {
    return at > low + kSame * side && at < high - kSame * side;
  }

  double width_, height_;  // in samples
  std::vector<Edge> rows_, columns_;
};

}  // namespace

std::vector<LumaRectangle> Panels(const LumaPlane& plane) {
  if (plane.width < 4 * kBeside || plane.height < 4 * kBeside) return {};
  return PanelFinder(plane).Find();
}

}  // namespace spanwatch::image
