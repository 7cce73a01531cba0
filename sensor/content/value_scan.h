// FindLongWord: where in a text the next word begins that is long enough to be an encoded value, as fast as memory
// allows (AVX2). Pure functions.
#pragma once

#include "base/bytes.h"

namespace spanwatch::content {

// Letters and digits in a row that an encoded value has at least: the base64 of seven characters.
inline constexpr std::size_t kLongWordBytes = 10;

// The first offset from `from` on at which kLongWordBytes letters and digits begin; where it stopped when there is
// none: behind that fewer are left.
std::size_t FindLongWord(ByteView bytes, std::size_t from);
// The same byte by byte; the one must agree with the other.
std::size_t FindLongWordPlain(ByteView bytes, std::size_t from);

}  // namespace spanwatch::content
