// TokensOf: what TextTokeniser finds in a text that comes in blocks and is looked through every so many of them. For
// the tests that compare its paths and cuts.
#pragma once

#include <string>
#include <vector>

#include "fingerprint/text_tokeniser.h"

namespace spanwatch::fingerprint {

// Each token as its place ('p' plain, 'j' joined, 'f' plate field, 'v' value, 'g' glued) and K0, in the order they were
// told.
inline std::vector<std::string> TokensOf(std::string_view text, MaskPath path, std::size_t scan_each,
                                         const WantedShapes& wanted) {
  TextTokeniser tokeniser(wanted, false, path);
  TextMasks masks;
  std::vector<std::string> told;
  const auto scan = [&](bool final) {
    tokeniser.Scan(final, masks);
    for (const PlateToken& token : tokeniser.tokens()) {
      told.emplace_back(1, "pjfvg"[static_cast<std::size_t>(token.place)]);
      for (PlateWord word = token.word; word != 0; word >>= 8) told.back() += static_cast<char>(word & 0xFF);
    }
    tokeniser.Discard();
  };
  constexpr std::size_t kBlock = 64;
  for (std::size_t i = 0, blocks = 1; i < text.size(); i += kBlock, ++blocks) {
    tokeniser.Append(AsBytes(text.substr(i, kBlock)), 0, i);
    if (blocks % scan_each == 0) scan(false);
  }
  scan(true);
  return told;
}

}  // namespace spanwatch::fingerprint
