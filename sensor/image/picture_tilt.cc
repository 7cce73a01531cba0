#include "image/picture_tilt.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numbers>
#include <utility>

namespace spanwatch::image {
namespace {

constexpr int kToneNear = 14;                    // levels within which a sample is fill, an encoder's ringing included
constexpr double kTiltMin = 0.5, kTiltMax = 10;  // degrees
constexpr double kTiltsAgree = 1.0;              // degrees between two sides
constexpr double kOffLine = 1.2;                 // samples by which the depth of fill may differ from the line
constexpr double kOnLine = 0.8;                  // of the depths
constexpr std::size_t kDepthsMin = 8;            // fewer prove no line
constexpr std::size_t kDepthsPart = 6;           // of a side one place in so many at least

// How many samples of fill stand from one side on, place by place along it; the side is walked so that the fill begins
// at its first place.
using FillDepths = std::vector<std::uint32_t>;

class FilledCorners {
 public:
  explicit FilledCorners(const LumaPlane& plane) : plane_(plane) {}

  // The tone of the corners, where it is one.
  std::optional<std::uint8_t> Tone() const {
    const std::size_t right = plane_.width - 1, below = std::size_t{plane_.height - 1} * plane_.width;
    const std::uint8_t corners[] = {plane_.samples[0], plane_.samples[right], plane_.samples[below],
                                    plane_.samples[below + right]};
    const auto [low, high] = std::ranges::minmax(corners);
    if (high - low > kToneNear) return std::nullopt;
    return static_cast<std::uint8_t>((low + high + 1) / 2);
  }

  // In degrees, clockwise; nothing where no two opposite sides tell the same.
  std::optional<double> Tilt(std::uint8_t tone) const {
    for (const bool clockwise : {true, false}) {
      double sum = 0, pairs = 0;
      for (const auto& [side, opposite] :
           {std::pair(Side::kTop, Side::kBottom), std::pair(Side::kLeft, Side::kRight)}) {
        const auto one = TiltOf(DepthsFrom(side, clockwise, tone));
        const auto other = one ? TiltOf(DepthsFrom(opposite, clockwise, tone)) : std::nullopt;
        if (!other || std::abs(*one - *other) > kTiltsAgree) continue;
        // A long side tells it better.
        const double weight = side == Side::kTop ? plane_.width : plane_.height;
        sum += weight * (*one + *other) / 2;
        pairs += weight;
      }
      if (pairs == 0) continue;
      const double tilt = sum / pairs;
      if (tilt >= kTiltMin && tilt <= kTiltMax) return clockwise ? tilt : -tilt;
    }
    return std::nullopt;
  }

 private:
  enum class Side : std::uint8_t { kTop, kRight, kBottom, kLeft };

  // Turned clockwise, the upper side's fill begins at its right end, the right side's at its lower end, and so on.
  FillDepths DepthsFrom(Side side, bool clockwise, std::uint8_t tone) const {
    const bool level = side == Side::kTop || side == Side::kBottom;
    const std::uint32_t along = level ? plane_.width : plane_.height;
    const std::uint32_t across = level ? plane_.height : plane_.width;
    const bool far = side == Side::kBottom || side == Side::kRight;
    const bool from_end = (side == Side::kTop || side == Side::kRight) == clockwise;
    FillDepths depths(along);
    for (std::uint32_t i = 0; i < along; ++i) {
      const std::uint32_t place = from_end ? along - 1 - i : i;
      while (depths[i] < across / 2) {
        const std::uint32_t deep = far ? across - 1 - depths[i] : depths[i];
        const std::uint8_t sample = level ? plane_.samples[std::size_t{deep} * plane_.width + place]
                                          : plane_.samples[std::size_t{place} * plane_.width + deep];
        if (std::abs(sample - tone) > kToneNear) break;
        ++depths[i];
      }
    }
    return depths;
  }

  // By the line that the depths lie on, from the corner to where there is none.
  static std::optional<double> TiltOf(const FillDepths& depths) {
    const auto end = std::ranges::find(depths, 0u);
    const auto count = static_cast<std::size_t>(end - depths.begin());
    // At the corner itself the next side's fill lies over this one's.
    const std::size_t first = count / 8 + 1;
    if (count < first + kDepthsMin || count * kDepthsPart < depths.size()) return std::nullopt;
    double sum_x = 0, sum_y = 0, sum_xx = 0, sum_xy = 0;
    const auto n = static_cast<double>(count - first);
    for (std::size_t i = first; i < count; ++i) {
      const auto x = static_cast<double>(i), y = static_cast<double>(depths[i]);
      sum_x += x;
      sum_y += y;
      sum_xx += x * x;
      sum_xy += x * y;
    }
    const double slope = (n * sum_xy - sum_x * sum_y) / (n * sum_xx - sum_x * sum_x);
    const double start = (sum_y - slope * sum_x) / n;
    std::size_t on_line = 0;
    for (std::size_t i = first; i < count; ++i) {
      on_line += std::abs(start + slope * static_cast<double>(i) - depths[i]) <= kOffLine;
    }
    if (slope >= 0 || static_cast<double>(on_line) < kOnLine * n) return std::nullopt;
    return std::atan(-slope) * 180 / std::numbers::pi;
  }

  const LumaPlane& plane_;
};

// What comes in from outside is the nearest sample.
LumaPlane TurnedBack(const LumaPlane& plane, double degrees) {
  LumaPlane turned = plane;
  const double angle = degrees * std::numbers::pi / 180;
  const double cosine = std::cos(angle), sine = std::sin(angle);
  const double middle_x = (plane.width - 1) / 2.0, middle_y = (plane.height - 1) / 2.0;
  for (std::uint32_t y = 0; y < plane.height; ++y) {
    std::uint8_t* out = turned.samples.data() + std::size_t{y} * plane.width;
    for (std::uint32_t x = 0; x < plane.width; ++x) {
      const double from_x =
          std::clamp(middle_x + (x - middle_x) * cosine - (y - middle_y) * sine, 0.0, plane.width - 1.001);
      const double from_y =
          std::clamp(middle_y + (x - middle_x) * sine + (y - middle_y) * cosine, 0.0, plane.height - 1.001);
      const auto left = static_cast<std::uint32_t>(from_x), top = static_cast<std::uint32_t>(from_y);
      const double u = from_x - left, v = from_y - top;
      const std::uint8_t* upper = plane.samples.data() + std::size_t{top} * plane.width + left;
      const std::uint8_t* lower = upper + plane.width;
      out[x] = static_cast<std::uint8_t>((upper[0] * (1 - u) + upper[1] * u) * (1 - v) +
                                         (lower[0] * (1 - u) + lower[1] * u) * v + 0.5);
    }
  }
  return turned;
}

}  // namespace

std::optional<LumaPlane> Levelled(const LumaPlane& plane) {
  constexpr std::uint32_t kSideMin = 64;
  if (plane.width < kSideMin || plane.height < kSideMin) return std::nullopt;
  const FilledCorners corners(plane);
  const auto tone = corners.Tone();
  if (!tone) return std::nullopt;
  const auto tilt = corners.Tilt(*tone);
  if (!tilt) return std::nullopt;
  return TurnedBack(plane, *tilt);
}

}  // namespace spanwatch::image
