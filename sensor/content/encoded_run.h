// A run of base64, base32 or hex inside text: where it begins (FindRun), and its characters with line breaks, escapes
// and what folds it into lines taken off (RunReader). State machines over a stream in any split; no allocation.
// Inspector thread only.
#pragma once

#include <optional>

#include "content/escape_reader.h"
#include "content/number_reader.h"
#include "content/text_decoder.h"

namespace spanwatch::content {

// Significant characters that a run of base64 needs to be opened; shorter ones are names, paths and tokens.
inline constexpr std::size_t kBase64RunMinimum = 64;
// Of hex digits: more than the longest usual digest (SHA-512, 128).
inline constexpr std::size_t kHexRunMinimum = 136;
// Of base32, as of base64.
inline constexpr std::size_t kBase32RunMinimum = 64;
// A search looks at so many bytes at most, those in front of what drew its attention and those behind that.
inline constexpr std::size_t kSearchBack = 512, kSearchBytes = 1024;

// Takes a run apart. Between its lines may stand any line break (CR, LF, both, escaped or not), indentation, the marks
// of quoted mail, and the quotes and operators of a string that a program puts together.
class RunReader {
 public:
  enum class Lines : std::uint8_t {
    kAny,      // for FindRun, which measures them
    kRegular,  // the first may be shorter than the second, the rest is of one length, and a shorter one is the last
    kRagged,   // a line behind a shorter one counts once it is long enough to be no word
  };
  // A line of an encoding that breaks lines is at least so long.
  static constexpr std::size_t kLineMinimum = 16;
  static constexpr std::size_t kMostMade = kLineMinimum;

  // `column`: characters of its first line that stand before the run.
  RunReader(TextEncoding encoding, Lines lines, std::size_t column = 0)
      : encoding_(encoding), lines_(lines), printed_(column) {}
  // Appends the significant characters that `byte` brings to `out`, which has room for kMostMade; false when it ended
  // the run.
  bool Add(std::uint8_t byte, std::uint8_t* out, std::size_t& made);
  // Appends what is left when nothing follows.
  void End(std::uint8_t* out, std::size_t& made);
  // Between escapes and inside a line: bytes of the alphabet are characters.
  bool plain() const { return !escapes_.inside() && line_ > 0 && joint_ == Joint::kNone && !holding_ && !return_; }
  void Skip(std::size_t characters) {
    line_ += characters;
    printed_ += characters;
  }
  bool base64() const { return encoding_ == TextEncoding::kBase64; }
  // The first of + / - _ settles the alphabet; a character of the other one ends the run.
  bool TakesAlphabet(std::uint8_t byte);
  bool inside_escape() const { return escapes_.inside(); }
  // Lines that have ended, and whether blanks stood before the one that goes on.
  std::size_t lines_ended() const { return lines_ended_; }
  bool indented() const { return indented_; }
  // Why it ended, as far as another run may begin there.
  enum class Ending : std::uint8_t { kOther, kWrongEscape, kCharacter, kOtherAlphabet };
  Ending ending() const { return ending_; }

 private:
  enum class Joint : std::uint8_t { kNone, kBlank, kQuote, kEquals };  // what stands behind the characters of a line

  bool Take(std::uint8_t c, std::uint8_t* out, std::size_t& made);
  bool Character(std::uint8_t c, std::uint8_t* out, std::size_t& made);
  bool BetweenLines(std::uint8_t c, std::uint8_t* out, std::size_t& made);
  bool IsWrappedLine() const;
  bool Line(std::uint8_t* out, std::size_t& made);
  void Release(std::uint8_t* out, std::size_t& made);

  TextEncoding encoding_;
  Lines lines_;
  EscapeReader escapes_;
  Joint joint_ = Joint::kNone;
  bool url_ = false;
  bool standard_ = false;
  Ending ending_ = Ending::kOther;
  bool return_ = false;  // a CR that may be a line break of its own
  bool indented_ = false;
  bool listed_ = false;   // the quote that was closed held a whole line, or several: a comma joins it with the next
  bool holding_ = false;  // the characters of this line do not count yet
  bool word_ = false;     // so short a line as is held would be no line of this run
  std::uint8_t held_[kLineMinimum];
  std::size_t held_size_ = 0;
  std::size_t line_ = 0;         // characters of this line
  std::size_t line_length_ = 0;  // of a whole line, once two have ended
  std::size_t lines_ended_ = 0;
  std::size_t printed_ = 0;  // characters since the last line break, soft ones (RFC 2045 section 6.7) as well
};

struct FoundRun {
  TextEncoding encoding = TextEncoding::kBase64;
  RunReader::Lines lines = RunReader::Lines::kRegular;
  bool url = false;        // the URL-safe alphabet
  bool expected = false;   // a format explains it: a token, an SQL literal
  std::size_t start = 0;   // in the text
  std::size_t column = 0;  // of the start, in its line
  int phases = 1;          // so many alignments are possible
};

struct RunSearch {
  std::optional<FoundRun> run;
  // When there is none: what lies before this holds no beginning of a run.
  std::size_t keep_from = 0;
};

// The first run of `text`, which has at most kSearchBytes. `unaligned`: what stands in front of the text is missing, so
// that a run at its very beginning may have any alignment.
RunSearch FindRun(ByteView text, bool unaligned);

}  // namespace spanwatch::content
