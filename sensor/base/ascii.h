// ASCII text, whatever the locale: what parsers of protocols, files and configuration ask of characters. Pure.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace spanwatch {

constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }
constexpr char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
constexpr bool IsLetter(char c) { return Lower(c) >= 'a' && Lower(c) <= 'z'; }
constexpr bool IsLetterOrDigit(char c) { return IsLetter(c) || IsDigit(c); }

inline std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = Lower(c);
  return lower;
}
inline bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return Lower(x) == Lower(y); });
}
// Without what `blank` lists at both ends.
constexpr std::string_view Trim(std::string_view text, std::string_view blank = " \t\r\n") {
  const std::size_t first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

}  // namespace spanwatch
