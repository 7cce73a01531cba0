// PdfTextReader: the text that a content stream of a PDF shows (ISO 32000-1 section 9.4), its strings joined: a word
// often stands in pieces, `[(AB) -20 (C1234)] TJ`, since letters are moved closer. A state machine over a stream in any
// split; bounded memory, no recursion. Codes of a font are taken for characters, which holds for the standard
// encodings; a font with codes of its own gives noise.
#pragma once

#include <array>
#include <string>

#include "base/bytes.h"

namespace spanwatch::content {

class PdfTextReader {
 public:
  // Appends to `out` what the byte brings. It grows by kMostShown and a line end at most.
  void Add(std::uint8_t byte, std::string& out);

  static constexpr std::size_t kMostShown = 4096;  // characters of one operator; what is beyond is dropped

 private:
  enum class State : std::uint8_t {
    kBetween,
    kWord,
    kString,
    kEscape,
    kOctal,
    kLess,
    kHex,
    kName,
    kComment,
    kInlineImage
  };

  void Between(std::uint8_t c);
  void InString(std::uint8_t c);
  void Escape(std::uint8_t c);
  void EndHex();
  void Word(std::string& out);
  void Operator(std::string& out);
  void Show(std::string& out);
  void Move(double y, bool absolute);
  void Append(std::uint8_t c) {
    if (shown_.size() < kMostShown) shown_ += static_cast<char>(c);
  }

  State state_ = State::kBetween;
  std::string word_;
  std::string shown_;  // the strings since the last operator
  std::string hex_;    // the bytes of a string of hex digits
  unsigned value_ = 0;
  int digits_ = 0;
  std::size_t depth_ = 0;  // of parentheses
  bool in_array_ = false;
  std::array<double, 6> operands_{};  // the last numbers
  std::size_t operand_count_ = 0;
  char separator_ = 0;  // that stands in front of what is shown next: nothing, a blank or a line end
  std::size_t last_shown_ = 0;
  double line_y_ = 0;
  std::uint32_t image_tail_ = 0;
};

}  // namespace spanwatch::content
