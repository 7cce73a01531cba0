// DecodeUtf8: one character of text that may be anything. Called by whatever looks at text of the wire character by
// character, and by Printable. AppendUtf8: the way back. Pure; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace spanwatch {

struct Utf8Character {
  char32_t character = 0;  // U+FFFD when the bytes are not UTF-8; then length is 1
  std::size_t length = 0;
};

// The character at `position`. More than RFC 3629 allows is taken, as lenient readers do: halves of surrogate pairs,
// and three or four bytes where fewer would do. REQUIRES: position < text.size()
Utf8Character DecodeUtf8(std::string_view text, std::size_t position) noexcept;
// U+FFFD for what no character can be: beyond U+10FFFF.
void AppendUtf8(char32_t character, std::string& text);

}  // namespace spanwatch
