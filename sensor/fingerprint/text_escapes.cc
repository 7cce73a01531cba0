#include "fingerprint/text_escapes.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/ascii.h"
#include "base/utf8.h"
#include "fingerprint/text_decoder.h"
#include "fingerprint/text_fold.h"

namespace spanwatch::fingerprint {
namespace {

constexpr std::size_t kLongestRun = 8;         // escaped bytes that are read together
constexpr std::size_t kLongestCharacter = 12;  // \ud835\udc00 and \u-1234\'96 of RTF
constexpr std::size_t kFewestLetters = 3;      // escaped bytes in a row, of which some would need no escape

struct NamedCharacter {
  std::string_view name;
  char32_t character;
};
constexpr auto kNamed = std::to_array<NamedCharacter>({
    {"CenterDot", 0xB7},
    {"Hat", '^'},
    {"NewLine", '\n'},
    {"NoBreak", 0x2060},
    {"NonBreakingSpace", 0xA0},
    {"Tab", '\t'},
    {"ThickSpace", 0x205F},
    {"ThinSpace", 0x2009},
    {"UnderBar", '_'},
    {"VeryThinSpace", 0x200A},
    {"ZeroWidthSpace", 0x200B},
    {"amp", '&'},
    {"apos", '\''},
    {"bull", 0x2022},
    {"bullet", 0x2022},
    {"centerdot", 0xB7},
    {"cir", 0x25CB},
    {"colon", ':'},
    {"comma", ','},
    {"dash", 0x2010},
    {"emsp", 0x2003},
    {"emsp13", 0x2004},
    {"emsp14", 0x2005},
    {"ensp", 0x2002},
    {"equals", '='},
    {"gt", '>'},
    {"hairsp", 0x200A},
    {"horbar", 0x2015},
    {"hybull", 0x2043},
    {"hyphen", 0x2010},
    {"lowbar", '_'},
    {"lpar", '('},
    {"lrm", 0x200E},
    {"lt", '<'},
    {"mdash", 0x2014},
    {"middot", 0xB7},
    {"minus", 0x2212},
    {"nbsp", 0xA0},
    {"ndash", 0x2013},
    {"num", '#'},
    {"numsp", 0x2007},
    {"period", '.'},
    {"plus", '+'},
    {"puncsp", 0x2008},
    {"quot", '"'},
    {"rlm", 0x200F},
    {"rpar", ')'},
    {"sdot", 0x22C5},
    {"semi", ';'},
    {"shy", 0xAD},
    {"sol", '/'},
    {"szlig", 0xDF},
    {"thinsp", 0x2009},
    {"zwj", 0x200D},
    {"zwnj", 0x200C},
});
static_assert(std::ranges::is_sorted(kNamed, {}, &NamedCharacter::name));
// `Uuml`: a letter and what stands on it.
constexpr std::string_view kMarks[] = {"acute", "breve", "caron", "cedil", "circ",  "dot",   "grave",
                                       "macr",  "ogon",  "ring",  "slash", "strok", "tilde", "uml"};

bool IsHexDigit(char c) { return IsDigit(c) || (Lower(c) >= 'a' && Lower(c) <= 'f'); }

bool AreHexDigits(std::string_view digits) { return !digits.empty() && std::ranges::all_of(digits, IsHexDigit); }

char32_t Number(std::string_view digits, int base) {
  std::uint32_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number, base);
  return number;
}

// An escaped character, in the case it was written in.
void Put(char32_t character, std::string& text) {
  const bool control = (character < ' ' && character != '\n' && character != '\t' && character != '\r');
  if (control || character == 0x7F) {
    text += kTextOther;
  } else if (character < 0x80) {
    text += static_cast<char>(character);
  } else {
    AppendFolded(character, text);
  }
}

char32_t OfWindows1252(std::uint8_t byte) {
  switch (byte) {
    case 0x95:
      return 0x2022;
    case 0x96:
      return 0x2013;
    case 0x97:
      return 0x2014;
    default:
      return byte;
  }
}

// So many hexadecimal digits behind a prefix; nothing when there are fewer.
std::optional<char32_t> HexAt(std::string_view rest, std::size_t at, std::size_t digits) {
  if (rest.size() < at + digits || !AreHexDigits(rest.substr(at, digits))) return std::nullopt;
  return Number(rest.substr(at, digits), 16);
}

// One escaped byte: `%20`, `%2520` or `\x20`; its length is 0 when there is none.
struct EscapedByte {
  std::uint8_t byte = 0;
  std::size_t length = 0;
};
EscapedByte ReadByte(std::string_view rest) {
  const bool percent = rest.starts_with('%');
  if (!percent && !rest.starts_with("\\x")) return {};
  if (percent && rest.substr(1).starts_with("25")) {
    if (const auto again = HexAt(rest, 3, 2)) return {static_cast<std::uint8_t>(*again), 5};
  }
  const std::size_t prefix = percent ? 1 : 2;
  const auto byte = HexAt(rest, prefix, 2);
  return byte ? EscapedByte{static_cast<std::uint8_t>(*byte), prefix + 2} : EscapedByte{};
}

// Escaped bytes in a row are read together, for they may be one character of UTF-8. A single letter or digit needs no
// escape in a URL, and `%AB` before a plate is more likely a percent sign.
std::size_t ByteRun(std::string_view rest, bool plain_letters, std::string& text) {
  std::array<char, kLongestRun> bytes{};
  std::array<std::size_t, kLongestRun + 1> ends{};
  std::size_t count = 0;
  while (count < kLongestRun) {
    const EscapedByte next = ReadByte(rest.substr(ends[count]));
    if (next.length == 0) break;
    bytes[count] = static_cast<char>(next.byte);
    ends[count + 1] = ends[count] + next.length;
    ++count;
  }
  const std::string_view run(bytes.data(), count);
  std::size_t done = 0;
  while (done < count) {
    const Utf8Character next = DecodeUtf8(run, done);
    const auto byte = static_cast<std::uint8_t>(run[done]);
    const bool cut = count == kLongestRun && done > 0 && byte >= 0x80 && count - done < 4;
    if (cut) break;  // the rest of it may follow
    const bool stray = byte >= 0x80 && next.length == 1;
    const bool letter = IsLetterOrDigit(static_cast<char>(byte));
    if (!plain_letters && ((stray && count == 1) || (letter && count < kFewestLetters))) break;
    if (stray) {
      AppendStray(byte, count == 1, text);
    } else {
      Put(next.character, text);
    }
    done += next.length;
  }
  return ends[done];
}

std::size_t Percent(std::string_view rest, std::string& text) {
  if (const auto character = rest.starts_with("%u") ? HexAt(rest, 2, 4) : std::nullopt) {
    Put(*character, text);
    return 6;
  }
  return ByteRun(rest, false, text);
}

// `\u8211?` and `\u-223?` of RTF: decimal, signed 16 bits, and what an old reader shows instead.
std::size_t RtfCharacter(std::string_view rest, std::string& text) {
  const bool negative = rest.size() > 2 && rest[2] == '-';
  std::size_t end = negative ? 3 : 2;
  const std::size_t first = end;
  while (end < rest.size() && end - first < 5 && IsDigit(rest[end])) ++end;
  const std::string_view after = rest.substr(end);
  const std::size_t shown = after.starts_with('?') ? 1 : after.starts_with("\\'") && after.size() >= 4 ? 4 : 0;
  if (end - first < 2 || shown == 0) return 0;
  const char32_t number = Number(rest.substr(first, end - first), 10);
  Put(negative ? 0x10000 - number : number, text);
  return end + shown;
}

std::size_t UnicodeEscape(std::string_view rest, std::string& text) {
  if (const std::size_t length = RtfCharacter(rest, text); length > 0) return length;
  if (rest.starts_with("\\u{")) {
    const std::size_t end = rest.substr(0, 10).find('}');
    if (end == std::string_view::npos || !AreHexDigits(rest.substr(3, end - 3))) return 0;
    Put(Number(rest.substr(3, end - 3), 16), text);
    return end + 1;
  }
  const auto unit = HexAt(rest, 2, 4);
  if (!unit) return 0;
  const auto second =
      *unit >= 0xD800 && *unit < 0xDC00 && rest.substr(6).starts_with("\\u") ? HexAt(rest, 8, 4) : std::nullopt;
  if (second && *second >= 0xDC00 && *second < 0xE000) {
    Put(0x10000 + ((*unit - 0xD800) << 10) + (*second - 0xDC00), text);
    return 12;
  }
  Put(*unit, text);
  return 6;
}

std::size_t Backslash(std::string_view rest, std::string& text) {
  switch (rest.size() < 2 ? '\0' : rest[1]) {
    case 'u':
      return UnicodeEscape(rest, text);
    case 'U':
      if (const auto character = HexAt(rest, 2, 8)) {
        Put(*character, text);
        return 10;
      }
      return 0;
    case 'x':
      return ByteRun(rest, true, text);
    case '\'':
      if (const auto byte = HexAt(rest, 2, 2)) {
        Put(OfWindows1252(static_cast<std::uint8_t>(*byte)), text);
        return 4;
      }
      return 0;
    case '/':
    case '-':
    case '_':
    case '.':
      text += rest[1];
      return 2;
    case '~':
      text += ' ';
      return 2;
    default:
      return 0;
  }
}

std::optional<char32_t> EntityOf(std::string_view name) {
  if (name.starts_with('#')) {
    const bool hexadecimal = name.size() > 1 && (name[1] | 0x20) == 'x';
    const std::string_view digits = name.substr(hexadecimal ? 2 : 1);
    const bool valid = hexadecimal ? AreHexDigits(digits) : !digits.empty() && std::ranges::all_of(digits, IsDigit);
    if (!valid) return std::nullopt;
    const char32_t number = Number(digits, hexadecimal ? 16 : 10);
    return number < 0xA0 ? OfWindows1252(static_cast<std::uint8_t>(number)) : number;
  }
  const auto* const found = std::ranges::lower_bound(kNamed, name, {}, &NamedCharacter::name);
  if (found != kNamed.end() && found->name == name) return found->character;
  const bool accented =
      name.size() > 1 && IsLetter(name[0]) && std::ranges::find(kMarks, name.substr(1)) != std::end(kMarks);
  return accented ? std::optional<char32_t>(static_cast<unsigned char>(name[0])) : std::nullopt;
}

// The reference whose name stands at `begin`: its character, and where it ends.
std::optional<std::pair<char32_t, std::size_t>> ReferenceAt(std::string_view rest, std::size_t begin) {
  std::size_t end = begin;
  while (end < rest.size() && (IsLetterOrDigit(rest[end]) || rest[end] == '#')) ++end;
  if (end == rest.size() || rest[end] != ';') return std::nullopt;
  const auto character = EntityOf(rest.substr(begin, end - begin));
  if (!character) return std::nullopt;
  return std::pair(*character, end + 1);
}

std::size_t Entity(std::string_view rest, std::string& text) {
  constexpr std::string_view kAgain = "&amp;";
  auto reference = rest.starts_with(kAgain) ? ReferenceAt(rest, kAgain.size()) : std::nullopt;
  if (!reference) reference = ReferenceAt(rest, 1);
  if (!reference) return 0;
  Put(reference->first, text);
  return reference->second;
}

// Whether what follows could still belong to the escape.
bool MayGoOn(std::string_view rest) {
  const auto in_escape = [](char c) { return IsLetterOrDigit(c) || std::string_view("%\\&#;{}'?-").contains(c); };
  const bool one_character = rest.front() == '\\' && rest.size() >= 2 && rest[1] != 'x';
  if (rest.size() >= (one_character ? kLongestCharacter : kLongestEscape)) return false;
  if (rest.front() == '\\' && rest.size() >= 2 && !std::string_view("uUx'").contains(rest[1])) return false;
  return std::ranges::all_of(rest, in_escape);
}

}  // namespace

std::size_t AppendEscaped(std::string_view rest, bool final, std::string& text) {
  if (!final && MayGoOn(rest)) return 0;
  rest = rest.substr(0, kLongestEscape);
  const std::size_t length = rest.front() == '\\'  ? Backslash(rest, text)
                             : rest.front() == '&' ? Entity(rest, text)
                                                   : Percent(rest, text);
  if (length > 0) return length;
  text += rest.front();
  return 1;
}

void AppendStray(std::uint8_t byte, bool alone, std::string& text) {
  // The head of a string of MessagePack is one of these alone: no letter or digit, and it parts two strings.
  constexpr std::string_view kHeads = "\xAA\xB2\xB3\xB5\xB9\xBA";
  constexpr std::uint8_t kSoftHyphen = 0xAD;
  // Letters of Windows-1252 stand alone among those of ASCII; many in a row are some other code page.
  if (byte == kSoftHyphen && alone) {
    text += '-';
  } else if (alone && !kHeads.contains(static_cast<char>(byte)) && (text.empty() || text.back() != kTextOther)) {
    AppendFolded(OfWindows1252(byte), text);
  } else {
    text += kTextOther;
  }
}

}  // namespace spanwatch::fingerprint
