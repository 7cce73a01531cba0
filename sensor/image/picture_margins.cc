#include "image/picture_margins.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <utility>

namespace spanwatch::image {
namespace {

// A line is even when such a share of its samples is of one tone, so many levels up and down.
struct Evenness {
  double share;
  int levels;
};
constexpr Evenness kBorder{0.97, 6};
constexpr Evenness kBar{0.6, 1};   // with text or symbols in it; it is drawn, and no camera gives one level
constexpr double kReach = 0.25;    // of a side, in which a bar may go on after other things
constexpr double kSideMin = 0.4;   // of the picture's side that must be left
constexpr double kEdgeMin = 0.15;  // less of a sample is not told from none
constexpr int kInsideLines = 3;
constexpr double kUnevenMin = 0.04;  // of a side: a narrower misfit is found all the same

enum class Side : std::uint8_t { kTop, kBottom, kLeft, kRight };
constexpr std::array kSides = {Side::kTop, Side::kBottom, Side::kLeft, Side::kRight};

struct Line {
  int tone = 0;
  bool even = false;
};

class Peeler {
 public:
  explicit Peeler(const LumaPlane& plane) : plane_(plane), right_(plane.width), bottom_(plane.height) {}

  // Takes the even lines of one tone off each side; `reach`: and what lies between them.
  void Peel(bool reach, const Evenness& evenness) {
    for (const Side side : kSides) {
      const Line outermost = Describe(side, 0, evenness);
      int& tone = tones_[static_cast<std::size_t>(side)];
      if (outermost.even)
        tone = outermost.tone;
      else if (!reach || tone < 0)
        continue;
      const auto far = static_cast<std::uint32_t>(kReach * (IsRow(side) ? plane_.height : plane_.width));
      std::uint32_t taken = 0;
      for (std::uint32_t depth = 0; depth < Left(side); ++depth) {
        const Line line = Describe(side, static_cast<int>(depth), evenness);
        if (line.even && std::abs(line.tone - tone) <= evenness.levels)
          taken = depth + 1;
        else if (!reach || depth > far)
          break;
      }
      Advance(side, std::min(taken, Left(side) - 1));
    }
  }
  bool EnoughLeft() const {
    return right_ - left_ >= kSideMin * plane_.width && bottom_ - top_ >= kSideMin * plane_.height;
  }
  LumaRectangle Rectangle() const {
    return {(left_ + Edge(Side::kLeft)) / plane_.width, (top_ + Edge(Side::kTop)) / plane_.height,
            (right_ - Edge(Side::kRight)) / plane_.width, (bottom_ - Edge(Side::kBottom)) / plane_.height};
  }

 private:
  static bool IsRow(Side side) { return side == Side::kTop || side == Side::kBottom; }
  std::uint32_t Left(Side side) const { return IsRow(side) ? bottom_ - top_ : right_ - left_; }
  void Advance(Side side, std::uint32_t lines) {
    if (side == Side::kTop) top_ += lines;
    if (side == Side::kBottom) bottom_ -= lines;
    if (side == Side::kLeft) left_ += lines;
    if (side == Side::kRight) right_ -= lines;
  }
  // Calls with the samples of the line that lies `depth` lines inside what is left; negative: outside of it.
  template <typename Sample>
  void ForEach(Side side, int depth, Sample&& sample) const {
    const int line = side == Side::kTop      ? static_cast<int>(top_) + depth
                     : side == Side::kBottom ? static_cast<int>(bottom_) - 1 - depth
                     : side == Side::kLeft   ? static_cast<int>(left_) + depth
                                             : static_cast<int>(right_) - 1 - depth;
    const auto at = static_cast<std::size_t>(line);
    if (IsRow(side)) {
      for (std::uint32_t x = left_; x < right_; ++x) sample(plane_.samples[at * plane_.width + x]);
    } else {
      for (std::uint32_t y = top_; y < bottom_; ++y) sample(plane_.samples[std::size_t{y} * plane_.width + at]);
    }
  }
  Line Describe(Side side, int depth, const Evenness& evenness) const {
    std::array<std::uint32_t, 256> levels{};
    std::uint32_t count = 0;
    ForEach(side, depth, [&](std::uint8_t sample) {
      ++levels[sample];
      ++count;
    });
    std::uint32_t half = 0;
    int median = 0;
    while ((half += levels[static_cast<std::size_t>(median)]) * 2 < count) ++median;
    std::uint32_t near = 0;
    for (int level = std::max(0, median - evenness.levels); level <= std::min(255, median + evenness.levels); ++level)
      near += levels[static_cast<std::size_t>(level)];
    return {median, near >= evenness.share * count};
  }
  // How much of the outermost line that is left still belongs to what was taken off. The line is a mix of the tone
  // outside and of content that stands out from that tone about as much as the lines further in do.
  double Edge(Side side) const {
    const bool taken = side == Side::kTop      ? top_ > 0
                       : side == Side::kBottom ? bottom_ < plane_.height
                       : side == Side::kLeft   ? left_ > 0
                                               : right_ < plane_.width;
    if (!taken || Left(side) <= static_cast<std::uint32_t>(kInsideLines)) return 0;
    double tone = 0;
    double count = 0;
    ForEach(side, -1, [&](std::uint8_t sample) {
      tone += sample;
      ++count;
    });
    tone /= count;
    const auto contrast = [&](int depth) {
      double sum = 0;
      ForEach(side, depth, [&](std::uint8_t sample) { sum += (sample - tone) * (sample - tone); });
      return std::sqrt(sum / count);
    };
    double inside = 0;
    for (int depth = 1; depth <= kInsideLines; ++depth) inside += contrast(depth) / kInsideLines;
    if (inside <= 0) return 0;
    const double share = 1 - contrast(0) / inside;
    return share < kEdgeMin ? 0 : std::min(share, 1.0);
  }

