#include "content/escape_reader.h"

#include <string_view>

#include "content/text_decoder.h"

namespace spanwatch::content {
namespace {

constexpr int kMore = -1;
constexpr int kWrong = -2;

// A number in `digits`, of base 10 or 16; kWrong when it is none, or of no 7-bit character.
int Number(std::string_view digits, int base) {
  if (digits.empty()) return kWrong;
  int value = 0;
  for (const char c : digits) {
    const int digit = kHexValue[static_cast<std::uint8_t>(c)];
    if (digit >= base) return kWrong;
    value = value * base + digit;
    if (value > 127) return kWrong;
  }
  return value;
}

// `text` stands between the ampersand and the semicolon.
int Reference(std::string_view text) {
  if (text.starts_with("#x") || text.starts_with("#X")) return Number(text.substr(2), 16);
  if (text.starts_with('#')) return Number(text.substr(1), 10);
  struct Named {
    std::string_view name;
    char character;
  };
  constexpr Named kNamed[] = {{"amp", '&'},   {"quot", '"'},  {"apos", '\''},  {"lt", '<'},     {"gt", '>'},
                              {"plus", '+'},  {"sol", '/'},   {"equals", '='}, {"lowbar", '_'}, {"NewLine", '\n'},
                              {"Tab", '\t'},  {"nbsp", ' '},  {"colon", ':'},  {"comma", ','},  {"semi", ';'},
                              {"bsol", '\\'}, {"percnt", '%'}};
  for (const Named& named : kNamed) {
    if (named.name == text) return named.character;
  }
  return kWrong;
}

int AfterBackslash(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case '\n':
    case '\r':
    case '/':
    case '"':
    case '\'':
    case '+':
    case '=':
    case '-':
    case '_':
    case ',':
    case ';':
    case ':':
      return c;
    default:
      return kWrong;
  }
}

}  // namespace

int EscapeReader::Resolve(Frame& frame) {
  const std::string_view text(frame.text, frame.size);
  switch (frame.kind) {
    case 'u':
      return frame.size < 4 ? kMore : Number(text, 16);
    case 'x':
      return frame.size < 2 ? kMore : Number(text, 16);
    case '&': {
      const char last = text.back();
      if (last == ';') return Reference(text.substr(0, text.size() - 1));
      const bool named = (last >= 'a' && last <= 'z') || (last >= 'A' && last <= 'Z') || (last >= '0' && last <= '9');
      return (named || (last == '#' && text.size() == 1)) && text.size() < sizeof(frame.text) ? kMore : kWrong;
    }
    default:
      break;
  }
  // Behind a backslash or a percent sign: what kind it is.
  if (text[0] == 'u' || (frame.kind == '\\' && text[0] == 'x')) {
    frame.kind = static_cast<std::uint8_t>(text[0]);
    frame.size = 0;
    return kMore;
  }
  if (frame.kind == '\\') return AfterBackslash(text[0]);
  return frame.size < 2 ? kMore : Number(text, 16);
}

EscapeReader::Step EscapeReader::Add(std::uint8_t byte) {
  for (;;) {
    if (depth_ == 0 && !Begins(byte)) {
      character_ = byte;
      return Step::kCharacter;
    }
    // More backslashes are those of a string around this one.
    if (depth_ > 0 && byte == '\\' && frames_[depth_ - 1].kind == '\\') return Step::kMore;
    if (Begins(byte)) {
      if (depth_ == kDepth) break;
      frames_[depth_++] = {.kind = byte};
      return Step::kMore;
    }
    Frame& frame = frames_[depth_ - 1];
    frame.text[frame.size++] = static_cast<char>(byte);
    const int meant = Resolve(frame);
    if (meant == kWrong) break;
    if (meant == kMore) return Step::kMore;
    --depth_;
    // What an escape stands for may be part of another one: `%26quot%3B`, `\u005c/`.
    byte = static_cast<std::uint8_t>(meant);
  }
  depth_ = 0;
  return Step::kWrong;
}

}  // namespace spanwatch::content
