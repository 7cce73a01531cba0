// Escapes: the character that is meant by \u0041, &#65;, &nbsp;, %E2%80%93 and their like. Part of TextDecoder. Pure;
// any thread.
//
// Read are, with what follows each as far as it belongs to it:
//   \u0041, \u{2013}, \U0001D400, \xE2\x80\x93 of JSON, JavaScript, Python and logs; \/ \- \_ \. of JSON and Markdown
//   \'96, \u8211?, \~ of RTF (1.9.1)
//   &#65; &#x41; and the named references of HTML for spaces, hyphens, bullets, quotes, invisible characters and
//   accented letters (HTML Living Standard, 13.5), also escaped once more (&amp;nbsp;)
//   %20, %E2%80%93 of URLs (RFC 3986), also escaped once more (%2520); %u2013 of JavaScript's escape()
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace spanwatch::fingerprint {

inline constexpr std::size_t kLongestEscape = 40;

// Appends what the escape at the beginning of `rest` stands for to `text`, folded where it is beyond ASCII, and returns
// its length; appends the first byte as it is when there is no escape. 0 when more must come first, which is never when
// `final` or when kLongestEscape bytes are there. REQUIRES: rest begins with \ & or %
std::size_t AppendEscaped(std::string_view rest, bool final, std::string& text);
// A byte that is no UTF-8, as Windows-1252 has it where it stands alone among ASCII.
void AppendStray(std::uint8_t byte, bool alone, std::string& text);

}  // namespace spanwatch::fingerprint