  const LumaPlane& plane_;
  std::array<int, kSides.size()> tones_{-1, -1, -1, -1};  // taken off last, by side
  std::uint32_t left_ = 0, top_ = 0, right_, bottom_;     // what is left, in samples
};

// With the narrower margin at both of two opposite sides; nothing when they hardly differ.
std::optional<LumaRectangle> Even(const LumaRectangle& part) {
  const double wide = std::min(part.left, 1 - part.right);
  const double high = std::min(part.top, 1 - part.bottom);
  const double uneven = std::max(std::abs(part.left + part.right - 1), std::abs(part.top + part.bottom - 1));
  if (uneven < kUnevenMin || (wide <= 0 && high <= 0)) return std::nullopt;
  return LumaRectangle{wide, high, 1 - wide, 1 - high};
}
// The same of the axis that is less even, where both of its sides have a margin.
std::optional<LumaRectangle> EvenAxis(LumaRectangle part) {
  const double across = std::abs(part.left + part.right - 1);
  const double along = std::abs(part.top + part.bottom - 1);
  if (std::max(across, along) < kUnevenMin) return std::nullopt;
  double& low = across > along ? part.left : part.top;
  double& high = across > along ? part.right : part.bottom;
  if (low <= 0 || high >= 1) return std::nullopt;
  low = std::min(low, 1 - high);
  high = 1 - low;
  return part;
}

struct Round {
  int times;
  bool reach;
  Evenness evenness;
};
// The border alone; bars and, for windows, what was behind the bars; the window's own frame; bars full of symbols and,
// line by line, what is drawn between them and the picture.
constexpr Round kRounds[] = {{1, false, kBorder}, {2, true, kBorder}, {1, true, kBorder}, {4, false, kBar}};
static_assert(std::size(kRounds) + 2 == kInnerPartsMax);

}  // namespace

std::vector<LumaRectangle> InnerParts(const LumaPlane& plane) {
  std::vector<LumaRectangle> parts;
  Peeler peeler(plane);
  LumaRectangle before;
  std::optional<LumaRectangle> even;
  for (const Round& round : kRounds) {
    for (int i = 0; i < round.times; ++i) peeler.Peel(round.reach, round.evenness);
    if (&round == kRounds) even = Even(peeler.Rectangle());
    if (!peeler.EnoughLeft()) break;
    const LumaRectangle part = peeler.Rectangle();
    const bool smaller =
        part.left > before.left || part.top > before.top || part.right < before.right || part.bottom < before.bottom;
    if (smaller) parts.push_back(part);
    before = part;
  }
  if (even) parts.push_back(*even);
  if (const auto axis = EvenAxis(peeler.Rectangle()); axis && axis != even) parts.push_back(*axis);
  return parts;
}

}  // namespace spanwatch::image
