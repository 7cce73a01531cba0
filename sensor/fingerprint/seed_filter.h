// SeedFilter: which seeds of a text (text_masks.h) lie in what may be a token of a wanted shape. Most text has letters
// beside digits that no register could mean: versions, times, identifiers. TextTokeniser walks over what is left.
//
// All positions of a window are judged at once: single separators are taken out of its masks, and each shape asks for
// digits at its distances. It may keep too many seeds (looser about separators and first characters than the
// tokeniser), never too few. Filled, then read by any thread.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "fingerprint/plate_shapes.h"
#include "fingerprint/text_masks.h"

namespace spanwatch::fingerprint {

class SeedFilter {
 public:
  static constexpr std::size_t kSeeds = 32;  // positions judged by one call

  // Whether this processor gathers bits in one step (BMI2, but for those of AMD that take hundreds of cycles).
  static bool IsFast() noexcept;

  // Tokens whose letters are where those of `shape` are, or fewer (WantedShapes). REQUIRES: kShortestInText characters
  void Add(std::uint16_t shape);
  // The seeds among the kSeeds characters from `position` on that are kept, one bit each. REQUIRES: IsFast()
  std::uint64_t Kept(const TextMasks& masks, std::size_t position) const noexcept;

 private:
  // For each length the positions that must have digits, one bit each, the first lowest; none has all of another.
  std::array<std::vector<std::uint8_t>, kPlateMaximum + 1> digits_;
};

}  // namespace spanwatch::fingerprint
