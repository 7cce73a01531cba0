#include "fingerprint/lpr_file_names.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

#include "fingerprint/plate_shapes.h"

namespace spanwatch::fingerprint {
namespace {

constexpr std::size_t kWordsLooked = 16;
constexpr std::size_t kDateDigits = 8;
constexpr std::size_t kTimeDigits = 6;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

bool InRange(std::string_view digits, int least, int most) {
  int value = -1;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value >= least && value <= most;
}

// YYYYMMDD
bool IsDate(std::string_view word) {
  return word.size() >= kDateDigits && std::ranges::all_of(word, IsDigit) && InRange(word.substr(0, 4), 1990, 2099) &&
         InRange(word.substr(4, 2), 1, 12) && InRange(word.substr(6, 2), 1, 31);
}

// hhmmss, perhaps with parts of a second
bool IsTime(std::string_view word) {
  return word.size() >= kTimeDigits && word.size() <= kTimeDigits + 3 && std::ranges::all_of(word, IsDigit) &&
         InRange(word.substr(0, 2), 0, 23) && InRange(word.substr(2, 2), 0, 59) && InRange(word.substr(4, 2), 0, 60);
}

// The letters of a word that could be a plate, packed; nothing when it could not.
std::optional<std::uint64_t> LettersOfPlate(std::string_view word) {
  if (word.size() > kPlateMaximum) return std::nullopt;
  std::string upper;
  std::uint64_t letters = 0;
  for (const char c : word) {
    upper += IsLetter(c) ? static_cast<char>(c & ~0x20) : c;
    if (IsLetter(c)) letters = letters << 8 | static_cast<std::uint8_t>(upper.back());
  }
  const auto shape = PlateShape(upper);
  if (!shape || !CountsAnywhere(*shape) || !IsListedShape(*shape)) return std::nullopt;
  return letters;
}

struct Parts {
  bool dated = false;
  std::optional<std::uint64_t> letters;
};

Parts Read(std::string_view name) {
  if (const auto slash = name.find_last_of("/\\"); slash != std::string_view::npos) name.remove_prefix(slash + 1);
  if (const auto dot = name.rfind('.'); dot != std::string_view::npos) name = name.substr(0, dot);
  Parts parts;
  std::string_view before;
  for (std::size_t words = 0; words < kWordsLooked && !name.empty(); ++words) {
    const auto end = std::ranges::find_if_not(name, [](char c) { return IsDigit(c) || IsLetter(c); });
    const std::string_view word = name.substr(0, static_cast<std::size_t>(end - name.begin()));
    const bool together = word.size() > kDateDigits && IsDate(word) && IsTime(word.substr(kDateDigits));
    if (together || (before.size() == kDateDigits && IsDate(before) && IsTime(word))) {
      parts.dated = true;
    } else if (const auto letters = LettersOfPlate(word)) {
      parts.letters = letters;
    }
    before = word;
    name.remove_prefix(std::min(word.size() + 1, name.size()));
  }
  return parts;
}

}  // namespace

bool LprFileNames::Add(std::string_view name) noexcept {
  const Parts parts = Read(name);
  if (parts.dated) {
    ++dated_;
    if (parts.letters) {
      ++plates_;
      const auto known = letters_.begin() + static_cast<std::ptrdiff_t>(distinct_);
      if (distinct_ < kDistinct && std::find(letters_.begin(), known, *parts.letters) == known) {
        letters_[distinct_++] = *parts.letters;
      }
    }
  }
  return distinct_ == kDistinct && plates_ * 2 >= dated_;
}

}  // namespace spanwatch::fingerprint
