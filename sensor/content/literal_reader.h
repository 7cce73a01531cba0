// LiteralReader: the bytes of a file that stands as a string literal with escapes. Dumps of MySQL (`_binary '...'`),
// Python (`b'\xff\xd8'`), C, PostgreSQL's escape format (`\377\330`), JSON and JavaScript (`\u00ff`, and UTF-8 of
// U+0080 to U+00FF), and percent-encoded bytes (`%FF%D8`). Found by the file's magic (BeginsFile), since text with
// escapes is nothing unusual. A state machine over a stream in any split; no allocation. Inspector thread only.
#pragma once

#include "base/bytes.h"

namespace spanwatch::content {

class LiteralReader {
 public:
  // What one byte makes at most: an escape that was none comes as it stands.
  static constexpr std::size_t kMostMade = 16;

  // `before`: the byte in front of the literal; a quote ends it. `text`: its first bytes, from which the kind of
  // escapes is taken.
  LiteralReader(std::uint8_t before, ByteView text);
  // Appends what `byte` makes to `out`, which has room for kMostMade; false when it ended the literal.
  bool Add(std::uint8_t byte, std::uint8_t* out, std::size_t& made);

  // So many bytes of a literal tell whether it is a file's.
  static constexpr std::size_t kHeadBytes = 192;
  // Whether the literal holds escapes and, without them, begins with a file of a kind that is carved.
  static bool BeginsFile(std::uint8_t before, ByteView text);

 private:
  bool Escape(std::uint8_t byte, std::uint8_t* out, std::size_t& made);
  bool Digits(std::uint8_t byte, std::uint8_t* out, std::size_t& made);
  void Emit(std::uint8_t byte, std::uint8_t* out, std::size_t& made);

  enum class State : std::uint8_t { kText, kMarks, kDigits, kQuote };

  std::uint8_t mark_ = '\\';  // or '%'
  std::uint8_t quote_ = 0;    // that ends it; 0: white space and delimiters do
  bool octal_ = false;        // `\377`; otherwise `\0` is a zero and nothing more
  bool utf8_ = false;         // bytes from 0x80 on stand as UTF-8
  std::size_t depth_ = 1;     // marks of one escape: more in a string inside a string
  State state_ = State::kText;
  std::size_t marks_ = 0;
  std::uint8_t base_ = 16;
  std::size_t wanted_ = 0;  // digits still to come
  unsigned value_ = 0;
  std::uint8_t lead_ = 0;  // of two bytes of UTF-8
};

}  // namespace spanwatch::content
