// TextDecoder: one plain spelling of a text, so that what follows need not know how it was written. Second stage of the
// record family, after TextFilter.
//
// Escapes (text_escapes.h) become the character they stand for, and every character beyond ASCII becomes one byte
// (text_fold.h). UTF-16 and UTF-32 come as UTF-8 (wide_text.h); what is left of them between binary bytes loses its
// NULs. Everything else stays as it is, letter case too. What comes out depends on the text alone, not on how it was
// cut. One thread.
#pragma once

#include <array>
#include <string>

#include "base/bytes.h"
#include "fingerprint/text_escapes.h"

namespace spanwatch::fingerprint {

inline constexpr char kTextBreak = '\x01';  // stands where bytes are missing or were no text
inline constexpr char kTextOther = '\x02';  // stands for a character that no plate or name has

class TextDecoder {
 public:
  // Appends what `block` says to `text`; `nul` has one bit for each NUL. REQUIRES: at most 64 bytes
  void Append(ByteView block, std::uint64_t nul, std::string& text);
  // The same for any number of whole blocks in which no byte may begin something to decode.
  void AppendPlain(ByteView blocks, std::string& text);
  // The text ends here: an escape under way stands as it is.
  void Flush(std::string& text);
  void Break(std::string& text);

 private:
  void Plain(std::string_view block, std::string& text);
  std::size_t Special(std::string_view rest, bool final, std::string& text);

  std::array<char, kLongestEscape> held_{};  // the beginning of an escape
  std::size_t held_size_ = 0;
  std::uint64_t previous_nul_ = 0;  // the last two NUL bits of the block before, in bits 0 and 1
};

// All of `text` as it would be decoded if it stood in one: what enrolment makes of the cells of a table.
std::string FoldText(std::string_view text);

}  // namespace spanwatch::fingerprint
