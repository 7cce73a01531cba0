// Base64 (RFC 4648 sections 4 and 5, both alphabets), base32 (sections 6 and 7) and hex digits to bytes, as a stream,
// in whatever line structure and escaping (MIME lines, JSON and XML escapes, percent-encoding). One per run; no
// allocation.
#pragma once

#include <array>

#include "base/bytes.h"

namespace spanwatch::content {

enum class TextEncoding : std::uint8_t { kBase64, kHex, kBase32, kBase32Hex };

// What a character may be in encoded text.
struct CharacterClass {
  static constexpr std::uint8_t kStandard = 1;  // A-Z a-z 0-9 + /
  static constexpr std::uint8_t kUrl = 2;       // - _
  static constexpr std::uint8_t kHex = 4;
  static constexpr std::uint8_t kBreak = 8;    // CR LF
  static constexpr std::uint8_t kBlank = 16;   // space, tab, colon
  static constexpr std::uint8_t kEscape = 32;  // backslash, percent, ampersand
  static constexpr std::uint8_t kShared = 64;  // A-Z a-z 0-9: in both alphabets of base64
};
extern const std::array<std::uint8_t, 256> kCharacterClass;
extern const std::array<std::uint8_t, 256> kBase64Value;  // 0..63, else 255
extern const std::array<std::uint8_t, 256> kHexValue;     // 0..15, else 255
// 0..31, else 255; small letters too.
extern const std::array<std::uint8_t, 256> kBase32Value;
extern const std::array<std::uint8_t, 256> kBase32HexValue;

class TextDecoder {
 public:
  explicit TextDecoder(TextEncoding encoding, int skip = 0) : encoding_(encoding), skip_(skip) {}

  // Adds one significant character (of the alphabet); a finished byte goes to `out`, which has room. Returns bytes
  // made, 0..1.
  std::size_t Add(std::uint8_t character, std::uint8_t* out) {
    if (skip_ > 0) {
      --skip_;
      return 0;
    }
    switch (encoding_) {
      case TextEncoding::kHex:
        bits_ = bits_ << 4 | kHexValue[character];
        count_ += 4;
        break;
      case TextEncoding::kBase64:
        bits_ = bits_ << 6 | kBase64Value[character];
        count_ += 6;
        break;
      case TextEncoding::kBase32:
      case TextEncoding::kBase32Hex:
        bits_ = bits_ << 5 | (encoding_ == TextEncoding::kBase32 ? kBase32Value : kBase32HexValue)[character];
        count_ += 5;
        break;
    }
    if (count_ < 8) return 0;
    count_ -= 8;
    *out = static_cast<std::uint8_t>(bits_ >> count_);
    bits_ &= (1u << count_) - 1;
    return 1;
  }
  // True between whole groups, when four base64 characters at once may be decoded.
  bool aligned() const { return count_ == 0 && skip_ == 0; }

 private:
  TextEncoding encoding_;
  int skip_;
  std::uint32_t bits_ = 0;
  int count_ = 0;
};

// Decodes whole groups of four base64 characters while nothing else comes; returns characters taken.
std::size_t DecodeGroups(ByteView text, MutableByteView out);

}  // namespace spanwatch::content
