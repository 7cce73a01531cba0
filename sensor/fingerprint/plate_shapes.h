// Plate shapes: which pattern of letters and digits a plate has, how large the space of that pattern is, and whether
// Spanwatch's own table of North American shapes (plate_shapes.def) lists it. Used by enrolment, detection and masking.
//
// A shape number is stable for ever and needs no table: bit `length`, then one bit a character, first character
// highest, set for a letter. LLLNNNN is 0b1'1110000. Pure functions; safe from any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace spanwatch::fingerprint {

inline constexpr std::size_t kPlateMinimum = 3;
inline constexpr std::size_t kPlateMaximum = 8;
inline constexpr std::size_t kShortestInText = 5;  // outside of plate fields
inline constexpr std::size_t kShapeNumbers = std::size_t{2} << kPlateMaximum;

// The shape of a normalised plate (A-Z and 0-9 only), or nothing when it is too short, too long or has anything else.
std::optional<std::uint16_t> PlateShape(std::string_view normalised);
// The same from a pattern like "LLLNNNN".
std::optional<std::uint16_t> PlateShapeOfPattern(std::string_view pattern);

// How many plates have this shape: powers of 26 and 10, fewer letters where every issuer of the shape leaves some out.
double PlateSpace(std::uint16_t shape);
// The built-in table has this shape.
bool IsListedShape(std::uint16_t shape);
// kShortestInText characters or more, with a letter and a digit. Any other shape (short, all digits, all letters) is a
// word or a number of everyday text, and counts only as the value of a plate field.
bool CountsAnywhere(std::uint16_t shape);
std::size_t ShapeLength(std::uint16_t shape);

}  // namespace spanwatch::fingerprint
