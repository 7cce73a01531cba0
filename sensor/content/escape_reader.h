// EscapeReader: takes escapes off text, whatever they are and however deep: backslashes of JSON, JavaScript, C and SQL
// (a string inside a string has more of them), percent-encoding (RFC 3986 section 2.1, also of `%` itself), character
// references of HTML and XML, and these inside one another. Used where text is read character by character; a small
// state machine over a stream in any split, no allocation. Inspector thread only.
#pragma once

#include "base/bytes.h"

namespace spanwatch::content {

class EscapeReader {
 public:
  enum class Step : std::uint8_t { kMore, kCharacter, kWrong };

  static bool Begins(std::uint8_t byte) { return byte == '\\' || byte == '%' || byte == '&'; }
  // Takes one byte. kCharacter: character() is what it, or the escape that it ends, stands for; a backslash before a
  // line break stands for the line break. kWrong: this was no escape, or none of a 7-bit character.
  Step Add(std::uint8_t byte);
  std::uint8_t character() const { return character_; }
  bool inside() const { return depth_ > 0; }

 private:
  struct Frame {
    std::uint8_t kind = 0;  // the byte that began it; 'u' and 'x': so many digits follow a backslash or a percent sign
    std::uint8_t size = 0;
    char text[8] = {};
  };
  static int Resolve(Frame& frame);

  static constexpr std::size_t kDepth = 4;
  Frame frames_[kDepth];
  std::size_t depth_ = 0;
  std::uint8_t character_ = 0;
};

}  // namespace spanwatch::content
