#include "content/text_decoder.h"

#include <algorithm>

namespace spanwatch::content {
namespace {

constexpr std::array<std::uint8_t, 256> MakeBase64Values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(255);
  for (int i = 0; i < 26; ++i) {
    values[static_cast<std::size_t>('A' + i)] = static_cast<std::uint8_t>(i);
    values[static_cast<std::size_t>('a' + i)] = static_cast<std::uint8_t>(26 + i);
  }
  for (int i = 0; i < 10; ++i) values[static_cast<std::size_t>('0' + i)] = static_cast<std::uint8_t>(52 + i);
  values['+'] = values['-'] = 62;
  values['/'] = values['_'] = 63;
  return values;
}

constexpr std::array<std::uint8_t, 256> MakeHexValues() {
  std::array<std::uint8_t, 256> values{};
  values.fill(255);
  for (int i = 0; i < 10; ++i) values[static_cast<std::size_t>('0' + i)] = static_cast<std::uint8_t>(i);
  for (int i = 0; i < 6; ++i) {
    values[static_cast<std::size_t>('a' + i)] = values[static_cast<std::size_t>('A' + i)] =
        static_cast<std::uint8_t>(10 + i);
  }
  return values;
}

// RFC 4648 section 6 begins with the letters, section 7 with the digits.
constexpr std::array<std::uint8_t, 256> MakeBase32Values(bool digits_first) {
  std::array<std::uint8_t, 256> values{};
  values.fill(255);
  for (int i = 0; i < (digits_first ? 22 : 26); ++i) {
    values[static_cast<std::size_t>('A' + i)] = values[static_cast<std::size_t>('a' + i)] =
        static_cast<std::uint8_t>(i + (digits_first ? 10 : 0));
  }
  for (int i = digits_first ? 0 : 2; i < (digits_first ? 10 : 8); ++i) {
    values[static_cast<std::size_t>('0' + i)] = static_cast<std::uint8_t>(digits_first ? i : 24 + i);
  }
  return values;
}

constexpr std::array<std::uint8_t, 256> MakeClasses() {
  std::array<std::uint8_t, 256> classes{};
  const auto base64 = MakeBase64Values();
  const auto hex = MakeHexValues();
  for (std::size_t c = 0; c < classes.size(); ++c) {
    if (c == '-' || c == '_') {
      classes[c] = CharacterClass::kUrl;
    } else if (base64[c] != 255) {
      classes[c] = CharacterClass::kStandard;
      if (c != '+' && c != '/') classes[c] |= CharacterClass::kShared;
    }
    if (hex[c] != 255) classes[c] |= CharacterClass::kHex;
  }
  classes['\r'] = classes['\n'] = CharacterClass::kBreak;
  classes[' '] = classes['\t'] = classes[':'] = CharacterClass::kBlank;
  classes['\\'] = classes['%'] = classes['&'] = CharacterClass::kEscape;
  return classes;
}

}  // namespace

constinit const std::array<std::uint8_t, 256> kBase32Value = MakeBase32Values(false);
constinit const std::array<std::uint8_t, 256> kBase32HexValue = MakeBase32Values(true);
constinit const std::array<std::uint8_t, 256> kCharacterClass = MakeClasses();
constinit const std::array<std::uint8_t, 256> kBase64Value = MakeBase64Values();
constinit const std::array<std::uint8_t, 256> kHexValue = MakeHexValues();

std::size_t DecodeGroups(ByteView text, MutableByteView out) {
  const std::size_t groups = std::min(text.size() / 4, out.size() / 3);
  const std::uint8_t* in = text.data();
  std::uint8_t* to = out.data();
  for (std::size_t i = 0; i < groups; ++i, in += 4, to += 3) {
    const std::uint32_t a = kBase64Value[in[0]], b = kBase64Value[in[1]], c = kBase64Value[in[2]],
                        d = kBase64Value[in[3]];
    if (((a | b | c | d) & 0xc0) != 0) return i * 4;
    const std::uint32_t bits = a << 18 | b << 12 | c << 6 | d;
    to[0] = static_cast<std::uint8_t>(bits >> 16);
    to[1] = static_cast<std::uint8_t>(bits >> 8);
    to[2] = static_cast<std::uint8_t>(bits);
  }
  return groups * 4;
}

}  // namespace spanwatch::content
