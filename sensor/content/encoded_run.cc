#include "content/encoded_run.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "content/file_magic.h"

namespace spanwatch::content {
namespace {

// A line of an encoding that breaks lines is at least so long.
constexpr std::size_t kLineMinimum = 16;
// So far into a run a file's magic is looked for, when something of the alphabet stands in front of it.
constexpr std::size_t kShiftMaximum = 64;

constexpr std::uint8_t kBase64Class = CharacterClass::kStandard | CharacterClass::kUrl;

// The character that an escape stands for; 0 while it is not whole, '\n' for a line break, '\r' for nothing, 1 when
// wrong.
std::uint8_t Resolve(std::string_view escape) {
  constexpr std::uint8_t kWrong = 1;
  const auto hex = [&](std::size_t at) { return kHexValue[static_cast<std::uint8_t>(escape[at])]; };
  const auto pair = [&](std::size_t at) -> std::uint8_t {
    return hex(at) == 255 || hex(at + 1) == 255 ? kWrong : static_cast<std::uint8_t>(hex(at) << 4 | hex(at + 1));
  };
  if (escape[0] == '%') return escape.size() < 3 ? 0 : pair(1);
  if (escape[0] == '&') {
    if (escape.back() != ';') return escape.size() < 6 ? 0 : kWrong;
    if (escape == "&#13;" || escape == "&#xD;" || escape == "&#xd;") return '\r';
    return escape == "&#10;" || escape == "&#xA;" || escape == "&#xa;" ? '\n' : kWrong;
  }
  if (escape.size() < 2) return 0;
  switch (escape[1]) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case '/':
      return '/';
    case 'u':
      return escape.size() < 6 ? 0 : pair(2) == 0 ? pair(4) : kWrong;
    default:
      return kWrong;
  }
}

struct Shape {
  std::size_t characters = 0;
  bool regular = true;  // lines of one length, but the last
  bool hex = true;
  bool upper = false;  // A-F
  bool lower = false;  // a-f
  bool digits = false;
};

Shape Measure(ByteView text, bool blanks) {
  Shape shape;
  RunReader reader(blanks ? TextEncoding::kHex : TextEncoding::kBase64, blanks);
  std::size_t line = 0, first_line = 0;
  for (const std::uint8_t byte : text) {
    const RunReader::Token token = reader.Add(byte);
    if (token == RunReader::Token::kEnd) break;
    if (token == RunReader::Token::kCharacter) {
      const std::uint8_t c = reader.character();
      ++shape.characters;
      ++line;
      shape.hex = shape.hex && kHexValue[c] != 255;
      shape.upper = shape.upper || std::isupper(c) != 0;
      shape.lower = shape.lower || std::islower(c) != 0;
      shape.digits = shape.digits || std::isdigit(c) != 0;
    }
    if (token == RunReader::Token::kLine && line > 0) {
      if (first_line == 0) first_line = line;
      shape.regular = shape.regular && line == first_line && first_line >= kLineMinimum;
      line = 0;
    }
  }
  // RunReader ends behind a line that is shorter than the first, so only the first line needs to be long.
  return shape;
}

bool LooksLikeHex(const Shape& shape) {
  // Digests in both cases, and runs of one letter, are base64 of something dull rather than hex.
  return shape.hex && shape.digits && !(shape.upper && shape.lower);
}

// Where three groups of one even length stand side by side with single blanks between them: `FF D8 FF`, `ffd8 ffe0
// 0010`.
std::optional<std::size_t> SpacedDigits(ByteView text) {
  constexpr std::size_t kGroupMaximum = 16;
  std::size_t starts[3] = {0, 0, 0};
  std::size_t lengths[3] = {0, 0, 0};
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t start = at;
    while (at < text.size() && kHexValue[text[at]] != 255) ++at;
    std::shift_left(std::begin(starts), std::end(starts), 1);
    std::shift_left(std::begin(lengths), std::end(lengths), 1);
    starts[2] = start;
    lengths[2] = at - start;
    const std::size_t length = lengths[0];
    const bool even = length > 0 && length % 2 == 0 && length <= kGroupMaximum;
    if (even && lengths[1] == length && lengths[2] == length) return starts[0];
    ++at;
  }
  return std::nullopt;
}

bool IsKnownFile(ByteView text) {
  std::uint8_t decoded[36];
  TextDecoder decoder(TextEncoding::kBase64);
  RunReader reader(TextEncoding::kBase64, false);
  std::size_t made = 0;
  for (const std::uint8_t byte : text) {
    const RunReader::Token token = reader.Add(byte);
    if (token == RunReader::Token::kEnd || made == sizeof(decoded)) break;
    if (token == RunReader::Token::kCharacter) made += decoder.Add(reader.character(), decoded + made);
  }
  const ByteView head(decoded, made);
  return IsPlausible(KindOfFile(head), head);
}

