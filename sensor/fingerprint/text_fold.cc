#include "fingerprint/text_fold.h"

#include <algorithm>
#include <vector>

#include "fingerprint/text_decoder.h"

namespace spanwatch::fingerprint {
namespace {

struct FoldRange {
  char32_t first;
  char32_t last;
  char32_t target;
  char32_t step;
};
constexpr FoldRange kRanges[] = {
#include "fingerprint/text_fold.inc"
};
static_assert(std::ranges::is_sorted(kRanges, {}, &FoldRange::first));

// Hangul syllables (Unicode, section 3.12): of 19 consonants, 21 vowels and 28 endings, which do not count.
constexpr char32_t kSyllables = 0xAC00, kLastSyllable = 0xD7A3, kConsonants = 0x1100, kVowels = 0x1161;
constexpr char32_t kConsonantCount = 19, kVowelCount = 21, kEndingCount = 28;

constexpr char OtherLetter(char32_t letter) {
  constexpr std::uint32_t kSpread = 0x9E3779B1;  // Fibonacci hashing
  // A consonant of Hangul stands for itself, so that a vowel behind it can still be joined.
  if (letter - kConsonants < kConsonantCount) return static_cast<char>(kFirstOtherLetter + letter - kConsonants);
  return static_cast<char>(kFirstOtherLetter | (static_cast<std::uint32_t>(letter) * kSpread >> 26));
}

char FoldBySearch(char32_t character) {
  if (character >= kSyllables && character <= kLastSyllable) {
    return OtherLetter(character - (character - kSyllables) % kEndingCount);
  }
  const auto* const after = std::ranges::upper_bound(kRanges, character, {}, &FoldRange::first);
  if (after == std::begin(kRanges) || character > (after - 1)->last) return kFoldOther;
  const FoldRange& range = *(after - 1);
  const char32_t target = range.target + (character - range.first) * range.step;
  return target < 0x80 ? static_cast<char>(target) : OtherLetter(target);
}

constexpr char32_t kPlane = 0x10000;  // nearly all text: looked up, not searched

const std::vector<char>& FirstPlane() {
  static const std::vector<char> folded = [] {
    std::vector<char> all(kPlane, kFoldOther);
    for (char32_t c = 0x80; c < kPlane; ++c) all[c] = FoldBySearch(c);
    return all;
  }();
  return folded;
}

}  // namespace

char FoldCharacter(char32_t c) noexcept {
  if (c >= 'a' && c <= 'z') return static_cast<char>(c - 'a' + 'A');
  if (c < 0x80) return static_cast<char>(c);
  return c < kPlane ? FirstPlane()[c] : FoldBySearch(c);
}

void AppendFolded(char32_t character, std::string& text) {
  const char32_t vowel = character - kVowels;
  if (vowel < kVowelCount && !text.empty()) {
    const char32_t consonant = static_cast<std::uint8_t>(text.back()) - char32_t{kFirstOtherLetter};
    if (consonant < kConsonantCount) {
      text.back() = OtherLetter(kSyllables + (consonant * kVowelCount + vowel) * kEndingCount);
    }
    return;
  }
  const char folded = FoldCharacter(character);
  if (folded == kFoldNothing) return;
  text += folded == kFoldOther ? kTextOther : folded;
}

}  // namespace spanwatch::fingerprint
