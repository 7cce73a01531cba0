// DumpReader: the bytes of a hex dump that tells where each of its lines lies: xxd, `hexdump -C`, `od -t x1`, tcpdump
// and Wireshark, the debuggers of Windows. An offset, bytes in groups, and on most the same as text behind them. A
// state machine over a stream in any split; no allocation. Inspector thread only.
#pragma once

#include "base/bytes.h"

namespace spanwatch::content {

class DumpReader {
 public:
  static constexpr std::size_t kMostMade = 1;

  // Takes one byte, the first of a line to begin with. Appends what it finishes to `out`, which has room for kMostMade;
  // false when it ended the dump.
  bool Add(std::uint8_t byte, std::uint8_t* out, std::size_t& made);
  // Whether a dump begins with this line: the next one lies as many bytes behind it as it holds.
  static bool Begins(ByteView text);

 private:
  enum class Part : std::uint8_t { kIndent, kOffset, kBytes, kText };

  bool Offset(std::uint8_t byte);
  bool Bytes(std::uint8_t byte, std::uint8_t* out, std::size_t& made);
  bool EndOfLine();

  Part part_ = Part::kIndent;
  std::uint64_t offset_ = 0, octal_ = 0;  // of this line, in either way of counting
  std::uint64_t expected_ = 0;            // of this line, by those before it
  std::size_t digits_ = 0;                // of the offset, or of this group
  std::size_t blanks_ = 0;                // in a row, in front of this group
  std::size_t bytes_ = 0;                 // of this line
  std::size_t lines_ = 0;                 // that have ended
  std::size_t width_ = 0;                 // digits of the first group
  std::uint8_t high_ = 0;                 // the first digit of two
  bool left_out_ = false;                 // a line `*` stands for lines like the last one
};

}  // namespace spanwatch::content
