// Lower-case hexadecimal of bytes and back.
#pragma once

#include <optional>
#include <string>

#include "base/bytes.h"

namespace spanwatch {

// -1 when it is none; either case.
int HexDigit(char digit);
std::string ToHex(ByteView bytes);
// Either case; nothing when a character is not a digit or the length is odd.
std::optional<Bytes> FromHex(std::string_view text);

}  // namespace spanwatch
