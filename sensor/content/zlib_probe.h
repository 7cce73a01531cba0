// MayBeZlib, InflatesAsZlib: whether a zlib stream (RFC 1950) begins somewhere. Its two bytes of header come up by
// chance once in 16 KiB of noise, so whoever looks for one asks the cheap question first and the dear one after it.
// Pure functions.
#pragma once

#include "base/bytes.h"

namespace spanwatch::content {

// Whether these bytes begin with a zlib header (RFC 1950 section 2.2).
inline bool IsZlibHeader(std::uint8_t first, std::uint8_t second) {
  return (first & 0x0f) == 8 && first >> 4 <= 7 && (first << 8 | second) % 31 == 0 && (second & 0x20) == 0;
}

// So many bytes tell for good: more than the tables of a block that a compressor writes take.
inline constexpr std::size_t kZlibHeadBytes = 256;
// So many suffice for MayBeZlib.
inline constexpr std::size_t kZlibGlanceBytes = 64;

// False for nearly all that only begins like zlib: looks at the first blocks (RFC 1951 section 3.2), makes no tables.
// It costs some ten nanoseconds.
bool MayBeZlib(ByteView head);

// Whether the first kZlibHeadBytes inflate, and to something. Costs some ten microseconds.
bool InflatesAsZlib(ByteView head);

}  // namespace spanwatch::content
