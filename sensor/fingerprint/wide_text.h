// WideText: UTF-16 and UTF-32 among the blocks of a stream, read as UTF-8. Part of TextFilter.
//
// Such text is known by its NULs, wherever it begins: at any offset, with a byte order mark or without, either byte
// first. Which byte is first is told by the mark, else by where the first NUL stands, and mended where that gives
// characters that no text has. Once text has begun, blocks without a NUL belong to it as long as they make sense; a run
// of ASCII ends it. Texts of ASCII with NULs between them are none. The answers depend on the blocks alone. One thread.
// Calls: (Read | Reset)*, in the stream's order.
#pragma once

#include <array>
#include <string_view>

#include "fingerprint/text_block.h"

namespace spanwatch::fingerprint {

class WideText {
 public:
  // The block is the first of a stream: with a byte order mark at its beginning all that makes sense is wide text.
  // REQUIRES: 64 readable bytes
  void Expect(const std::uint8_t* block, const BlockMasks& masks) noexcept;
  // Whether this block is wide text, perhaps with ASCII before or behind it; then text() is all that it says. `size`:
  // how much of the block there is. REQUIRES: 64 readable bytes
  bool Read(const std::uint8_t* block, std::size_t size, const BlockMasks& masks) noexcept;
  // As UTF-8, of at most kLongest bytes; valid until the next call.
  std::string_view text() const { return {text_.data(), text_size_}; }
  bool under_way() const { return under_way_; }
  // What follows is no part of the text before.
  void Reset() noexcept;

 private:
  static constexpr std::size_t kLongest = 4 * kTextBlock;
  struct Form {
    std::size_t width = 0;    // bytes a unit
    bool big_endian = false;  // the highest byte comes first
    std::size_t phase = 0;    // where units begin, from the beginning of a block; below width
  };
  struct Candidate {
    Form form;
    std::size_t begin = 0;
  };
  struct Judged {
    unsigned units = 0;
    unsigned bad = 0;         // controls, halves of surrogate pairs, what Unicode gives no meaning
    unsigned unlikely = 0;    // two for what is bad, one for Latin-1: what the wrong byte order makes of characters
    unsigned latin = 0;       // below U+0100
    unsigned like_ascii = 0;  // two characters of ASCII, or one and a NUL
    bool MakesSense() const;
  };

  static char32_t UnitAt(const Form& form, const std::uint8_t* bytes);
  static Judged Judge(const Form& form, const std::uint8_t* block, std::size_t begin, std::size_t end);
  static Candidate FindMark(const std::uint8_t* block, const BlockMasks& masks, std::size_t end);
  static bool MayBe(const Form& form, const BlockMasks& masks, std::size_t begin, std::size_t end);
  bool Begin(const std::uint8_t* block, std::size_t end, const BlockMasks& masks, std::size_t& begin);
  bool GoOn(const std::uint8_t* block, std::size_t end);
  bool IsAllAscii(const BlockMasks& masks) const;
  void Narrow(const std::uint8_t* block);
  void Units(const std::uint8_t* block, std::size_t begin, std::size_t end);
  void Put(char32_t character);
  void PutUnit(char32_t unit);

  bool under_way_ = false;
  Form form_;
  std::array<std::uint8_t, 4> cut_{};  // the beginning of a unit that the end of a block cut
  std::size_t cut_size_ = 0;
  char32_t high_surrogate_ = 0;  // waits for the other half; 0: none
  std::array<char, kLongest> text_{};
  std::size_t text_size_ = 0;
};

}  // namespace spanwatch::fingerprint
