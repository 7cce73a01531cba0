#include "fingerprint/plate_shapes.h"

#include <array>
#include <bit>
#include <cmath>

#include "fingerprint/text_fold.h"

namespace spanwatch::fingerprint {
namespace {

constexpr std::uint16_t NumberOf(std::string_view pattern) {
  std::uint16_t number = 1;
  for (const char c : pattern) number = static_cast<std::uint16_t>(number << 1 | (c == 'L' ? 1 : 0));
  return number;
}

// Letters in use for each listed shape; 0 where the table has none.
constexpr auto kListed = [] {
  std::array<std::uint8_t, kShapeNumbers> listed{};
#define PLATE_SHAPE(pattern, letters) listed[NumberOf(#pattern)] = letters;
#include "fingerprint/plate_shapes.def"
#undef PLATE_SHAPE
  return listed;
}();

}  // namespace

std::optional<std::uint16_t> PlateShape(std::string_view normalised) {
  if (normalised.size() < kPlateMinimum || normalised.size() > kPlateMaximum) return std::nullopt;
  std::uint16_t number = 1;
  for (const char c : normalised) {
    const bool letter = IsFoldedLetter(c);
    if (!letter && !IsFoldedDigit(c)) return std::nullopt;
    number = static_cast<std::uint16_t>(number << 1 | (letter ? 1 : 0));
  }
  return number;
}

std::optional<std::uint16_t> PlateShapeOfPattern(std::string_view pattern) {
  if (pattern.size() < kPlateMinimum || pattern.size() > kPlateMaximum) return std::nullopt;
  if (pattern.find_first_not_of("LN") != std::string_view::npos) return std::nullopt;
  return NumberOf(pattern);
}

std::size_t ShapeLength(std::uint16_t shape) {
  return shape == 0 ? 0 : static_cast<std::size_t>(std::bit_width(shape)) - 1;
}

double PlateSpace(std::uint16_t shape) {
  const std::size_t length = ShapeLength(shape);
  const auto letters = static_cast<std::size_t>(std::popcount(shape)) - (shape == 0 ? 0 : 1);
  const double alphabet = shape < kListed.size() && kListed[shape] != 0 ? kListed[shape] : 26;
  return std::pow(alphabet, static_cast<double>(letters)) * std::pow(10.0, static_cast<double>(length - letters));
}

bool IsListedShape(std::uint16_t shape) { return shape < kListed.size() && kListed[shape] != 0; }

bool CountsAnywhere(std::uint16_t shape) {
  const std::size_t length = ShapeLength(shape);
  const auto letters = static_cast<std::size_t>(std::popcount(shape)) - 1;
  return length >= kShortestInText && length <= kPlateMaximum && letters > 0 && letters < length;
}

}  // namespace spanwatch::fingerprint
