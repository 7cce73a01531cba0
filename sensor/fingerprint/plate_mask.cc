#include "fingerprint/plate_mask.h"

#include <vector>

#include "base/utf8.h"
#include "fingerprint/plate_shapes.h"
#include "fingerprint/text_fold.h"

namespace spanwatch::fingerprint {
namespace {

constexpr std::size_t kShortestMasked = 5;
constexpr std::size_t kLongestExtension = 5;
constexpr std::size_t kMostPieces = 4;

struct Character {
  std::size_t begin = 0;
  std::size_t length = 0;
  char folded = kFoldOther;
  bool masked = false;
};

bool InPiece(const Character& c) { return IsFoldedLetter(c.folded) || IsFoldedDigit(c.folded); }

std::vector<Character> Decode(std::string_view name) {
  std::vector<Character> characters;
  for (std::size_t i = 0; i < name.size();) {
    const auto [character, length] = DecodeUtf8(name, i);
    const char folded = FoldCharacter(character);
    i += length;
    if (folded == kFoldNothing && !characters.empty()) {
      characters.back().length += length;  // no plate is parted by what cannot be seen
    } else {
      characters.push_back({i - length, length, folded, false});
    }
  }
  return characters;
}

// Where a file name extension begins (`.jpg`), so that it is not joined to what stands before it.
std::size_t ExtensionOf(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || name.size() - dot > kLongestExtension) return name.size();
  for (std::size_t i = dot + 1; i < name.size(); ++i) {
    if (IsFoldedLetter(FoldCharacter(static_cast<std::uint8_t>(name[i])))) return dot;
  }
  return name.size();
}

// Masks the plates that begin with the piece at `first`, joined over at most kMostPieces pieces.
void MaskFrom(std::vector<Character>& characters, std::size_t first, std::size_t extension) {
  std::string plate;
  std::size_t end = first;
  for (std::size_t piece = 0; piece < kMostPieces; ++piece) {
    while (end < characters.size() && InPiece(characters[end])) plate += characters[end++].folded;
    const auto shape = PlateShape(plate);
    if (plate.size() > kPlateMaximum) return;
    if (shape && plate.size() >= kShortestMasked && IsListedShape(*shape)) {
      for (std::size_t i = first; i < end; ++i) characters[i].masked = InPiece(characters[i]) || characters[i].masked;
    }
    const bool joined = end + 1 < characters.size() && IsFoldedSeparator(characters[end].folded) &&
                        InPiece(characters[end + 1]) && characters[end].begin != extension;
    if (!joined) return;
    ++end;
  }
}

}  // namespace

std::string MaskPlates(std::string_view name) {
  std::vector<Character> characters = Decode(name);
  const std::size_t extension = ExtensionOf(name);
  for (std::size_t i = 0; i < characters.size(); ++i) {
    if (InPiece(characters[i]) && (i == 0 || !InPiece(characters[i - 1]))) MaskFrom(characters, i, extension);
  }
  std::string masked;
  masked.reserve(name.size());
  for (const Character& c : characters) {
    if (c.masked) {
      masked += IsFoldedLetter(c.folded) ? 'A' : '9';
    } else {
      masked += name.substr(c.begin, c.length);
    }
  }
  return masked;
}

}  // namespace spanwatch::fingerprint