// `0x`, `\x`, `X'`: how SQL and programs write bytes. Returns how many characters of the candidate belong to it.
std::size_t HexPrefix(ByteView text, const RunContext& context, bool& expected) {
  const std::string_view view = AsText(text);
  const std::size_t slashes = std::min(view.find_first_not_of('\\'), view.size());
  if (slashes > 0 && slashes < view.size() && view[slashes] == 'x') {
    expected = true;
    return slashes + 1;
  }
  if (view.starts_with("0x") || view.starts_with("0X")) {
    expected = true;
    return 2;
  }
  expected = context.before[1] == '\'' && (context.before[0] == 'x' || context.before[0] == 'X');
  return 0;
}

std::optional<FoundRun> RunAt(ByteView text, std::size_t start, const RunContext& context) {
  FoundRun run{.start = start};
  const std::size_t prefix = HexPrefix(text.subspan(start), context, run.expected);
  const Shape hex = Measure(text.subspan(start + prefix), false);
  if (hex.regular && LooksLikeHex(hex)) {
    if (hex.characters < kHexRunMinimum) return std::nullopt;
    run.encoding = TextEncoding::kHex;
    run.start += prefix;
    run.phases = context.unaligned && start == 0 ? 2 : 1;
    return run;
  }
  const Shape shape = prefix == 0 ? hex : Measure(text.subspan(start), false);
  if (!shape.regular || shape.characters < kBase64RunMinimum) return std::nullopt;
  run.url = std::ranges::any_of(text.subspan(start), [](std::uint8_t c) { return c == '-' || c == '_'; });
  // JSON Web Tokens and their like: parts between full stops, beginning with an object.
  run.expected = AsText(text.subspan(start)).starts_with("eyJ") || context.before[1] == '.';
  for (std::size_t shift = 0; shift < kShiftMaximum && start + shift < text.size(); ++shift) {
    if ((kCharacterClass[text[start + shift]] & kBase64Class) == 0) break;
    if (!IsKnownFile(text.subspan(start + shift))) continue;
    if (shift % 4 != 0) run.start += shift;
    return run;
  }
  if (context.unaligned && start == 0) run.phases = 4;
  return run;
}

}  // namespace

RunReader::Token RunReader::Add(std::uint8_t byte) {
  if (escape_size_ > 0) return Escape(byte);
  const std::uint8_t kind = kCharacterClass[byte];
  if ((kind & kBase64Class) != 0) return Character(byte);
  if (byte == '\n') return Line();
  if (byte == '\r') return Token::kNothing;
  if ((kind & CharacterClass::kBlank) != 0) return blanks_ || line_ == 0 ? Token::kNothing : Token::kEnd;
  if ((kind & CharacterClass::kEscape) != 0 && !blanks_) {
    escape_[0] = byte;
    escape_size_ = 1;
    return Token::kNothing;
  }
  return Token::kEnd;
}

bool RunReader::TakesAlphabet(std::uint8_t byte) {
  const std::uint8_t kind = kCharacterClass[byte];
  if (encoding_ == TextEncoding::kHex) return (kind & CharacterClass::kHex) != 0;
  if ((kind & CharacterClass::kShared) != 0) return true;
  if ((kind & CharacterClass::kUrl) != 0) {
    url_ = url_ || !standard_;
    return url_;
  }
  if ((kind & CharacterClass::kStandard) == 0) return false;
  standard_ = standard_ || !url_;
  return standard_;
}

RunReader::Token RunReader::Character(std::uint8_t byte) {
  if (!TakesAlphabet(byte)) return Token::kEnd;
  character_ = byte;
  ++line_;
  return Token::kCharacter;
}

// An empty line ends a run, and so does a line that is shorter than the first.
RunReader::Token RunReader::Line() {
  const std::size_t length = line_;
  line_ = 0;
  if (length == 0) return line_length_ == 0 ? Token::kNothing : Token::kEnd;
  if (line_length_ == 0) line_length_ = length;
  return length < line_length_ ? Token::kEnd : Token::kLine;
}

RunReader::Token RunReader::Escape(std::uint8_t byte) {
  escape_[escape_size_++] = byte;
  const std::uint8_t meant = Resolve(AsText({escape_, escape_size_}));
  if (meant == 0) return escape_size_ < sizeof(escape_) ? Token::kNothing : Token::kEnd;
  escape_size_ = 0;
  if (meant == '\n') return Line();
  if (meant == '\r') return Token::kNothing;
  return (kCharacterClass[meant] & kBase64Class) != 0 ? Character(meant) : Token::kEnd;
}

std::optional<FoundRun> FindRun(ByteView candidate, bool blanks, const RunContext& context) {
  if (blanks) {
    const auto start = SpacedDigits(candidate);
    if (!start || Measure(candidate.subspan(*start), true).characters < kHexRunMinimum) return std::nullopt;
    return FoundRun{.encoding = TextEncoding::kHex, .blanks = true, .start = *start};
  }
  // A heading in front of the first line belongs to the candidate, not to the run.
  for (std::size_t start = 0; start + kBase64RunMinimum <= candidate.size();) {
    if (const auto run = RunAt(candidate, start, context)) return run;
    const std::size_t next = AsText(candidate).find('\n', start);
    if (next == std::string_view::npos) break;
    start = next + 1;
  }
  return std::nullopt;
}

}  // namespace spanwatch::content
