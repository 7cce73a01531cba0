#include "fingerprint/text_tokeniser.h"

#include <algorithm>
#include <bit>
#include <charconv>

#include "fingerprint/plate_shapes.h"
#include "fingerprint/text_fold.h"

namespace spanwatch::fingerprint {
namespace {

// What a byte is; a value from '0' on is the folded letter or digit itself.
constexpr std::uint8_t kOther = 0, kSeparator = 1, kStructural = 2, kMultibyte = 3, kBackslash = 4, kEntity = 5,
                       kPercent = 6;

constexpr std::array<std::uint8_t, 256> kKinds = [] {
  std::array<std::uint8_t, 256> kinds{};
  for (std::size_t c = '0'; c <= '9'; ++c) kinds[c] = static_cast<std::uint8_t>(c);
  for (std::size_t c = 'A'; c <= 'Z'; ++c) kinds[c] = kinds[c | 0x20] = static_cast<std::uint8_t>(c);
  for (const char c : std::string_view(" -._+")) kinds[static_cast<std::uint8_t>(c)] = kSeparator;
  for (const char c : std::string_view("\n\t,;|\"'`(){}[]<>=:&")) kinds[static_cast<std::uint8_t>(c)] = kStructural;
  for (const std::size_t c : {0xC2, 0xCE, 0xCF, 0xD0, 0xD1, 0xE2, 0xE3, 0xEF}) kinds[c] = kMultibyte;
  kinds['\\'] = kBackslash;
  kinds['&'] = kEntity;
  kinds['%'] = kPercent;
  return kinds;
}();

constexpr std::size_t kLongestEntity = 9;
constexpr std::size_t kBase64Run = 16;
constexpr std::size_t kBase64Look = 64;
constexpr std::uint32_t kLongestHyphens = 16;
constexpr char kBreak = '\x01';  // stands in the text where bytes are missing

bool IsHexDigit(char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f'); }

}  // namespace

void TextTokeniser::Append(ByteView text, std::uint64_t nul, std::uint64_t offset) {
  offset_ = offset;
  // A NUL of UTF-16 has another two bytes before or after it.
  const std::uint64_t near = nul << 2 | nul >> 2 | previous_nul_;
  const std::uint64_t passed_over = nul & near;
  if (passed_over == 0) {
    text_.append(AsText(text));
  } else {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if ((passed_over >> i & 1) == 0) text_ += static_cast<char>(text[i]);
    }
  }
  previous_nul_ = text.size() < 2 ? 0 : nul >> (text.size() - 2) & 3;
  Parse(false);
}

void TextTokeniser::Break(std::uint64_t offset) {
  offset_ = offset;
  text_ += kBreak;
  previous_nul_ = 0;
  Parse(true);
  EndPiece();
  EndChain(kBreak);
  fields_.Reset();
  field_begin_ = at_;
  noise_ = 0;
}

void TextTokeniser::Finish(std::uint64_t offset) {
  offset_ = offset;
  Parse(true);
  EndPiece();
  EndChain('\n');
}

void TextTokeniser::Discard(std::size_t tokens, std::size_t position) {
  // A run under way is kept as far as it is looked at.
  const bool keeps_run = piece_size_ > 0 && piece_size_ <= kBase64Look;
  position = std::min(position, keeps_run ? std::size_t{piece_.begin} : at_);
  tokens_.erase(tokens_.begin(), tokens_.begin() + static_cast<std::ptrdiff_t>(tokens));
  hyphens_.first_token -= std::min(tokens, hyphens_.first_token);
  text_.erase(0, position);
  const auto back = [&]<typename T>(T& place) { place -= static_cast<T>(std::min<std::size_t>(place, position)); };
  for (PlateToken& token : tokens_) {
    back(token.begin);
    back(token.end);
  }
  for (Piece& piece : pieces_) back(piece.begin);
  back(piece_.begin);
  back(at_);
  back(field_begin_);
}

void TextTokeniser::Parse(bool final) {
  while (at_ < text_.size()) {
    const std::uint8_t kind = kKinds[static_cast<std::uint8_t>(text_[at_])];
    if (kind >= '0') {
      Run();
    } else if (kind == kSeparator) {
      Separate(text_[at_++]);
    } else if (kind == kStructural) {
      Structural(text_[at_], 1);
    } else if (kind == kOther) {
      EndPiece();
      EndChain(text_[at_++]);
    } else if (!Special(kind, final)) {
      return;
    }
  }
}

void TextTokeniser::Run() {
  if (piece_size_ == 0) piece_.begin = static_cast<std::uint32_t>(at_);
  std::size_t i = at_;
  for (; i < text_.size(); ++i) {
    const std::uint8_t c = kKinds[static_cast<std::uint8_t>(text_[i])];
    if (c < '0') break;
    if (piece_size_ < kPlateMaximum) {
      piece_.word |= PlateWord{c} << (8 * piece_size_);
      piece_.letters = static_cast<std::uint8_t>(piece_.letters << 1 | (c >= 'A' ? 1 : 0));
    }
    ++piece_size_;
  }
  at_ = i;
}

bool TextTokeniser::Special(std::uint8_t kind, bool final) {
  switch (kind) {
    case kMultibyte:
      return Multibyte(final);
    case kBackslash:
      return Backslash(final);
    case kEntity:
      return Entity(final);
    default:
      return Percent(final);
  }
}

bool TextTokeniser::Multibyte(bool final) {
  if (!final && text_.size() - at_ < 3) return false;
  const auto [character, length] = DecodeUtf8(text_, at_);
  Put(character, length);
  return true;
}

bool TextTokeniser::Backslash(bool final) {
  constexpr std::size_t kUnicodeEscape = 6;
  if (!final && text_.size() - at_ < kUnicodeEscape) return false;
  const std::string_view rest = std::string_view(text_).substr(at_);
  if (rest.size() >= kUnicodeEscape && rest[1] == 'u' && std::all_of(rest.begin() + 2, rest.begin() + 6, IsHexDigit)) {
    std::uint32_t character = 0;
    std::from_chars(rest.data() + 2, rest.data() + 6, character, 16);
    Put(character, kUnicodeEscape);
    return true;
  }
  EndPiece();
  EndChain('\\');
  ++at_;
  // `\n` may be an escape or begin a name in a Windows path: the run that follows is taken both with and without it.
  piece_.escaped = rest.size() > 1 && std::string_view("nrtbf").contains(rest[1]);
  return true;
}

bool TextTokeniser::Entity(bool final) {
  if (!final && text_.size() - at_ < kLongestEntity) return false;
  const std::string_view rest = std::string_view(text_).substr(at_, kLongestEntity);
  const std::size_t end = rest.find(';');
  if (rest.size() > 3 && rest[1] == '#' && end != std::string_view::npos) {
    const bool hexadecimal = rest[2] == 'x' || rest[2] == 'X';
    const char* const first = rest.data() + (hexadecimal ? 3 : 2);
    std::uint32_t character = 0;
    const auto [stop, error] = std::from_chars(first, rest.data() + end, character, hexadecimal ? 16 : 10);
    if (error == std::errc() && stop == rest.data() + end) {
      Put(character, end + 1);
      return true;
    }
  }
  Structural('&', 1);
  return true;
}

bool TextTokeniser::Percent(bool final) {
  if (!final && text_.size() - at_ < 3) return false;
  const std::string_view rest = std::string_view(text_).substr(at_, 3);
  std::uint32_t character = 0;
  const bool escape = rest.size() == 3 && IsHexDigit(rest[1]) && IsHexDigit(rest[2]) &&
                      std::from_chars(rest.data() + 1, rest.data() + 3, character, 16).ec == std::errc();
  // Only punctuation needs this escape; %AB before a plate is more likely a percent sign.
  if (escape && character < 0x80 && FoldCharacter(character) < '0') {
    Put(character, 3);
  } else {
    EndPiece();
    EndChain('%');
    ++at_;
  }
  return true;
}

void TextTokeniser::Put(char32_t character, std::size_t length) {
  const char folded = FoldCharacter(character);
  if (folded == kFoldSeparator) {
    Separate(character < 0x80 ? static_cast<char>(character) : ' ');
    at_ += length;
  } else if (folded != kFoldOther) {
    if (piece_size_ == 0) piece_.begin = static_cast<std::uint32_t>(at_);
    if (piece_size_ < kPlateMaximum) {
      piece_.word |= PlateWord{static_cast<std::uint8_t>(folded)} << (8 * piece_size_);
      piece_.letters = static_cast<std::uint8_t>(piece_.letters << 1 | (IsFoldedLetter(folded) ? 1 : 0));
    }
    ++piece_size_;
    at_ += length;
  } else if (character < 0x80 && kKinds[character] == kStructural) {
    Structural(static_cast<char>(character), length);
  } else {
    EndPiece();
    EndChain('\0');
    at_ += length;
  }
}

void TextTokeniser::Separate(char separator) {
  const bool after_piece = piece_size_ > 0;
  EndPiece();
  if (after_piece) {
    separator_ = separator;
  } else {
    EndChain(separator);
  }
  if (separator == ' ' || separator == '.') noise_ = 0;
}

void TextTokeniser::Structural(char c, std::size_t length) {
  EndPiece();
  EndChain(c);
  fields_.OnStructural(c, std::string_view(text_).substr(field_begin_, at_ - field_begin_));
  at_ += length;
  field_begin_ = at_;
}

void TextTokeniser::EndChain(char c) {
  SettleHyphens();
  separator_ = 0;
  piece_count_ = 0;
  if (c == '\n') {
    noise_ -= noise_ > 0 ? 1 : 0;
  } else if (c != '/' && c != '=' && c != '\r' && c != '+') {
    noise_ = 0;
  }
}

void TextTokeniser::EndPiece() {
  if (piece_size_ == 0) {
    piece_.escaped = false;
    return;
  }
  if (separator_ == '-') {
    if (++hyphens_.count > kLongestHyphens) SettleHyphens();
  } else {
    SettleHyphens();
  }
  if (hyphens_.count == 0) {
    hyphens_.first_token = tokens_.size();
    hyphens_.count = 1;
    hyphens_.equal = true;
  }
  const auto size = static_cast<std::uint16_t>(std::min<std::size_t>(piece_size_, 0xFFFF));
  if (hyphens_.count <= hyphens_.lengths.size()) hyphens_.lengths[hyphens_.count - 1] = size;
  hyphens_.equal = hyphens_.equal && size == hyphens_.lengths[0];
  if (piece_size_ > kPlateMaximum) {
    piece_count_ = 0;
    if (piece_size_ >= kBase64Run && IsBase64(piece_.begin)) noise_ = 2;
  } else {
    if (separator_ == 0) piece_count_ = 0;
    if (piece_count_ > 0) std::shift_right(pieces_.begin(), pieces_.end(), 1);
    piece_.length = static_cast<std::uint8_t>(std::min(piece_size_, kPlateMaximum));
    pieces_[0] = piece_;
    piece_count_ = std::min(piece_count_ + 1, kPieces);
    if (noise_ == 0 || fields_.in_plate_field()) Candidates();
  }
  separator_ = 0;
  piece_ = Piece();
  piece_size_ = 0;
}

// Drops the tokens of a UUID (8-4-4-4-12) or a product key (four or more groups of equal length, 4 or 5).
void TextTokeniser::SettleHyphens() {
  if (hyphens_.count < 4) {
    hyphens_.count = 0;
    return;
  }
  constexpr std::array<std::uint16_t, 5> kUuid{8, 4, 4, 4, 12};
  const bool uuid = hyphens_.count == kUuid.size() && hyphens_.lengths == kUuid;
  const bool key = hyphens_.equal && (hyphens_.lengths[0] == 4 || hyphens_.lengths[0] == 5);
  if (uuid || key) tokens_.resize(hyphens_.first_token);
  hyphens_.count = 0;
}

// The tokens that end with the latest piece.
void TextTokeniser::Candidates() {
  Piece joined;
  for (std::size_t i = 0; i < piece_count_; ++i) {
    const Piece& piece = pieces_[i];
    if (joined.length + piece.length > kPlateMaximum) break;
    joined.word = i == 0 ? piece.word : joined.word << (8 * piece.length) | piece.word;
    joined.letters = static_cast<std::uint8_t>(piece.letters << joined.length | joined.letters);
    joined.length = static_cast<std::uint8_t>(joined.length + piece.length);
    joined.begin = piece.begin;
    Candidate(joined, i + 1);
    if (piece.escaped && joined.length > 1) {
      Piece rest = joined;
      rest.word >>= 8;
      --rest.length;
      rest.letters = static_cast<std::uint8_t>(rest.letters & ((1u << rest.length) - 1));
      Candidate(rest, i + 1);
    }
  }
}

void TextTokeniser::Candidate(Piece joined, std::size_t pieces) {
  if (joined.length < kPlateMinimum) return;
  const auto shape = static_cast<std::uint16_t>(1u << joined.length | joined.letters);
  const bool field = fields_.in_plate_field();
  if (!field && !CountsAnywhere(shape)) return;
  const TokenPlace place = field ? TokenPlace::kField : pieces > 1 ? TokenPlace::kJoined : TokenPlace::kPlain;
  tokens_.push_back(
      {joined.word, shape, place, fields_.extent(), joined.begin, static_cast<std::uint32_t>(at_), offset_});
}

bool TextTokeniser::IsBase64(std::size_t begin) const {
  bool upper = false;
  bool lower = false;
  bool digit = false;
  for (const char c : std::string_view(text_).substr(begin, kBase64Look)) {
    upper = upper || (c >= 'A' && c <= 'Z');
    lower = lower || (c >= 'a' && c <= 'z');
    digit = digit || (c >= '0' && c <= '9');
  }
  return upper && lower && digit;
}

}  // namespace spanwatch::fingerprint
