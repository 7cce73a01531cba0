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

inline bool IsFoldedLetter(char folded) { return folded >= 'A' && folded <= 'Z'; }
inline bool IsFoldedDigit(char folded) { return folded >= '0' && folded <= '9'; }

}  // namespace spanwatch::fingerprint
