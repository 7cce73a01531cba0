#include "content/dump_reader.h"

#include "content/text_decoder.h"

namespace spanwatch::content {
namespace {

constexpr std::size_t kOffsetMinimum = 4, kOffsetMaximum = 16;  // digits
constexpr std::size_t kLineMinimum = 4;                         // bytes of the first line
constexpr std::size_t kMiddle = 8;                              // a wider space may stand in the middle of a line
constexpr std::size_t kTab = 3;

}  // namespace

bool DumpReader::Add(std::uint8_t byte, std::uint8_t* out, std::size_t& made) {
  if (byte == '\r') return true;
  switch (part_) {
    case Part::kIndent:
      if (byte == ' ' || byte == '\t') return true;
      if (byte == '*' && lines_ > 0) {
        left_out_ = true;
        part_ = Part::kText;
        return true;
      }
      part_ = Part::kOffset;
      return Offset(byte);
    case Part::kOffset:
      return Offset(byte);
    case Part::kBytes:
      return Bytes(byte, out, made);
    case Part::kText:
      return byte != '\n' || EndOfLine();
  }
  return false;
}

bool DumpReader::Offset(std::uint8_t byte) {
  if (const std::uint8_t digit = kHexValue[byte]; digit != 255) {
    offset_ = offset_ << 4 | digit;
    octal_ = octal_ << 3 | digit;
    return ++digits_ <= kOffsetMaximum;
  }
  if (byte == 'x' && digits_ == 1 && offset_ == 0) {
    digits_ = 0;
    return true;
  }
  if (digits_ < kOffsetMinimum || (byte != ':' && byte != ' ' && byte != '\t')) return false;
  if (lines_ > 0 && !left_out_ && offset_ != expected_ && octal_ != expected_) return false;
  if (lines_ > 0 && octal_ == expected_) offset_ = octal_;
  left_out_ = false;
  part_ = Part::kBytes;
  digits_ = 0;
  blanks_ = 1;
  return true;
}

bool DumpReader::Bytes(std::uint8_t byte, std::uint8_t* out, std::size_t& made) {
  if (byte == '\n') return digits_ % 2 == 0 && EndOfLine();
  if (byte == ' ' || byte == '\t' || byte == '-') {
    if (digits_ % 2 != 0) return false;
    if (digits_ > 0 && width_ == 0) width_ = digits_;
    digits_ = 0;
    blanks_ += byte == '\t' ? kTab : 1;
    return true;
  }
  const std::uint8_t digit = kHexValue[byte];
  const bool middle = bytes_ == kMiddle && width_ == 2 && blanks_ == 2;
  if (digit == 255 || (bytes_ > 0 && blanks_ > 1 && !middle)) {
    part_ = Part::kText;
    return digits_ % 2 == 0;
  }
  blanks_ = 0;
  if (++digits_ % 2 != 0) {
    high_ = digit;
    return true;
  }
  ++bytes_;
  out[made++] = static_cast<std::uint8_t>(high_ << 4 | digit);
  return true;
}

bool DumpReader::EndOfLine() {
  if (bytes_ == 0 && !left_out_) return false;
  if (bytes_ > 0) {
    expected_ = offset_ + bytes_;
    ++lines_;
  }
  part_ = Part::kIndent;
  offset_ = octal_ = digits_ = blanks_ = bytes_ = 0;
  return true;
}

bool DumpReader::Begins(ByteView text) {
  DumpReader reader;
  std::uint8_t output[kMostMade];
  std::size_t first = 0;  // bytes of the first line
  for (const std::uint8_t byte : text) {
    std::size_t made = 0;
    if (!reader.Add(byte, output, made)) return false;
    if (reader.lines_ == 0) first += made;
    if (reader.lines_ == 1 && made > 0) return first >= kLineMinimum;
  }
  return false;
}

}  // namespace spanwatch::content
