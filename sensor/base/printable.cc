#include "base/printable.h"

#include <cstdint>

#include <fmt/format.h>

#include "base/utf8.h"

namespace spanwatch {
namespace {

// How many bytes RFC 3629 gives it.
std::size_t BytesOf(char32_t code) { return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4; }

bool IsHidden(char32_t code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x2028 || code == 0x2029 || code == 0x61C ||
         code == 0x200E || code == 0x200F || (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

}  // namespace

std::string Printable(std::string_view text) {
  std::string printable;
  printable.reserve(text.size());
  while (!text.empty()) {
    const auto [code, length] = DecodeUtf8(text, 0);
    const bool is_text = length == BytesOf(code) && (code < 0xD800 || code > 0xDFFF) && code <= 0x10FFFF;
    if (is_text && !IsHidden(code)) {
      printable += text.substr(0, length);
    } else {
      for (const char byte : text.substr(0, length))
        printable += fmt::format("\\x{:02x}", static_cast<std::uint8_t>(byte));
    }
    text.remove_prefix(length);
  }
  return printable;
}

}  // namespace spanwatch
