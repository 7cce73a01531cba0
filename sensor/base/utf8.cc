#include "base/utf8.h"

#include <cstdint>

namespace spanwatch {

Utf8Character DecodeUtf8(std::string_view text, std::size_t position) noexcept {
  const auto byte = [&](std::size_t i) -> char32_t {
    return position + i < text.size() ? static_cast<std::uint8_t>(text[position + i]) : 0;
  };
  const auto continues = [&](std::size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const char32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  if (lead >= 0xC2 && lead <= 0xDF && continues(1)) return {(lead & 0x1F) << 6 | (byte(1) & 0x3F), 2};
  if (lead >= 0xE0 && lead <= 0xEF && continues(1) && continues(2)) {
    return {(lead & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F), 3};
  }
  if (lead >= 0xF0 && lead <= 0xF4 && continues(1) && continues(2) && continues(3)) {
    return {(lead & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F), 4};
  }
  return {0xFFFD, 1};
}

void AppendUtf8(char32_t character, std::string& text) {
  const auto byte = [](char32_t bits) { return static_cast<char>(bits); };
  const auto six = [&](int shift) { return byte(0x80 | (character >> shift & 0x3F)); };
  if (character > 0x10FFFF) character = 0xFFFD;
  if (character < 0x80) {
    text += byte(character);
  } else if (character < 0x800) {
    text += {byte(0xC0 | character >> 6), six(0)};
  } else if (character < 0x10000) {
    text += {byte(0xE0 | character >> 12), six(6), six(0)};
  } else {
    text += {byte(0xF0 | character >> 18), six(12), six(6), six(0)};
  }
}

}  // namespace spanwatch
