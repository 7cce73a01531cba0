#include "image/picture_margins.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace spanwatch::image {
namespace {

constexpr double kBorderShare = 0.97;  // of a line's samples that are of one tone
constexpr double kBarShare = 0.6;
constexpr double kSideMin = 0.4;        // of the picture's side that must be left
constexpr std::uint32_t kToneBits = 3;  // tones are told apart in steps of 8; two neighbouring steps are one
constexpr double kEdgeMin = 0.1;        // shares of a sample nearer to whole are rounded

enum class Side : std::uint8_t { kTop, kBottom, kLeft, kRight };
constexpr std::array kSides = {Side::kTop, Side::kBottom, Side::kLeft, Side::kRight};

class Peeler {
 public:
  explicit Peeler(const LumaPlane& plane) : plane_(plane), right_(plane.width), bottom_(plane.height) {}

  void Peel(double share) {
    bool peeled = true;
    while (peeled) {
      peeled = false;
      for (const Side side : kSides) {
        while (Left(side) > 1 && Share(side, 0) >= share) {
          Advance(side);
          peeled = true;
        }
      }
    }
  }
  bool TookOff() const { return left_ > 0 || top_ > 0 || right_ < plane_.width || bottom_ < plane_.height; }
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
  void Advance(Side side) {
    if (side == Side::kTop) ++top_;
    if (side == Side::kBottom) --bottom_;
    if (side == Side::kLeft) ++left_;
    if (side == Side::kRight) --right_;
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
  // Of the line's samples that are of its commonest tone.
  double Share(Side side, int depth) const {
    std::array<std::uint32_t, (256 >> kToneBits) + 1> tones{};
    std::uint32_t count = 0;
    ForEach(side, depth, [&](std::uint8_t sample) {
      ++tones[sample >> kToneBits];
      ++count;
    });
    std::uint32_t most = 0;
    for (std::size_t i = 0; i + 1 < tones.size(); ++i) most = std::max(most, tones[i] + tones[i + 1]);
    return static_cast<double>(most) / count;
  }
  // How much of the outermost line that is left still belongs to what was taken off, estimated from its neighbours: it
  // is a mix of the line outside and, nearly, of the line inside.
  double Edge(Side side) const {
    const bool taken = side == Side::kTop      ? top_ > 0
                       : side == Side::kBottom ? bottom_ < plane_.height
                       : side == Side::kLeft   ? left_ > 0
                                               : right_ < plane_.width;
    if (!taken || Left(side) < 3) return 0;
    std::vector<int> outside, mixed, inside;
    ForEach(side, -1, [&](std::uint8_t sample) { outside.push_back(sample); });
    ForEach(side, 0, [&](std::uint8_t sample) { mixed.push_back(sample); });
    ForEach(side, 1, [&](std::uint8_t sample) { inside.push_back(sample); });
    double product = 0;
    double square = 0;
    for (std::size_t i = 0; i < mixed.size(); ++i) {
      product += static_cast<double>(inside[i] - mixed[i]) * (inside[i] - outside[i]);
      square += static_cast<double>(inside[i] - outside[i]) * (inside[i] - outside[i]);
    }
    if (square <= 0) return 0;
    const double share = std::clamp(product / square, 0.0, 1.0);
    return share < kEdgeMin ? 0 : share > 1 - kEdgeMin ? 1 : share;
  }

  const LumaPlane& plane_;
  std::uint32_t left_ = 0, top_ = 0, right_, bottom_;  // what is left, in samples
};

}  // namespace

std::vector<LumaRectangle> InnerParts(const LumaPlane& plane) {
  std::vector<LumaRectangle> parts;
  Peeler peeler(plane);
  for (const double share : {kBorderShare, kBarShare}) {
    const LumaRectangle before = peeler.Rectangle();
    peeler.Peel(share);
    if (!peeler.EnoughLeft()) break;
    const LumaRectangle part = peeler.Rectangle();
    const bool smaller =
        part.left > before.left || part.top > before.top || part.right < before.right || part.bottom < before.bottom;
    if (peeler.TookOff() && smaller) parts.push_back(part);
  }
  return parts;
}

}  // namespace spanwatch::image
