// TextTokeniser: finds the tokens in a text that may be plates. Second stage of the record family, after TextFilter.
//
// A token is a run of letters and digits of 3 to 8 characters, or up to four such runs with exactly one separator
// (space, hyphen, dot, underscore, bullet, `+` of a form) between them. Case, full-width forms and look-alikes are
// folded (K0). UTF-8 and UTF-16 are read alike: a NUL between characters of UTF-16 is passed over. Escapes of JSON
// (\n, \u0041), XML (&#65;) and URLs (%20) are taken off. No token comes from longer runs, UUIDs, product keys or
// base64: those are noise.
//
// The text is kept in one buffer so that the values near a plate can be read later; Discard drops what is done with.
// What is found depends only on the text and not on how it was cut. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "fingerprint/record_fields.h"
#include "fingerprint/record_tagger.h"

namespace spanwatch::fingerprint {

// How a token stood in the text: each is counted apart, so that one does not dilute the other.
enum class TokenPlace : std::uint8_t { kPlain, kJoined, kField };

struct PlateToken {
  PlateWord word = 0;  // K0
  std::uint16_t shape = 0;
  TokenPlace place = TokenPlace::kPlain;
  RecordExtent extent = RecordExtent::kLine;
  std::uint32_t begin = 0;  // in text()
  std::uint32_t end = 0;
  std::uint64_t offset = 0;  // of the block of the stream it ended in
};

class TextTokeniser {
 public:
  // Appends text and takes the tokens out of it; `nul` has one bit for each NUL byte, `offset` is the block's.
  // REQUIRES: at most 64 bytes
  void Append(ByteView text, std::uint64_t nul, std::uint64_t offset);
  void Break(std::uint64_t offset);
  // No more text: the last token ends here.
  void Finish(std::uint64_t offset);

  // Tokens found and not discarded; those from settled() on may still turn out to be noise.
  const std::vector<PlateToken>& tokens() const { return tokens_; }
  std::size_t settled() const { return hyphens_.count > 1 ? hyphens_.first_token : tokens_.size(); }
  std::string_view text() const { return text_; }
  bool structure_seen() const { return fields_.structure_seen(); }

  // Drops the first `tokens` tokens and the text before `position`.
  void Discard(std::size_t tokens, std::size_t position);

 private:
  struct Piece {
    PlateWord word = 0;
    std::uint32_t begin = 0;
    std::uint8_t length = 0;   // up to 8
    std::uint8_t letters = 0;  // one bit a character, the first highest
    bool escaped = false;      // its first character may belong to an escape: \n
  };
  struct Hyphens {
    std::size_t first_token = 0;
    std::uint32_t count = 0;
    std::array<std::uint16_t, 5> lengths{};
    bool equal = true;
  };
  static constexpr std::size_t kPieces = 4;

  void Parse(bool final);
  void Run();
  bool Special(std::uint8_t kind, bool final);
  bool Multibyte(bool final);
  bool Backslash(bool final);
  bool Entity(bool final);
  bool Percent(bool final);
  void Put(char32_t character, std::size_t length);
  void Separate(char separator);
  void Structural(char c, std::size_t length);
  void EndPiece();
  void EndChain(char c);
  void SettleHyphens();
  void Candidates();
  void Candidate(Piece joined, std::size_t pieces);
  bool IsBase64(std::size_t begin) const;

  std::string text_;
  std::vector<PlateToken> tokens_;
  RecordFields fields_;
  std::array<Piece, kPieces> pieces_{};  // the latest first
  std::size_t piece_count_ = 0;
  Piece piece_;                 // under way
  std::size_t piece_size_ = 0;  // its characters, also beyond 8
  std::size_t at_ = 0;          // first byte of text_ not parsed
  std::size_t field_begin_ = 0;
  Hyphens hyphens_;
  std::uint64_t offset_ = 0;
  std::uint64_t previous_nul_ = 0;  // the last two NUL bits of the text before, in bits 0 and 1
  char separator_ = 0;              // between the last piece and the next; 0 when the chain was broken
  std::uint8_t noise_ = 0;          // lines for which runs near base64 give no tokens
};

}  // namespace spanwatch::fingerprint
