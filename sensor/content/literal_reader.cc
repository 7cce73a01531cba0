#include "content/literal_reader.h"

#include <algorithm>
#include <string_view>

#include "content/file_magic.h"
#include "content/magic_scan.h"
#include "content/text_decoder.h"

namespace spanwatch::content {
namespace {

bool IsQuote(std::uint8_t byte) { return byte == '\'' || byte == '"' || byte == '`'; }
bool IsOctal(std::uint8_t byte) { return byte >= '0' && byte <= '7'; }

// What `\c` stands for where c begins no number: C, JSON, MySQL. Any other character stands for itself.
std::uint8_t Meant(std::uint8_t c) {
  constexpr std::string_view kNames = "abtnvfrZ0";
  constexpr std::uint8_t kMeant[] = {7, 8, 9, 10, 11, 12, 13, 26, 0};
  const std::size_t at = kNames.find(static_cast<char>(c));
  return at == std::string_view::npos ? c : kMeant[at];
}

}  // namespace

LiteralReader::LiteralReader(std::uint8_t before, ByteView text) : quote_(IsQuote(before) ? before : 0) {
  text = text.first(std::min(text.size(), kHeadBytes));
  // Percent-encoding begins within the magic: behind it a percent sign is a byte like any other.
  constexpr std::size_t kPercentWithin = 3;
  std::size_t at = 0;
  while (at < text.size() && text[at] != '\\' && (text[at] != '%' || at >= kPercentWithin)) ++at;
  if (at == text.size()) return;
  mark_ = text[at];
  std::size_t behind = at;
  while (behind < text.size() && text[behind] == mark_) ++behind;
  const std::string_view rest = AsText(text.subspan(behind));
  // `%25FF`: a percent sign that is percent-encoded itself.
  depth_ = mark_ == '\\' ? behind - at : rest.starts_with("25") ? 2 : 1;
  octal_ = mark_ == '\\' && rest.size() >= 3 && rest[0] <= '3' &&
           std::ranges::all_of(rest.substr(0, 3), [](char c) { return IsOctal(static_cast<std::uint8_t>(c)); });
  // The first bytes of a JPEG, a PNG or a gzip member as UTF-8; in percent-encoding, both cases of its digits.
  constexpr std::string_view kAsUtf8[] = {"\xc3\xbf\xc3\x98", "\xc2\x89PNG",  "%C3%BF%C3%98", "%C2%89PNG",
                                          "%1F%C2%8B",        "%c3%bf%c3%98", "%c2%89PNG",    "%1f%c2%8b"};
  utf8_ = std::ranges::any_of(kAsUtf8, [&](std::string_view as) { return AsText(text).starts_with(as); });
}

bool LiteralReader::BeginsFile(std::uint8_t before, ByteView text) {
  LiteralReader reader(before, text);
  std::uint8_t head[kPlausibleBytes + kMostMade];
  std::size_t made = 0;
  bool escaped = false;
  for (const std::uint8_t byte : text) {
    // A file as it is has zeros near its beginning; its literal has none.
    if (byte == 0) return false;
    escaped = escaped || byte == reader.mark_;
    if (!reader.Add(byte, head, made) || made >= kPlausibleBytes) break;
    if (made >= 2 && FindMagicPlain({head, made}, 0) != 0) return false;
  }
  if (made < 3 || !escaped) return false;
  const ByteView bytes(head, std::min(made, kPlausibleBytes));
  return IsPlausible(KindOfFile(bytes), bytes);
}

void LiteralReader::Emit(std::uint8_t byte, std::uint8_t* out, std::size_t& made) {
  if (lead_ != 0) {
    const std::uint8_t lead = lead_;
    lead_ = 0;
    if ((byte & 0xc0) == 0x80) {
      out[made++] = static_cast<std::uint8_t>((lead & 3) << 6 | (byte & 0x3f));
      return;
    }
    out[made++] = lead;
  }
  if (utf8_ && (byte == 0xc2 || byte == 0xc3)) {
    lead_ = byte;
    return;
  }
  out[made++] = byte;
}

bool LiteralReader::Add(std::uint8_t byte, std::uint8_t* out, std::size_t& made) {
  switch (state_) {
    case State::kMarks:
      return Escape(byte, out, made);
    case State::kDigits:
      return Digits(byte, out, made);
    case State::kQuote:
      // Twice the quote is one, as SQL and CSV write it.
      if (byte != quote_) return false;
      state_ = State::kText;
      Emit(byte, out, made);
      return true;
    case State::kText:
      break;
  }
  if (byte == mark_) {
    state_ = State::kMarks;
    marks_ = 1;
    return true;
  }
  if (quote_ != 0) {
    if (byte == quote_) {
      state_ = State::kQuote;
      return true;
    }
  } else if (mark_ == '%') {
    // Percent-encoding leaves no white space, quote, bracket or delimiter as it is.
    if (byte <= ' ' || IsQuote(byte) || byte == '&' || byte == '<' || byte == '>' || byte >= 0x7f) return false;
    if (byte == '+') byte = ' ';
  } else if (byte == '\t' || byte == '\n' || byte == '\r') {
    return false;
  }
  Emit(byte, out, made);
  return true;
}

bool LiteralReader::Escape(std::uint8_t byte, std::uint8_t* out, std::size_t& made) {
  if (mark_ == '%') {
    value_ = 0;
    base_ = 16;
    wanted_ = 2;
    state_ = State::kDigits;
    return Digits(byte, out, made);
  }
  if (byte == '\\') {
    // Two whole escapes are a backslash.
    if (++marks_ == 2 * depth_) {
      Emit('\\', out, made);
      state_ = State::kText;
    }
    return true;
  }
  state_ = State::kText;
  // Fewer backslashes than an escape of this depth has end the string around it.
  if (marks_ < depth_ && IsQuote(byte)) return false;
  const bool octal = octal_ && IsOctal(byte);
  if (byte == 'x' || byte == 'u' || octal) {
    state_ = State::kDigits;
    value_ = 0;
    base_ = octal ? 8 : 16;
    wanted_ = octal ? 3 : byte == 'x' ? 2 : 4;
    return !octal || Digits(byte, out, made);
  }
  Emit(Meant(byte), out, made);
  return true;
}

bool LiteralReader::Digits(std::uint8_t byte, std::uint8_t* out, std::size_t& made) {
  const unsigned digit = kHexValue[byte];
  if (digit >= base_) return false;
  value_ = value_ * base_ + digit;
  if (--wanted_ > 0) return true;
  state_ = State::kText;
  if (mark_ == '%' && value_ == '%' && marks_ < depth_) {
    ++marks_;
    state_ = State::kMarks;
    return true;
  }
  if (value_ > 0xff) return false;
  Emit(static_cast<std::uint8_t>(value_), out, made);
  return true;
}

}  // namespace spanwatch::content
