// FindMagic, FindPair: where a file of a kind that is carved may begin, as fast as memory allows (AVX2). Pure
// functions.
#pragma once

#include "base/bytes.h"
#include "content/file_magic.h"

namespace spanwatch::content {

// The first offset from `from` on whose two or three bytes begin the magic of a carved kind; the size when there is
// none. A last byte or two that may begin one count.
std::size_t FindMagic(ByteView bytes, std::size_t from);
// The same byte by byte; the one must agree with the other.
std::size_t FindMagicPlain(ByteView bytes, std::size_t from);
// The first offset from `from` on of this pair of bytes; a last byte that may begin it counts.
std::size_t FindPair(ByteView bytes, std::size_t from, std::uint8_t first, std::uint8_t second);

}  // namespace spanwatch::content
