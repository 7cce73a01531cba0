#include "fingerprint/plate_mask.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "base/hex.h"
#include "base/utf8.h"
#include "fingerprint/plate_shapes.h"
#include "fingerprint/text_fold.h"

namespace spanwatch::fingerprint {
namespace {

constexpr std::size_t kSeparatorsTogether = 3;  // "ABC - 1234"
constexpr std::size_t kEscapesInEscapes = 4;    // "%252541"
constexpr std::size_t kPasses = 8;

// What ends a file's name is not joined to what stands before it: 0017.jpg is no plate.
constexpr std::string_view kExtensions[] = {
    "ASP", "AVI",  "BAK",  "BIN", "BMP",  "BZ2",  "CAB", "CFG",  "COM",  "CSS", "CSV", "DAT", "DB",
    "DLL", "DOC",  "DOCX", "EML", "EXE",  "GIF",  "GZ",  "HTM",  "HTML", "ICO", "INI", "ISO", "JAR",
    "JP2", "JPEG", "JPG",  "JS",  "JSON", "JSP",  "LOG", "MOV",  "MP4",  "MSG", "NET", "ODS", "ODT",
    "ORG", "PDF",  "PHP",  "PNG", "PPT",  "PPTX", "RAR", "RAW",  "RTF",  "SQL", "SVG", "TAR", "TGZ",
    "TIF", "TIFF", "TMP",  "TXT", "WAV",  "WEBP", "XLS", "XLSX", "XML",  "XZ",  "YML", "ZIP", "ZST",
};

// Some bytes of the text and what they stand for: one byte, written out or escaped.
struct Byte {
  std::size_t begin = 0;
  std::size_t length = 1;
  char value = 0;
};

// A character of the text as plates are compared, and where it stands there.
struct Character {
  std::size_t begin = 0;
  std::size_t length = 0;
  char folded = kFoldOther;
  bool lower = false;

