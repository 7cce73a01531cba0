// A run of base64 or hex inside text: where it begins (FindRun), and its characters with line breaks and escapes taken
// off (RunReader). State machines over a stream in any split; no allocation after construction. Inspector thread only.
#pragma once

#include <optional>

#include "content/text_decoder.h"

namespace spanwatch::content {

// Significant characters that a run of base64 needs to be opened; shorter ones are names, paths and tokens.
inline constexpr std::size_t kBase64RunMinimum = 64;
// Of hex digits: more than the longest usual digest (SHA-512, 128).
inline constexpr std::size_t kHexRunMinimum = 136;

// Takes a run apart: significant characters, line breaks, and the end.
class RunReader {
 public:
  enum class Token : std::uint8_t { kNothing, kCharacter, kLine, kEnd };

  RunReader(TextEncoding encoding, bool blanks) : encoding_(encoding), blanks_(blanks) {}
  Token Add(std::uint8_t byte);
  std::uint8_t character() const { return character_; }  // after kCharacter
  // Between escapes and not at the beginning of a line: bytes of the alphabet are characters.
  bool plain() const { return escape_size_ == 0 && line_ > 0; }
  void Skip(std::size_t characters) { line_ += characters; }
  bool hex() const { return encoding_ == TextEncoding::kHex; }
  // The first of + / - _ settles the alphabet; a character of the other one ends the run.
  bool TakesAlphabet(std::uint8_t byte);

 private:
  Token Character(std::uint8_t byte);
  Token Line();
  Token Escape(std::uint8_t byte);

  TextEncoding encoding_;
  bool blanks_;  // between digits: spaces, tabs, colons
  bool url_ = false;
  bool standard_ = false;
  std::uint8_t character_ = 0;
  std::uint8_t escape_[8];
  std::size_t escape_size_ = 0;
  std::size_t line_ = 0;         // characters of this line
  std::size_t line_length_ = 0;  // of the first line, once it ended
};

struct FoundRun {
  TextEncoding encoding = TextEncoding::kBase64;
  bool blanks = false;
  bool url = false;       // the URL-safe alphabet
  bool expected = false;  // a format explains it: a token, an SQL literal
  std::size_t start = 0;  // in the candidate
  int phases = 1;         // so many alignments are possible
};

// What is known of where a candidate stands.
struct RunContext {
  std::uint8_t before[2] = {0, 0};  // the two bytes in front of it, nearest last
  bool unaligned = false;           // its beginning may be missing: behind a gap, or in a piece of text
};

// Whether the candidate (a stretch of bytes that a run may hold) holds a run, and where it starts. `blanks`: only
// digits with blanks between them are looked for.
std::optional<FoundRun> FindRun(ByteView candidate, bool blanks, const RunContext& context);

}  // namespace spanwatch::content
