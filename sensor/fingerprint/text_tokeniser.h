// TextTokeniser: finds the tokens in a text that may be plates. Third stage of the record family, after TextDecoder.
//
// A token is a run of letters and digits of 3 to 8 characters, or up to four such runs with exactly one separator
// (space, hyphen, dot, underscore, `+` of a form) between them, or up to seven single characters so (`A.B.C.1.2.3.4`).
// In a plate field it may have more runs, and up to three separators between two (`ABC - 1234`); outside of one it
// needs a letter beside a digit, so most text is passed over by its masks alone. No token comes from longer runs,
// UUIDs, product keys or base64: those are noise. But binary forms glue strings to one another: what stands behind a
// character that tells its length (kLengths) is a token as well. What is found depends only on the text and not on how
// it was cut. One thread.
//
// Calls: (Append | Break)* with Scan and Discard in between, Scan(true) last.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "fingerprint/plate_shapes.h"
#include "fingerprint/plate_word.h"
#include "fingerprint/record_field_finder.h"
#include "fingerprint/seed_filter.h"
#include "fingerprint/text_decoder.h"
#include "fingerprint/text_masks.h"

namespace spanwatch::fingerprint {

// How a token stood in the text: each is counted apart, so that one does not dilute the other.
// kValue: all of the value of a pair `name=value`, in a text that is known to have such pairs.
// kGlued: behind a character that tells its length, whatever letters and digits go on behind it; or in parts with
// nothing but markup between them (markup.h).
enum class TokenPlace : std::uint8_t { kPlain, kJoined, kField, kValue, kGlued };
inline constexpr std::size_t kTokenPlaces = 5;

struct PlateToken {
  PlateWord word = 0;       // K0
  PlateWord folded = 0;     // K1
  std::uint16_t shape = 0;  // of the K1
  TokenPlace place = TokenPlace::kPlain;
  RecordExtent extent = RecordExtent::kLine;
  std::uint32_t begin = 0;  // in text()
  std::uint32_t end = 0;
};

// The shapes for which a token is looked up: with any other it cannot be a registered plate. A token and a plate have
// the same K1, so the shape of the token's K1 decides: that of a registered plate, any of its letters dropped.
class WantedShapes {
 public:
  static WantedShapes All();
  void Add(std::uint16_t shape);

  // Whether a token of this shape may have a wanted K1; outside of a plate field the shape itself must count there.
  bool May(std::uint16_t shape, bool field) const { return field || (kinds_[shape] & kAnywhere) != 0; }
  bool HasFolded(std::uint16_t folded_shape) const { return (kinds_[folded_shape] & kFolded) != 0; }
  // For what stands outside of plate fields.
  const SeedFilter& seeds() const { return seeds_; }

 private:
  static constexpr std::uint8_t kFolded = 1;
  static constexpr std::uint8_t kAnywhere = 2;  // counts outside of plate fields
  std::array<std::uint8_t, kShapeNumbers> kinds_{};
  SeedFilter seeds_;
};

class TextTokeniser {
 public:
  // Text beyond a token that is there when it is told, and before it until it is discarded.
  static constexpr std::size_t kReach = 512;

  // `wanted` outlives the tokeniser.
  // `fields`: the text is of pairs `name=value`, each in a line or between ampersands.
  explicit TextTokeniser(const WantedShapes& wanted, bool fields = false, MaskPath path = BestMaskPath())
      : wanted_(&wanted),
        fields_(fields),
        path_(path),
        filters_seeds_(path != MaskPath::kPortable && SeedFilter::IsFast()) {}

  // Appends a block of the stream that begins at `offset`; `nul` has one bit for each NUL. REQUIRES: at most 64 bytes
  void Append(ByteView block, std::uint64_t nul, std::uint64_t offset);
  // The same for any number of whole blocks in which nothing is to be decoded.
  void AppendPlain(ByteView blocks, std::uint64_t offset);
  void Break() { decoder_.Break(text_); }
  // Behind a break: the bytes before what comes next say that a string of so many bytes begins there. REQUIRES: 5 to 8
  void String(unsigned length) { text_ += static_cast<char>(length); }
  std::size_t waiting() const { return text_.size() - at_; }