  bool InPiece() const { return IsFoldedLetter(folded) || IsFoldedDigit(folded); }
};

using Escapes = std::string_view;  // the marks that begin one
constexpr Escapes kReadings[] = {"", "%\\&", "%\\&="};

// The number of up to `most` digits at `at`, which moves behind them; nothing when there are fewer than `fewest`.
std::optional<char32_t> Number(const std::vector<Byte>& text, std::size_t& at, unsigned base, std::size_t fewest,
                               std::size_t most) {
  char32_t number = 0;
  std::size_t digits = 0;
  for (; digits < most && at < text.size(); ++digits, ++at) {
    const int digit = HexDigit(text[at].value);
    if (digit < 0 || static_cast<unsigned>(digit) >= base) break;
    number = number * base + static_cast<char32_t>(digit);
  }
  if (digits < fewest) return std::nullopt;
  return number;
}

// The character that the escape at `at` stands for; `at` moves behind it. %41, %u0041, \x41, \101, \u0041, &#65;,
// &#x41;, =41.
std::optional<char32_t> Escaped(const std::vector<Byte>& text, std::size_t& at) {
  const auto next_is = [&](std::string_view marks) { return at < text.size() && marks.contains(text[at].value); };
  const char mark = text[at++].value;
  if (mark == '&') {
    if (!next_is("#")) return std::nullopt;
    ++at;
    const bool hex = next_is("xX");
    at += hex;
    const auto number = Number(text, at, hex ? 16 : 10, 1, 7);
    if (next_is(";")) ++at;
    return number;
  }
  if (mark != '=' && next_is("uU")) return Number(text, ++at, 16, 4, 4);
  if (mark == '\\') {
    if (!next_is("xX")) return Number(text, at, 8, 3, 3);
    ++at;
  }
  return Number(text, at, 16, 2, 2);
}

std::vector<Byte> Unescaped(const std::vector<Byte>& text, Escapes escapes) {
  std::vector<Byte> bytes;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t after = i;
    const auto character = escapes.contains(text[i].value) ? Escaped(text, after) : std::nullopt;
    if (!character) {
      bytes.push_back(text[i++]);
      continue;
    }
    // The first byte has the place of the whole escape, the others stand behind it.
    const Byte& last = text[after - 1];
    const std::size_t end = last.begin + last.length;
    std::size_t begin = text[i].begin;
    std::string written;
    if (text[i].value == '&' || after - i > 4) {
      AppendUtf8(*character, written);
    } else {
      written = static_cast<char>(*character);
    }
    for (const char byte : written) {
      bytes.push_back({begin, end - begin, byte});
      begin = end;
    }
    i = after;
  }
  return bytes;
}

std::vector<Byte> Read(std::string_view name, Escapes escapes) {
  std::vector<Byte> bytes;
  for (std::size_t i = 0; i < name.size(); ++i) bytes.push_back({i, 1, name[i]});
  if (escapes.empty()) {
    // As it is written, the digits of an escaped mark are no part of a word: %29Transfer.
    for (std::size_t i = 0; i + 2 < name.size(); ++i) {
      const int high = name[i] == '%' ? HexDigit(name[i + 1]) : -1;
      if (high >= 0 && high < 8 && HexDigit(name[i + 2]) >= 0) bytes[i + 1].value = bytes[i + 2].value = '%';
    }
  }
  for (std::size_t pass = 0; pass < kEscapesInEscapes && !escapes.empty(); ++pass) {
    std::vector<Byte> unescaped = Unescaped(bytes, escapes);
    if (unescaped.size() == bytes.size()) break;
    bytes = std::move(unescaped);
  }
  return bytes;
}

std::vector<Character> Fold(const std::vector<Byte>& bytes) {
  std::string text;
  for (const Byte& byte : bytes) text += byte.value;
  std::vector<Character> characters;
  for (std::size_t i = 0; i < text.size();) {
    const auto [character, length] = DecodeUtf8(text, i);
    const char folded = FoldCharacter(character);
    const Byte& last = bytes[i + length - 1];
    const std::size_t end = last.begin + last.length;
    if (folded == kFoldNothing && !characters.empty()) {
      characters.back().length = end - characters.back().begin;  // no plate is parted by what cannot be seen
    } else {
      const bool lower = character >= 'a' && character <= 'z';
      characters.push_back({bytes[i].begin, end - bytes[i].begin, folded, lower});
    }
    i += length;
  }
  return characters;
}

// Beside the table of North America, what cars of other countries show: of Britain, France, Italy, Spain, Germany, the
// Netherlands, Poland, Sweden, Switzerland, Austria, Romania, Ukraine, Russia, Brazil, Argentina.
constexpr std::string_view kOtherShapes[] = {"LLNNLLL", "LNNNLLL", "LLNNNLL",  "LLLNNNN",  "LLLLNNNN", "LLNNNNNN",
                                             "LLNNLL",  "NNLLLL",  "LLLLNN",   "NNLLLN",   "NLLNNN",   "LLNNNNL",
                                             "LLLNNL",  "LNNNNNL", "LLNNNNLL", "LNNNLLNN", "LLLNLNN"};

bool LooksLikePlate(std::string_view plate) {
  const auto shape = PlateShape(plate);
  if (!shape || plate.size() < kShortestInText) return false;
  return IsListedShape(*shape) || std::ranges::any_of(kOtherShapes, [&](std::string_view pattern) {
           return PlateShapeOfPattern(pattern) == shape;
         });
}

// Finds plates in one reading of a text.
class PlateSearch {
 public:
  PlateSearch(std::vector<Character> characters, const IsRegisteredPlate& is_registered)
      : characters_(std::move(characters)), is_registered_(is_registered) {
    masked_.resize(characters_.size());
    for (std::size_t first = 0; first < characters_.size(); ++first) {
      if (characters_[first].InPiece()) From(first);
    }
  }
  const std::vector<Character>& characters() const { return characters_; }
  bool masked(std::size_t i) const { return masked_[i]; }

 private:
  bool InPiece(std::size_t i) const { return i < characters_.size() && characters_[i].InPiece(); }
  bool Letter(std::size_t i) const { return IsFoldedLetter(characters_[i].folded); }

  // Between `i - 1` and `i` something begins: no letter or digit before it, a letter behind a digit, a capital behind
  // another letter.
  bool Begins(std::size_t i) const {
    if (i == 0 || !InPiece(i - 1)) return true;
    return Letter(i) && (!Letter(i - 1) || (characters_[i - 1].lower && !characters_[i].lower));
  }
  bool Ends(std::size_t last, std::size_t digits_at_end) const {
    return !InPiece(last + 1) || (digits_at_end >= 2 && Letter(last + 1));
  }
  // Between `i - 1` and `i` no run of letters or of digits is cut, unless its letters change their case.
  bool Parted(std::size_t i) const {
    if (i == 0 || !InPiece(i - 1) || !InPiece(i) || Letter(i) != Letter(i - 1)) return true;
    return Letter(i) && characters_[i].lower != characters_[i - 1].lower;
  }
  // The extension of a file begins with the dot at `dot`.
  bool IsExtension(std::size_t dot) const {
    if (characters_[dot].folded != '.') return false;
    std::string word;
    for (std::size_t i = dot + 1; InPiece(i) && word.size() <= 4; ++i) word += characters_[i].folded;
    return std::ranges::find(kExtensions, word) != std::end(kExtensions);
  }
  // The next letter or digit behind `i`, when only a few separators part them; else nothing.
  std::optional<std::size_t> Next(std::size_t i) const {
    std::size_t next = i + 1;
    while (next < characters_.size() && next - i <= kSeparatorsTogether &&
           IsFoldedSeparator(characters_[next].folded) && !IsExtension(next)) {
      ++next;
    }
    if (!InPiece(next)) return std::nullopt;
    return next;
  }

