// Folding of characters: what stands for which Latin letter or digit in a plate or a value (K0 of design.md section 5).
//
// Full-width forms, and Cyrillic and Greek capitals and small letters that look like Latin capitals, count as those.
// Spaces, hyphens, dots, underscores and bullets of every kind are separators. Pure functions; safe from any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace spanwatch::fingerprint {

inline constexpr char kFoldSeparator = ' ';
inline constexpr char kFoldOther = '\0';

// 'A'..'Z', '0'..'9', kFoldSeparator or kFoldOther.
char FoldCharacter(char32_t character) noexcept;

struct Utf8Character {
  char32_t character = 0;  // U+FFFD when the bytes are not UTF-8; then length is 1
  std::size_t length = 0;
};

// The character at `position`. REQUIRES: position < text.size()
Utf8Character DecodeUtf8(std::string_view text, std::size_t position) noexcept;

inline bool IsFoldedLetter(char folded) { return folded >= 'A' && folded <= 'Z'; }
inline bool IsFoldedDigit(char folded) { return folded >= '0' && folded <= '9'; }

}  // namespace spanwatch::fingerprint
