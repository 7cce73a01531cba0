#include "content/pdf_text_reader.h"

#include <algorithm>
#include <charconv>

#include "content/text_decoder.h"

namespace spanwatch::content {
namespace {

// Of a number between the strings of an array, in thousandths of an em: a wider gap is a blank.
constexpr double kWordGap = -180;
constexpr std::size_t kLongestWord = 64;
constexpr std::size_t kMostHex = 4096;

bool IsWhite(std::uint8_t c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == 0; }
bool IsDelimiter(std::uint8_t c) { return std::string_view("()<>[]{}/%").contains(static_cast<char>(c)); }

}  // namespace

void PdfTextReader::Add(std::uint8_t byte, std::string& out) {
  switch (state_) {
    case State::kInlineImage: {
      // Section 8.9.7: binary up to EI between white space.
      image_tail_ = image_tail_ << 8 | byte;
      const bool ends = (image_tail_ >> 8 & 0xffff) == ('E' << 8 | 'I') && IsWhite(byte) &&
                        IsWhite(static_cast<std::uint8_t>(image_tail_ >> 24));
      if (ends) state_ = State::kBetween;
      return;
    }
    case State::kComment:
      if (byte == '\n' || byte == '\r') state_ = State::kBetween;
      return;
    case State::kString:
    case State::kEscape:
    case State::kOctal:
      return InString(byte);
    case State::kLess:
      state_ = State::kBetween;
      if (byte == '<') return;  // a dictionary of properties
      state_ = State::kHex;
      hex_.clear();
      digits_ = 0;
      [[fallthrough]];
    case State::kHex:
      if (byte == '>') return EndHex();
      if (kHexValue[byte] == 255) return;
      value_ = digits_++ % 2 == 0 ? kHexValue[byte] : value_ << 4 | kHexValue[byte];
      if (digits_ % 2 == 0 && hex_.size() < kMostHex) hex_ += static_cast<char>(value_);
      return;
    case State::kName:
      if (IsWhite(byte) || IsDelimiter(byte)) Between(byte);
      return;
    case State::kWord:
      if (!IsWhite(byte) && !IsDelimiter(byte)) {
        if (word_.size() < kLongestWord) word_ += static_cast<char>(byte);
        return;
      }
      state_ = State::kBetween;
      Word(out);
      if (state_ == State::kBetween) Between(byte);
      return;
    case State::kBetween:
      return Between(byte);
  }
}

void PdfTextReader::Between(std::uint8_t c) {
  state_ = State::kBetween;
  if (IsWhite(c)) return;
  switch (c) {
    case '(':
      state_ = State::kString;
      depth_ = 1;
      return;
    case '<':
      state_ = State::kLess;
      return;
    case '/':
      state_ = State::kName;
      return;
    case '%':
      state_ = State::kComment;
      return;
    case '[':
    case ']':
      in_array_ = c == '[';
      return;
    default:
      if (IsDelimiter(c)) return;
      state_ = State::kWord;
      word_.assign(1, static_cast<char>(c));
  }
}

// Section 7.3.4.2.
void PdfTextReader::InString(std::uint8_t c) {
  if (state_ == State::kEscape) return Escape(c);
  if (state_ == State::kOctal) {
    if (c >= '0' && c <= '7' && digits_ < 3) {
      value_ = value_ << 3 | (c - '0');
      ++digits_;
      return;
    }
    Append(static_cast<std::uint8_t>(value_));
    state_ = State::kString;
  }
  if (c == '\\') {
    state_ = State::kEscape;
    return;
  }
  if (c == '(') ++depth_;
  if (c == ')' && --depth_ == 0) {
    state_ = State::kBetween;
    return;
  }
  Append(c);
}

void PdfTextReader::Escape(std::uint8_t c) {
  state_ = State::kString;
  if (c >= '0' && c <= '7') {
    state_ = State::kOctal;
    value_ = c - '0';
    digits_ = 1;
  } else if (std::string_view("nrtbf").contains(static_cast<char>(c))) {
    Append(' ');
  } else if (c != '\n' && c != '\r') {
    Append(c);
  }
}

// Two bytes a character when every first one is zero.
void PdfTextReader::EndHex() {
  state_ = State::kBetween;
  if (digits_ % 2 != 0 && hex_.size() < kMostHex) hex_ += static_cast<char>(value_ << 4);
  bool wide = hex_.size() >= 2 && hex_.size() % 2 == 0;
  for (std::size_t i = 0; i < hex_.size(); i += 2) wide = wide && hex_[i] == 0;
  for (std::size_t i = wide ? 1 : 0; i < hex_.size(); i += wide ? 2 : 1) Append(static_cast<std::uint8_t>(hex_[i]));
}

void PdfTextReader::Word(std::string& out) {
  double number = 0;
  const char* begin = word_.data() + (word_.front() == '+' ? 1 : 0);
  const auto [end, error] = std::from_chars(begin, word_.data() + word_.size(), number);
  if (error != std::errc() || end != word_.data() + word_.size()) return Operator(out);
  if (in_array_) {
    if (number < kWordGap && !shown_.empty()) Append(' ');
    return;
  }
  if (operand_count_ == operands_.size()) std::copy(operands_.begin() + 1, operands_.end(), operands_.begin());
  operand_count_ = std::min(operand_count_ + 1, operands_.size());
  operands_[operand_count_ - 1] = number;
}

void PdfTextReader::Operator(std::string& out) {
  const std::size_t n = operand_count_;
  if (word_ == "Tj" || word_ == "TJ") {
    Show(out);
  } else if (word_ == "'" || word_ == "\"") {
    separator_ = '\n';
    Show(out);
  } else if (word_ == "T*" || word_ == "BT" || word_ == "ET") {
    separator_ = '\n';
  } else if ((word_ == "Td" || word_ == "TD") && n >= 2) {
    Move(operands_[n - 1], false);
  } else if (word_ == "Tm" && n >= 6) {
    Move(operands_[5], true);
  } else if (word_ == "ID") {
    state_ = State::kInlineImage;
    image_tail_ = 0;
  }
  operand_count_ = 0;
  shown_.clear();
  in_array_ = false;
}

void PdfTextReader::Move(double y, bool absolute) {
  const bool same_line = absolute ? y == line_y_ : y == 0;
  line_y_ = absolute ? y : line_y_ + y;
  if (separator_ == '\n' && !absolute) return;
  separator_ = same_line ? ' ' : '\n';
}

void PdfTextReader::Show(std::string& out) {
  if (shown_.empty()) return;
  // Letters that are put one by one make words.
  const bool letters = separator_ == ' ' && last_shown_ == 1 && shown_.size() == 1;
  if (separator_ != 0 && !letters) out += separator_;
  separator_ = 0;
  last_shown_ = shown_.size();
  for (const char c : shown_) out += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
}

}  // namespace spanwatch::content
