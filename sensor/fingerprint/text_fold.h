// Folding of characters: what stands for each in folded text, and so in a plate or a value (K0 of design.md section 5).
// Enrolment and detection both fold, by the one table that make_text_fold.py makes of Unicode's data.
//
// Wide, small, circled, mathematical and accented forms of a Latin letter, and Cyrillic and Greek letters that look
// like one, count as it; digits of every script as digits; spaces, bullets and hyphens of every kind as a space or a
// hyphen; invisible characters and marks on letters as nothing. Any other letter, of whatever script, becomes one of 64
// bytes beyond ASCII: few enough for a plate to stay one byte a character, and more than the 26 that the space of
// plates reckons with (PlateSpace). Pure functions; safe from any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace spanwatch::fingerprint {

inline constexpr char kFoldOther = '\0';      // no part of a plate
inline constexpr char kFoldNothing = '\x03';  // as if it were not there
inline constexpr std::uint8_t kFirstOtherLetter = 0xC0;

// A character beyond ASCII: kFoldOther, kFoldNothing, a space, a line end or another ASCII mark, 'A'..'Z', '0'..'9', or
// a letter of another script (kFirstOtherLetter and above). An ASCII character stays itself, but letters become
// capital.
char FoldCharacter(char32_t character) noexcept;
// The same, put behind `text`, which holds what was folded before: a Hangul vowel joins the consonant before it.
void AppendFolded(char32_t character, std::string& text);

inline bool IsOtherLetter(char folded) { return static_cast<std::uint8_t>(folded) >= kFirstOtherLetter; }
inline bool IsFoldedLetter(char folded) { return (folded >= 'A' && folded <= 'Z') || IsOtherLetter(folded); }
inline bool IsFoldedDigit(char folded) { return folded >= '0' && folded <= '9'; }
// What may stand between the groups of a plate.
inline bool IsFoldedSeparator(char folded) { return std::string_view(" -._+").contains(folded); }

}  // namespace spanwatch::fingerprint
