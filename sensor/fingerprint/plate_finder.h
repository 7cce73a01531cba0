// PlateFinder: whether the plates of a table are looked for as they are written there, asked by enrolment of every row.
// It reads the text of the table along with the rows, and the tokeniser of detection answers: so names of columns, of
// fields and what stands beside a plate count as they do in a sensor. One thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fingerprint/text_masks.h"
#include "fingerprint/text_tokeniser.h"

namespace spanwatch::fingerprint {

class PlateFinder {
 public:
  PlateFinder();

  // Reads on: in the table `text` follows what was read before.
  void Read(std::string_view text);
  // Whether one of `plates` (PlateVariants of what is registered) is a token of the text that was read last.
  bool Finds(std::span<const std::string> plates) const;

 private:
  std::size_t LookThrough(std::size_t begin);
  void Take(const TextTokeniser& from, std::size_t begin);

  TextTokeniser tokeniser_;
  TextMasks masks_;
  std::uint64_t offset_ = 0;
  std::vector<PlateWord> found_;  // in the text that was read last, ascending
};

}  // namespace spanwatch::fingerprint
