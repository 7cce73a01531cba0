#include "content/encoded_run.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "content/file_magic.h"

namespace spanwatch::content {
namespace {

using Lines = RunReader::Lines;

constexpr std::uint8_t kBase64Class = CharacterClass::kStandard | CharacterClass::kUrl;
constexpr std::size_t kLinesMeasured = kSearchBytes / 2;
// A first line, shorter than those that follow, is at least so long: what is shorter is a word in front of the run.
constexpr std::size_t kFirstLineMinimum = 8;
// A longer line is not one of many.
constexpr std::size_t kLongestWrapped = 128;

bool InAlphabet(std::uint8_t c) { return (kCharacterClass[c] & kBase64Class) != 0; }

// The characters that may make up one run, from one beginning on.
struct Stretch {
  std::array<std::uint8_t, kSearchBytes> characters;
  std::array<std::uint16_t, kSearchBytes> at;  // where in the text each of them begins
  std::size_t size = 0;
  struct Line {
    std::uint16_t first;  // character
    bool indented;
  };
  std::array<Line, kLinesMeasured> lines;
  std::size_t line_count = 0;
  bool open = false;  // the text ended first
  bool other_alphabet = false;
  std::size_t next = 0;  // where in the text another one may begin

  std::size_t LineSize(std::size_t line) const {
    return (line + 1 < line_count ? lines[line + 1].first : size) - lines[line].first;
  }
};

std::size_t Column(ByteView text, std::size_t at) {
  const std::size_t line = at > 0 ? AsText(text).rfind('\n', at - 1) : std::string_view::npos;
  return line == std::string_view::npos ? at : at - line - 1;
}

void Read(ByteView text, std::size_t from, Stretch& stretch) {
  RunReader reader(TextEncoding::kBase64, Lines::kAny, Column(text, from));
  stretch.size = stretch.line_count = 0;
  stretch.open = true;
  stretch.other_alphabet = false;
  std::size_t token = from;
  std::size_t lines = 0;
  for (std::size_t i = from; i < text.size(); ++i) {
    if (!reader.inside_escape()) token = i;
    std::uint8_t made_characters[RunReader::kMostMade];
    std::size_t made = 0;
    const bool goes_on = reader.Add(text[i], made_characters, made);
    if (made > 0) {
      if (stretch.line_count == 0 || reader.lines_ended() != lines) {
        if (stretch.line_count < kLinesMeasured)
          stretch.lines[stretch.line_count++] = {static_cast<std::uint16_t>(stretch.size), reader.indented()};
        lines = reader.lines_ended();
      }
      stretch.characters[stretch.size] = made_characters[0];
      stretch.at[stretch.size++] = static_cast<std::uint16_t>(token);
    }
    if (goes_on) continue;
    stretch.open = false;
    // What ended it may begin another: a character, and the bytes of a wrong escape.
    const RunReader::Ending ending = reader.ending();
    stretch.other_alphabet = ending == RunReader::Ending::kOtherAlphabet;
    const bool again = stretch.size > 0 && (stretch.other_alphabet || ending == RunReader::Ending::kCharacter);
    stretch.next = again ? token : i + 1;
    if (ending == RunReader::Ending::kWrongEscape) {
      stretch.next = token + 1;
      // A wrong escape of several backslashes is none with fewer of them either.
      while (stretch.next < i && text[stretch.next] == '\\') ++stretch.next;
    }
    return;
  }
  stretch.next = text.size();
}

// The part behind the last character that only the alphabet had which ended the stretch: `path/to/` in front of
// base64url, `photo-` in front of base64.
std::size_t BehindAlphabet(const Stretch& stretch) {
  for (std::size_t i = stretch.size; i-- > 0;) {
    if ((kCharacterClass[stretch.characters[i]] & CharacterClass::kShared) == 0) {
      return i + 1 < stretch.size ? stretch.at[i + 1] : stretch.next;
    }
  }
  return stretch.next;
}

std::size_t DecodeFrom(const Stretch& stretch, std::size_t first, TextEncoding encoding, MutableByteView out) {
  TextDecoder decoder(encoding);
  std::size_t made = 0;
  for (std::size_t i = first; i < stretch.size && made < out.size(); ++i) {
    made += decoder.Add(stretch.characters[i], &out[made]);
  }
  return made;
}

// Where the first file of a kind that is carved begins: its magic first, then the fields behind it.
std::optional<std::size_t> FileIn(const Stretch& stretch, std::size_t from, TextEncoding encoding) {
  // The first characters of JPEG, PNG, gzip, zip and 7z.
  constexpr std::string_view kBase64Magics[] = {"/9j/", "_9j_", "iVBO", "H4sI", "UEsD", "N3q8"};
  constexpr std::string_view kHexMagics[] = {"ffd8", "8950", "1f8b", "504b", "377a"};
  const bool hex = encoding == TextEncoding::kHex;
  const std::span<const std::string_view> magics = hex ? std::span<const std::string_view>(kHexMagics) : kBase64Magics;
  for (std::size_t i = from; i + 8 <= stretch.size; ++i) {
    char here[4];
    for (std::size_t k = 0; k < 4; ++k) {
      const std::uint8_t c = stretch.characters[i + k];
      here[k] = static_cast<char>(hex ? std::tolower(c) : c);
    }
    if (std::ranges::find(magics, std::string_view(here, 4)) == magics.end()) continue;
    std::uint8_t head[kPlausibleBytes];
    const ByteView bytes(head, DecodeFrom(stretch, i, encoding, head));
    if (IsPlausible(KindOfFile(bytes), bytes)) return i;
  }
  return std::nullopt;
}

// The alignment, counted from `first`, at which the end of the stretch is plain text; nothing when none is.
std::optional<std::size_t> TextAlignment(const Stretch& stretch, std::size_t first) {
  constexpr std::size_t kLooked = 88;
  const std::size_t groups = (stretch.size - first) / 4;
  const std::size_t from = first + (groups > kLooked / 4 ? groups - kLooked / 4 : 0) * 4;
  for (std::size_t phase = 0; phase < 4; ++phase) {
    std::uint8_t decoded[kLooked];
    const std::size_t made = DecodeFrom(stretch, from + phase, TextEncoding::kBase64, decoded);
    const bool text = made >= 32 && std::all_of(decoded, decoded + made, [](std::uint8_t c) {
                        return (c >= ' ' && c < 0x7f) || c == '\n' || c == '\r' || c == '\t';
                      });
    if (text) return phase;
  }
  return std::nullopt;
}

struct HexDigits {
  std::size_t first;  // of those that reach to the end of the stretch
  bool hex;           // digits in both cases, and runs of one letter, are base64 of something dull rather than hex
};

HexDigits HexAtEnd(const Stretch& stretch) {
  std::size_t first = stretch.size;
  bool upper = false, lower = false, digits = false;
  for (; first > 0 && kHexValue[stretch.characters[first - 1]] != 255; --first) {
    const std::uint8_t c = stretch.characters[first - 1];
    upper = upper || std::isupper(c) != 0;
    lower = lower || std::islower(c) != 0;
    digits = digits || std::isdigit(c) != 0;
  }
  return {first, digits && !(upper && lower)};
}

bool IsDigest(const Stretch& stretch, std::size_t first) {
  const HexDigits digits = HexAtEnd(stretch);
  return digits.hex && digits.first <= first;
}

// `X'` and `x'` in front of hex digits.
bool BehindSqlQuote(ByteView text, std::size_t at) {
  return at >= 2 && text[at - 1] == '\'' && (text[at - 2] == 'x' || text[at - 2] == 'X');
}

// Hex digits to the end of the stretch, with whatever else of base64's alphabet stands before them.
std::optional<FoundRun> HexRun(ByteView text, const Stretch& stretch, bool unaligned) {
  const auto [first, hex] = HexAtEnd(stretch);
  if (stretch.size - first < kHexRunMinimum || !hex) return std::nullopt;
  FoundRun run{.encoding = TextEncoding::kHex, .start = stretch.at[first]};
  const bool prefixed = first > 0 && (stretch.characters[first - 1] == 'x' || stretch.characters[first - 1] == 'X');
  const bool sql = prefixed && first > 1 && stretch.characters[first - 2] == '0';
  const bool slash = run.start >= 2 && (text[run.start - 1] == 'x') && text[run.start - 2] == '\\';
  run.expected = sql || slash || BehindSqlQuote(text, run.start);
  if (run.expected) return run;
  if (const auto file = FileIn(stretch, first, TextEncoding::kHex); file && (*file - first) % 2 != 0) {
    run.start = stretch.at[*file];
  } else if (!file && unaligned && run.start == 0) {
    run.phases = 2;
  }
  return run;
}

// Letters of one case and digits to the end of the stretch, as base32 has them: both of them, in many kinds, and none
// that its alphabet lacks. Base64 so long has letters of both cases; hex digits no letter behind F.
std::optional<FoundRun> Base32Run(const Stretch& stretch) {
  constexpr std::size_t kFewestKinds = 14, kFewestDigits = 3;
  std::array<std::uint16_t, 256> seen{};
  std::size_t first = stretch.size;
  bool upper = false, lower = false;
  for (; first > 0; --first) {
    const std::uint8_t c = stretch.characters[first - 1];
    upper = upper || std::isupper(c) != 0;
    lower = lower || std::islower(c) != 0;
    if (std::isalnum(c) == 0 || (upper && lower)) break;
    ++seen[static_cast<std::uint8_t>(std::toupper(c))];
  }
  if (stretch.size - first < kBase32RunMinimum) return std::nullopt;
  const auto count = [&](std::string_view characters) {
    std::size_t sum = 0;
    for (const char c : characters) sum += seen[static_cast<std::uint8_t>(c)];
    return sum;
  };
  const std::size_t digits = count("0123456789"), beyond_hex = count("GHIJKLMNOPQRSTUVWXYZ");
  const auto kinds = static_cast<std::size_t>(std::ranges::count_if(seen, [](std::uint16_t n) { return n > 0; }));
  const bool even = digits >= kFewestDigits && beyond_hex * 10 >= stretch.size - first && kinds >= kFewestKinds;
  const bool standard = count("0189") == 0, extended = count("WXYZ") == 0;
  if (!even || (!standard && !extended)) return std::nullopt;
  return FoundRun{.encoding = standard ? TextEncoding::kBase32 : TextEncoding::kBase32Hex, .start = stretch.at[first]};
}

// The line that the run begins in: short ones are words in front of it, but the first may be what a heading left of it.
std::size_t FirstLine(const Stretch& stretch) {
  for (std::size_t line = 0; line + 1 < stretch.line_count; ++line) {
    if (stretch.LineSize(line) >= RunReader::kLineMinimum) return line;
    if (stretch.LineSize(line) >= kFirstLineMinimum && stretch.lines[line + 1].indented) return line;
  }
  return stretch.line_count - 1;
}

// Lines of one length, but the first and the last.
bool IsRegular(const Stretch& stretch, std::size_t line) {
  const bool first_is_short = line + 2 < stretch.line_count && stretch.LineSize(line) < stretch.LineSize(line + 1);
  const std::size_t length = stretch.LineSize(first_is_short ? line + 1 : line);
  for (std::size_t i = first_is_short ? line + 1 : line; i + 1 < stretch.line_count; ++i) {
    // RunReader ends behind a line that is shorter.
    if (stretch.LineSize(i) != length) return stretch.LineSize(i) < length && i > line + 1;
  }
  return stretch.line_count <= line + 1 || length >= RunReader::kLineMinimum;
}

std::optional<FoundRun> Base64Run(ByteView text, const Stretch& stretch, bool unaligned) {
  const std::size_t line = FirstLine(stretch);
  const std::size_t first = stretch.lines[line].first;
  if (IsDigest(stretch, first)) return std::nullopt;
  const auto file = FileIn(stretch, 0, TextEncoding::kBase64);
  if (stretch.size - (file ? *file : first) < kBase64RunMinimum) return std::nullopt;
  FoundRun run{.start = stretch.at[first]};
  run.url =
      std::any_of(stretch.characters.begin(), stretch.characters.begin() + static_cast<std::ptrdiff_t>(stretch.size),
                  [](std::uint8_t c) { return (kCharacterClass[c] & CharacterClass::kUrl) != 0; });
  // JSON Web Tokens and their like: parts between full stops, beginning with an object.
  run.expected =
      AsText({stretch.characters.data() + first, 3}) == "eyJ" || (run.start > 0 && text[run.start - 1] == '.');
  if (file) {
    run.lines = Lines::kRagged;
    if (*file < first || (*file - first) % 4 != 0) run.start = stretch.at[*file];
    return run;
  }
  const auto aligned = TextAlignment(stretch, first);
  if (aligned) {
    run.lines = Lines::kRagged;
    run.start = stretch.at[first + *aligned];
    return run;
  }
  // A path in front of a run of the other alphabet: what follows it is looked at on its own.
  if (!IsRegular(stretch, line) || (stretch.other_alphabet && BehindAlphabet(stretch) < stretch.next))
    return std::nullopt;
  if (unaligned && run.start == 0) run.phases = 4;
  return run;
}

// Behind `\x` of PostgreSQL's hex format, however many backslashes a string around it makes of one; `at` when none is
// there.
std::size_t BehindHexMark(ByteView text, std::size_t at) {
  std::size_t behind = at;
  while (behind < text.size() && text[behind] == '\\') ++behind;
  if (behind == at || behind == text.size() || text[behind] != 'x') return at;
  constexpr std::size_t kDigits = 16;
  const ByteView digits = text.subspan(behind + 1);
  const bool hex = digits.size() >= kDigits &&
                   std::ranges::all_of(digits.first(kDigits), [](std::uint8_t c) { return kHexValue[c] != 255; });
  return hex ? behind + 1 : at;
}

}  // namespace

bool RunReader::TakesAlphabet(std::uint8_t byte) {
  const std::uint8_t kind = kCharacterClass[byte];
  switch (encoding_) {
    case TextEncoding::kHex:
      return (kind & CharacterClass::kHex) != 0;
    case TextEncoding::kBase32:
      return kBase32Value[byte] != 255;
    case TextEncoding::kBase32Hex:
      return kBase32HexValue[byte] != 255;
    case TextEncoding::kBase64:
      break;
  }
  if ((kind & CharacterClass::kShared) != 0) return true;
  if ((kind & CharacterClass::kUrl) != 0) {
    url_ = url_ || !standard_;
    return url_;
  }
  if ((kind & CharacterClass::kStandard) == 0) return false;
  standard_ = standard_ || !url_;
  return standard_;
}

// The line that ends here is one of many of an encoding that breaks lines.
bool RunReader::IsWrappedLine() const {
  constexpr std::size_t kShortestWrapped = 60;
  const bool alike = lines_ended_ == 0 || line_ == line_length_;
  return encoding_ == TextEncoding::kBase64 && alike && line_ % 4 == 0 && line_ >= kShortestWrapped &&
         line_ <= kLongestWrapped;
}

bool RunReader::Add(std::uint8_t byte, std::uint8_t* out, std::size_t& made) {
  switch (escapes_.Add(byte)) {
    case EscapeReader::Step::kMore:
      return true;
    case EscapeReader::Step::kWrong:
      ending_ = Ending::kWrongEscape;
      return false;
    case EscapeReader::Step::kCharacter:
      return Take(escapes_.character(), out, made);
  }
  return false;
}

bool RunReader::Take(std::uint8_t c, std::uint8_t* out, std::size_t& made) {
  if (return_) {
    if (c == '\r') return true;
    return_ = false;
    if (c != '\n' && !Line(out, made)) return false;
  }
  if (joint_ != Joint::kNone) return BetweenLines(c, out, made);
  if (InAlphabet(c)) return Character(c, out, made);
  switch (c) {
    case '\n':
      return Line(out, made);
    case '\r':
      return return_ = true;
    case ' ':
    case '\t':
      if (line_ > 0) joint_ = Joint::kBlank;
      indented_ = true;
      return true;
    case '"':
    case '\'':
      if (line_ == 0 && lines_ended_ == 0) return false;
      listed_ = line_ == 0 || IsWrappedLine();
      joint_ = Joint::kQuote;
      return true;
    case '>':
    case '|':
    case '#':
    case '*':
      return line_ == 0 && lines_ended_ > 0;
    case '=':
      // A soft line break of quoted-printable stands behind the 75th character.
      if (printed_ == 75) {
        joint_ = Joint::kEquals;
        return true;
      }
      End(out, made);
      return false;
    default:
      if (c != ':') End(out, made);
      return false;
  }
}

// Behind the characters of a line: blanks at its end, a soft line break, or a string of a program that goes on in
// another one.
bool RunReader::BetweenLines(std::uint8_t c, std::uint8_t* out, std::size_t& made) {
  const bool blank = c == ' ' || c == '\t';
  const bool end_of_line = c == '\n' || c == '\r';
  switch (joint_) {
    case Joint::kBlank:
      if (blank) return true;
      joint_ = Joint::kNone;
      if (end_of_line) return Take(c, out, made);
      if (InAlphabet(c)) ending_ = Ending::kCharacter;
      return false;
    case Joint::kEquals:
      if (blank || c == '\r') return true;
      joint_ = Joint::kNone;
      printed_ = 0;
      return c == '\n';
    default:
      break;
  }
  if (blank || end_of_line) return true;
  if (std::string_view("+.&_|\\").find(static_cast<char>(c)) != std::string_view::npos || (c == ',' && listed_))
    return true;
  // The name of a field is no line of the run.
  if (c != ':' && c != '=') Release(out, made);
  if (c != '"' && c != '\'') {
    if (InAlphabet(c)) ending_ = Ending::kCharacter;
    return false;
  }
  joint_ = Joint::kNone;
  if (line_ > 0 && !Line(out, made)) return false;
  holding_ = lines_ != Lines::kAny;
  word_ = false;
  return true;
}

bool RunReader::Character(std::uint8_t c, std::uint8_t* out, std::size_t& made) {
  if (!TakesAlphabet(c)) {
    ending_ = line_ > 0 ? Ending::kOtherAlphabet : Ending::kCharacter;
    return false;
  }
  ++line_;
  ++printed_;
  if (!holding_) {
    out[made++] = c;
    return true;
  }
  held_[held_size_++] = c;
  if (held_size_ == kLineMinimum) Release(out, made);
  return true;
}

void RunReader::Release(std::uint8_t* out, std::size_t& made) {
  std::copy_n(held_, held_size_, out + made);
  made += held_size_;
  held_size_ = 0;
  holding_ = false;
}

void RunReader::End(std::uint8_t* out, std::size_t& made) {
  if (holding_ && !word_) Release(out, made);
}

// An empty line ends a run, and so does a line that is shorter than those before it, unless the run is ragged. What is
// shorter than any line counts only where the last line may stand: behind a whole one.
bool RunReader::Line(std::uint8_t* out, std::size_t& made) {
  const std::size_t length = line_;
  line_ = printed_ = 0;
  indented_ = false;
  if (length == 0) return lines_ended_ == 0;
  if (holding_) {
    End(out, made);
    return false;
  }
  ++lines_ended_;
  const bool shorter = length < line_length_;
  if (lines_ended_ <= 2) line_length_ = std::max(line_length_, length);
  holding_ = lines_ != Lines::kAny;
  word_ = shorter || (lines_ended_ == 1 && length > kLongestWrapped);
  return !shorter || lines_ != Lines::kRegular;
}

RunSearch FindRun(ByteView text, bool unaligned) {
  Stretch stretch;
  RunSearch search;
  for (std::size_t at = 0; at < text.size();) {
    if (!InAlphabet(text[at]) && !EscapeReader::Begins(text[at])) {
      search.keep_from = ++at;
      continue;
    }
    const std::size_t start = BehindHexMark(text, at);
    Read(text, start, stretch);
    search.keep_from = stretch.open && stretch.size < kBase64RunMinimum ? start : stretch.next;
    if (stretch.size >= kBase64RunMinimum) {
      search.run = HexRun(text, stretch, unaligned);
      if (!search.run) search.run = Base32Run(stretch);
      if (!search.run) search.run = Base64Run(text, stretch, unaligned);
      if (search.run) {
        search.run->column = Column(text, search.run->start);
        return search;
      }
      if (stretch.open) search.keep_from = stretch.at[stretch.lines[stretch.line_count - 1].first];
    }
    at = stretch.other_alphabet ? BehindAlphabet(stretch) : std::max(stretch.next, start + 1);
    if (stretch.open) break;
  }
  return search;
}

}  // namespace spanwatch::content
