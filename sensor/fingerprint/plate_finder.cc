#include "fingerprint/plate_finder.h"

#include <algorithm>

#include "fingerprint/plate_normaliser.h"
#include "fingerprint/plate_word.h"
#include "fingerprint/record_fields.h"
#include "fingerprint/text_tokeniser.h"

namespace spanwatch::fingerprint {

PlateFinder::PlateFinder(std::string_view field) : field_(NamesPlate(field) ? "plate" : field) {}

bool PlateFinder::Finds(std::string_view written) {
  static const WantedShapes kEvery = WantedShapes::All();
  TextTokeniser tokeniser(kEvery);
  text_ = field_ + "\n\"";
  text_ += written;
  text_ += "\"\n";
  for (std::size_t i = 0; i < text_.size(); i += TextMasks::kBits) {
    tokeniser.Append(AsBytes(std::string_view(text_).substr(i, TextMasks::kBits)), 0, i);
  }
  tokeniser.Scan(true, masks_);
  const std::vector<std::string> variants = PlateVariants(written);
  return std::ranges::any_of(tokeniser.tokens(), [&](const PlateToken& token) {
    return std::ranges::any_of(variants, [&](const std::string& plate) { return ToPlateWord(plate) == token.word; });
  });
}

}  // namespace spanwatch::fingerprint
