#include "fingerprint/lpr_picture_name.h"

#include <algorithm>
#include <charconv>

#include "base/ascii.h"
#include "fingerprint/plate_shapes.h"

namespace spanwatch::fingerprint {
namespace {

constexpr std::size_t kWordsLooked = 16;
constexpr std::size_t kDateDigits = 8;
constexpr std::size_t kTimeDigits = 6;

bool InRange(std::string_view digits, int least, int most) {
  int value = -1;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value >= least && value <= most;
}

// yyyyMMdd
bool IsDate(std::string_view word) {
  return word.size() >= kDateDigits && std::ranges::all_of(word, IsDigit) && InRange(word.substr(0, 4), 1990, 2099) &&
         InRange(word.substr(4, 2), 1, 12) && InRange(word.substr(6, 2), 1, 31);
}

// hhmmss, perhaps with parts of a second
bool IsTime(std::string_view word) {
  return word.size() >= kTimeDigits && word.size() <= kTimeDigits + 3 && std::ranges::all_of(word, IsDigit) &&
         InRange(word.substr(0, 2), 0, 23) && InRange(word.substr(2, 2), 0, 59) && InRange(word.substr(4, 2), 0, 60);
}

// `word` as a plate; 0 when it could not be one. REQUIRES: letters and digits only
PlateWord PlateOf(std::string_view word) {
  if (word.empty() || word.size() > kPlateMaximum) return 0;
  const PlateWord plate = UpperWord(ToPlateWord(word));
  const std::uint16_t shape = ShapeOfWord(plate, word.size());
  return IsListedShape(shape) && CountsAnywhere(shape) ? plate : 0;
}

}  // namespace

LprPictureName ReadLprPictureName(std::string_view stem) {
  LprPictureName name;
  std::string_view before;
  for (std::size_t words = 0; words < kWordsLooked && !stem.empty(); ++words) {
    const auto end = std::ranges::find_if_not(stem, IsLetterOrDigit);
    const std::string_view word = stem.substr(0, static_cast<std::size_t>(end - stem.begin()));
    const bool together = word.size() > kDateDigits && IsDate(word) && IsTime(word.substr(kDateDigits));
    if (together || (before.size() == kDateDigits && IsDate(before) && IsTime(word))) {
      name.dated = true;
    } else if (const PlateWord plate = PlateOf(word); plate != 0) {
      name.plate = plate;
    }
    before = word;
    stem.remove_prefix(std::min(word.size() + 1, stem.size()));
  }
  return name;
}

}  // namespace spanwatch::fingerprint