  // Masks every plate that begins with the character at `first`. Within a word it cuts no run of letters or of digits,
  // but for the commonest shape, which may stand behind letters or before digits ("imgabc1234", "imgabc-1234",
  // "abc12340017"); in several words it begins and ends with one. Wherever else it stands it must be registered.
  void From(std::size_t first) {
    const bool begins = Begins(first);
    std::string plate;
    std::size_t letters = 0, digits_at_end = 0, letters_at_start = 0, parts = 1;
    for (std::optional<std::size_t> at = first; at && plate.size() < kPlateMaximum;) {
      const bool letter = Letter(*at);
      plate += characters_[*at].folded;
      letters += letter;
      digits_at_end = letter ? 0 : digits_at_end + 1;
      if (letters == plate.size() && parts == 1) letters_at_start = letters;
      const bool mixed = letters > 0 && letters < plate.size();
      const bool commonest = plate.size() == 7 && letters == 3 && letters_at_start == 3;
      const bool word = (first == 0 || !InPiece(first - 1)) && !InPiece(*at + 1);
      const bool cuts = !(Parted(first) && Parted(*at + 1));
      const bool cuts_one = Parted(first) || Parted(*at + 1);
      const bool whole = parts == 1 ? word || (mixed && (!cuts || (cuts_one && commonest)))
                                    : mixed && (begins || (parts == 2 && commonest)) && Ends(*at, digits_at_end);
      if ((whole && LooksLikePlate(plate)) || (parts == 1 && (mixed || word) && IsRegistered(plate, first))) {
        Mask(first, *at);
      }
      const auto next = Next(*at);
      if (next && *next != *at + 1) {
        ++parts;
        digits_at_end = 0;
      }
      at = next;
    }
  }
  bool IsRegistered(const std::string& plate, std::size_t first) const {
    if (is_registered_ == nullptr || plate.size() < kPlateMinimum) return false;
    return !(first > 0 && IsExtension(first - 1)) && is_registered_(plate);
  }
  void Mask(std::size_t first, std::size_t last) {
    for (std::size_t i = first; i <= last; ++i) masked_[i] = masked_[i] || characters_[i].InPiece();
  }

  std::vector<Character> characters_;
  const IsRegisteredPlate& is_registered_;
  std::vector<bool> masked_;
};

std::string MaskOnce(std::string_view name, const IsRegisteredPlate& is_registered) {
  // For each byte that a masked character begins with: what is written there, and how long the character was.
  struct Masked {
    std::size_t length = 0;
    char by = 0;
  };
  std::vector<Masked> masked(name.size());
  for (const Escapes escapes : kReadings) {
    if (!escapes.empty() && name.find_first_of(escapes) == std::string_view::npos) continue;
    // In a query `=` parts a name from its value.
    if (escapes.contains('=') && name.find_first_of("?&") != std::string_view::npos) continue;
    const PlateSearch search(Fold(Read(name, escapes)), is_registered);
    for (std::size_t i = 0; i < search.characters().size(); ++i) {
      const Character& c = search.characters()[i];
      if (!search.masked(i) || c.length < masked[c.begin].length) continue;
      masked[c.begin] = {c.length, IsFoldedLetter(c.folded) ? 'A' : '9'};
    }
  }
  std::string text;
  text.reserve(name.size());
  for (std::size_t i = 0; i < name.size();) {
    text += masked[i].length == 0 ? name[i] : masked[i].by;
    i += std::max<std::size_t>(masked[i].length, 1);
  }
  return text;
}

}  // namespace

std::string MaskPlates(std::string_view name, const IsRegisteredPlate& is_registered) {
  // What was masked may part or join what stands beside it: until nothing changes any more.
  std::string masked = MaskOnce(name, is_registered);
  for (std::size_t pass = 1; pass < kPasses; ++pass) {
    std::string again = MaskOnce(masked, is_registered);
    if (again == masked) break;
    masked = std::move(again);
  }
  return masked;
}

}  // namespace spanwatch::fingerprint
