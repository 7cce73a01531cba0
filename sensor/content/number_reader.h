// NumberReader: bytes that stand as numbers, one or a few to a group: hex dumps and fingerprints (`FF D8 FF`, `ff:d8`,
// `FF-D8`, `ffd8 ffe0`), arrays of programs and of the registry of Windows (`0xff, 0xd8`, `hex:ff,d8,\`), and arrays of
// JSON and its like (`255,216`, `-1,-40`). A state machine over a stream in any split; no allocation. Inspector thread
// only.
#pragma once

#include <optional>

#include "base/bytes.h"

namespace spanwatch::content {

class NumberReader {
 public:
  static constexpr std::size_t kMostMade = 8;  // bytes of one group

  enum class Style : std::uint8_t { kHexGroups, kDecimal };
  explicit NumberReader(Style style) : style_(style) {}
  // Appends what the group that `byte` ends holds to `out`, which has room for kMostMade; false when `byte` ended the
  // numbers.
  bool Add(std::uint8_t byte, std::uint8_t* out, std::size_t& made);
  // The last group, when nothing follows it.
  bool End(std::uint8_t* out, std::size_t& made) { return Group(out, made); }

 private:
  bool Group(std::uint8_t* out, std::size_t& made);

  Style style_;
  std::uint8_t digits_[2 * kMostMade];
  std::size_t size_ = 0;
  std::size_t width_ = 0;  // digits of the first group of hex: those that follow have as many, the last may have fewer
  bool narrower_ = false;
  bool negative_ = false;
  bool prefixed_ = false;  // 0x
};

struct FoundNumbers {
  NumberReader::Style style;
  std::size_t start;
  bool array;  // commas stand between them, as in a program or a document: nothing hides there
};
// Where in the candidate a list of numbers begins that is long enough, or begins as a file does.
std::optional<FoundNumbers> FindNumbers(ByteView candidate);

}  // namespace spanwatch::content
