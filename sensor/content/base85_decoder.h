// Base85: five characters for four bytes, in the three alphabets that are met: Adobe's (ASCII85; also btoa), the one of
// RFC 1924 (`git diff --binary`, Python's b85encode) and Z85 (ZeroMQ RFC 32). A stream in any split; no allocation.
#pragma once

#include <array>

#include "base/bytes.h"

namespace spanwatch::content {

enum class Base85 : std::uint8_t { kAscii85, kRfc1924, kZ85 };
inline constexpr std::size_t kBase85Alphabets = 3;

// 0..84; else 255.
extern const std::array<std::array<std::uint8_t, 256>, kBase85Alphabets> kBase85Value;
inline std::uint8_t Base85Value(Base85 alphabet, std::uint8_t c) {
  return kBase85Value[static_cast<std::size_t>(alphabet)][c];
}

class Base85Decoder {
 public:
  static constexpr std::size_t kMostMade = 4;  // of one character

  explicit Base85Decoder(Base85 alphabet) : alphabet_(alphabet) {}

  // Adds one character of the alphabet, or a `z` (four zeros) or `y` (four blanks) of ASCII85; what it makes goes to
  // `out`, which has room. Returns bytes made.
  std::size_t Add(std::uint8_t character, std::uint8_t* out);
  // What is left of an incomplete group.
  std::size_t End(std::uint8_t* out);
  // A group stood for more than 32 bits, or an abbreviation inside one.
  bool wrong() const { return wrong_; }

 private:
  Base85 alphabet_;
  std::uint64_t value_ = 0;
  int count_ = 0;
  bool wrong_ = false;
};

}  // namespace spanwatch::content
