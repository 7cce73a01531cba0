// A block of 64 bytes of a stream and what each byte of it is: what TextFilter judges by.
#pragma once

#include <cstddef>
#include <cstdint>

namespace spanwatch::fingerprint {

inline constexpr std::size_t kTextBlock = 64;

// One bit a byte, the first lowest.
struct BlockMasks {
  std::uint64_t word = 0;          // letter, digit or separator, in ASCII
  std::uint64_t lead = 0;          // may begin a look-alike or a separator in UTF-8
  std::uint64_t continuation = 0;  // 0x80..0xBF
  std::uint64_t high = 0;          // 0x80..0xFF
  std::uint64_t nul = 0;
  std::uint64_t control = 0;  // no text has it: below space but for TAB, LF and CR; DEL
  std::uint64_t escape = 0;   // may begin what TextDecoder decodes: \ & % or a byte beyond ASCII
  friend bool operator==(const BlockMasks&, const BlockMasks&) = default;
};

}  // namespace spanwatch::fingerprint
