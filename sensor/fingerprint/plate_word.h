// PlateWord: a normalised plate as a fixed value, up to 8 characters, first character in the lowest byte, zero after
// the last. Two are equal when the plates are. What the scan of text and the tagger work with; all of it in registers.
// Pure functions; safe from any thread.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace spanwatch::fingerprint {

using PlateWord = std::uint64_t;

// REQUIRES: at most 8 characters
inline PlateWord ToPlateWord(std::string_view normalised) {
  PlateWord word = 0;
  std::memcpy(&word, normalised.data(), std::min(normalised.size(), sizeof word));
  return word;
}

inline std::size_t PlateWordLength(PlateWord word) { return (static_cast<std::size_t>(std::bit_width(word)) + 7) / 8; }

// 0x01 in each byte of `word` that is `character`.
inline std::uint64_t BytesThatAre(PlateWord word, char character) {
  constexpr std::uint64_t kEach = 0x0101010101010101;
  constexpr std::uint64_t kLow = 0x7F7F7F7F7F7F7F7F;
  const std::uint64_t other = word ^ static_cast<std::uint8_t>(character) * kEach;
  return ~(((other & kLow) + kLow) | other | kLow) >> 7;
}

// K1: O and Q as 0, I as 1.
inline PlateWord FoldWord(PlateWord word) {
  return word ^ BytesThatAre(word, 'O') * ('O' ^ '0') ^ BytesThatAre(word, 'Q') * ('Q' ^ '0') ^
         BytesThatAre(word, 'I') * ('I' ^ '1');
}

// Latin letters to upper case; those of other scripts (text_fold.h) have their highest bit set. REQUIRES: letters and
// digits only
inline PlateWord UpperWord(PlateWord word) { return word & ~((word & ~(word >> 1) & 0x4040404040404040) >> 1); }

// One bit a character, the first highest of `length`: set for a letter.
inline unsigned LettersOf(PlateWord word, std::size_t length) {
  const std::uint64_t letters = word >> 6 & 0x0101010101010101;
  return static_cast<unsigned>(letters * 0x8040201008040201 >> 56) >> (8 - length);
}

// `word` with zeros for its digits.
inline PlateWord LettersAlone(PlateWord word) { return word & (word >> 6 & 0x0101010101010101) * 0xFF; }

// The shape number of plate_shapes.h.
inline std::uint16_t ShapeOfWord(PlateWord word, std::size_t length) {
  return static_cast<std::uint16_t>(1u << length | LettersOf(word, length));
}

}  // namespace spanwatch::fingerprint
