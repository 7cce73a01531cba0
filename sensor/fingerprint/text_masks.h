// TextMasks: what each byte of a text is, one bit a byte, for TextTokeniser: where tokens may stand is then a matter of
// a few words of bits, and only there bytes are looked at one by one.
//
// Three paths (AVX-512 VBMI, AVX2, portable) give the same bits; the differential test and the fuzz target compare
// them. Filled for a text, then read; one thread.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace spanwatch::fingerprint {

enum class MaskPath : std::uint8_t { kPortable, kAvx2, kAvx512 };

// The best path of this processor.
MaskPath BestMaskPath() noexcept;

class TextMasks {
 public:
  static constexpr std::size_t kBits = 64;
  static constexpr std::size_t kKnown = 57;
  static constexpr std::size_t kPadding = 2 * kBits;  // bytes that must be readable after the text

  // REQUIRES: kPadding readable bytes behind `text`, zero. Positions are those in `text`; bits before `from` (a
  // multiple of 64) are left as they were.
  void Fill(std::string_view text, std::size_t from, MaskPath path = BestMaskPath());

  std::uint64_t word(std::size_t block) const { return word_[block]; }
  std::uint64_t seed(std::size_t block) const { return seed_[block]; }
  std::uint64_t structural(std::size_t block) const { return structural_[block]; }
  std::uint64_t trigger(std::size_t block) const { return trigger_[block]; }
  std::uint64_t length(std::size_t block) const { return length_[block]; }
  // The bits from `position` on; kKnown are right.
  std::uint64_t WordFrom(std::size_t position) const { return From(word_, position); }
  std::uint64_t SeedFrom(std::size_t position) const { return From(seed_, position); }
  std::uint64_t SeparatorFrom(std::size_t position) const { return From(separator_, position); }
  std::uint64_t DigitFrom(std::size_t position) const { return From(digit_, position); }
  std::uint64_t StructuralFrom(std::size_t position) const { return From(structural_, position); }

 private:
  static std::uint64_t From(const std::vector<std::uint64_t>& bits, std::size_t position) {
    std::uint64_t eight;
    std::memcpy(&eight, reinterpret_cast<const char*>(bits.data()) + position / 8, sizeof eight);
    return eight >> position % 8;
  }

  void KeepLengthsBeforeSeeds(std::size_t first, std::size_t blocks);
  void DropSeedsOfLongRuns(std::size_t first, std::size_t blocks);

  std::vector<std::uint64_t> word_;        // letters, those beyond ASCII too (text_fold.h), and digits
  std::vector<std::uint64_t> digit_;       // and letters that fold to one (K1): O, Q, I
  std::vector<std::uint64_t> separator_;   // what may stand once inside a plate
  std::vector<std::uint64_t> structural_;  // what ends a field, a name or a value
  // A letter after a digit or a digit after a letter, also behind a separator; none in runs too long for a plate.
  std::vector<std::uint64_t> seed_;
  std::vector<std::uint64_t> trigger_;  // may begin a mark of a plate field's name, or a picture's ending
  std::vector<std::uint64_t> length_;   // kLengths before what may be a plate of that length, glued to it
};

inline constexpr std::string_view kSeparators = " -._+";
inline constexpr std::string_view kStructurals = "\n\t,;|\"'`(){}[]<>=:&\x01";
// What tells by its low four bits that a string of 5 to 8 bytes begins behind it: the head of a text string of CBOR
// (RFC 8949 section 3) and of a string of a binary property list, and what TextTokeniser::String wrote.
inline constexpr std::string_view kLengths = "efghUVWX\x05\x06\x07\x08";

}  // namespace spanwatch::fingerprint
