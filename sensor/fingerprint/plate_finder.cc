#include "fingerprint/plate_finder.h"

#include <algorithm>

#include "fingerprint/plate_word.h"

namespace spanwatch::fingerprint {
namespace {

constexpr std::size_t kTextAhead = TextTokeniser::kReach + 4 * TextMasks::kBits;

const WantedShapes& EveryShape() {
  static const WantedShapes kEvery = WantedShapes::All();
  return kEvery;
}

}  // namespace

PlateFinder::PlateFinder() : tokeniser_(EveryShape()) {}

void PlateFinder::Read(std::string_view text) {
  found_.clear();
  std::size_t begin = tokeniser_.text().size();
  for (std::size_t i = 0; i < text.size(); i += TextMasks::kBits) {
    const std::string_view block = text.substr(i, TextMasks::kBits);
    tokeniser_.Append(AsBytes(block), 0, offset_);
    offset_ += block.size();
    if (tokeniser_.waiting() >= kTextAhead) begin = LookThrough(begin);
  }
  // What follows in the table is not known yet: a copy is told that the text ends here.
  TextTokeniser ended = tokeniser_;
  ended.Scan(true, masks_);
  Take(ended, begin);
  std::ranges::sort(found_);
}

// Takes the tokens whose surroundings are there, and forgets the text that is done with. Where the text that began at
// `begin` begins now.
std::size_t PlateFinder::LookThrough(std::size_t begin) {
  tokeniser_.Scan(false, masks_);
  Take(tokeniser_, begin);
  const std::size_t before = tokeniser_.text().size();
  tokeniser_.Discard();
  return begin - std::min(begin, before - tokeniser_.text().size());
}

void PlateFinder::Take(const TextTokeniser& from, std::size_t begin) {
  for (const PlateToken& token : from.tokens()) {
    if (token.end > begin) found_.push_back(token.word);
  }
}

bool PlateFinder::Finds(std::span<const std::string> plates) const {
  return std::ranges::any_of(
      plates, [&](const std::string& plate) { return std::ranges::binary_search(found_, ToPlateWord(plate)); });
}

}  // namespace spanwatch::fingerprint