  // Finds the tokens of the text whose surroundings are there; with `final` of all of it. Appends to tokens().
  // `masks` is scratch, of no meaning between calls.
  void Scan(bool final, TextMasks& masks);
  // Forgets the tokens, and the text that is done with.
  void Discard();

  const std::vector<PlateToken>& tokens() const { return tokens_; }
  std::string_view text() const { return text_; }
  bool structure_seen() const { return finder_.structure_seen(); }
  // Of the block of the stream that `position` of text() came from.
  std::uint64_t OffsetOf(std::size_t position) const;

 private:
  struct Piece {
    PlateWord word = 0;  // as written
    std::size_t begin = 0;
    unsigned length = 0;
    unsigned letters = 0;  // one bit a character, the first highest
    bool escaped = false;  // a backslash before it may belong to its first character
  };
  static constexpr std::size_t kPieces = 8;
  static constexpr std::size_t kPiecesInText = 4;   // outside of plate fields
  static constexpr std::size_t kSinglesInText = 7;  // of one character each
  static constexpr unsigned kPieceBits = (1u << kSinglesInText) - 1;
  struct Stretch {  // of the stream: its text begins at `position`, its bytes at `offset`
    std::size_t position = 0;
    std::uint64_t offset = 0;
  };
  struct Area {  // where tokens are looked for, and as what
    std::size_t begin = 0;
    std::size_t end = 0;
    bool field = false;
    RecordExtent extent = RecordExtent::kLine;
  };

  void NoteStretch(std::uint64_t offset);
  std::size_t Limit(bool final, const TextMasks& masks) const;
  std::uint64_t WantedSeedsFrom(std::size_t first, const TextMasks& masks);
  void ScanSeeds(const Area& area, const TextMasks& masks);
  void ScanAll(const Area& area, const TextMasks& masks);
  void ScanGlued(std::size_t limit, const TextMasks& masks);
  void ScanMarkup(std::size_t limit, const TextMasks& masks);
  void AddGlued(PlateWord written, unsigned length, std::size_t begin, std::size_t end);
  void Pieces(std::size_t from, std::size_t to, const Area& area, const TextMasks& masks);
  static bool AreSeparators(std::size_t begin, std::size_t end, const TextMasks& masks);
  void Candidates(std::size_t end, const Area& area, const TextMasks& masks);
  void Candidate(std::size_t pieces, bool without_first, std::size_t end, const Area& area, const TextMasks& masks);
  bool IsValue(std::size_t begin, std::size_t end) const;
  bool IsNoise(std::size_t begin, std::size_t end, const TextMasks& masks);
  bool IsGroupOfKey(std::size_t begin);

  const WantedShapes* wanted_;
  bool fields_;
  MaskPath path_;
  bool filters_seeds_;
  std::uint8_t kept_in_a_row_ = 0;  // by the filter over seeds
  std::uint8_t unfiltered_ = 0;     // so many walks go without it, since it would keep them all
  TextDecoder decoder_;
  std::string text_;
  RecordFieldFinder finder_;
  std::vector<Stretch> stretches_;
  std::vector<PlateToken> tokens_;
  std::size_t at_ = 0;    // tokens that end here or before were told in an earlier scan
  std::size_t told_ = 0;  // and those of this scan
  // The latest pieces that one separator each joins: a ring, and where the last one ends.
  std::array<Piece, kPieces> pieces_{};
  std::size_t latest_ = 0;
  std::size_t piece_count_ = 0;
  // One bit a piece, the latest lowest: set where it has a letter, a digit. Bits of pieces that are gone may be set.
  unsigned pieces_with_letters_ = 0;
  unsigned pieces_with_digits_ = 0;
  std::size_t piece_end_ = 0;
  // What IsGroupOfKey found last in this scan: every token between these places has the same answer.
  std::size_t key_begin_ = 0;
  std::size_t key_end_ = 0;
  bool is_key_ = false;
};

}  // namespace spanwatch::fingerprint
