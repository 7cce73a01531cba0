#include "fingerprint/lpr_file_names.h"

#include <algorithm>

#include "fingerprint/lpr_picture_name.h"

namespace spanwatch::fingerprint {
namespace {

std::string_view StemOf(std::string_view name) {
  if (const auto slash = name.find_last_of("/\\"); slash != std::string_view::npos) name.remove_prefix(slash + 1);
  return name.substr(0, name.rfind('.'));
}

}  // namespace

bool LprFileNames::Add(std::string_view name) noexcept {
  const LprPictureName picture = ReadLprPictureName(StemOf(name));
  if (picture.dated) {
    ++dated_;
    if (picture.plate != 0) {
      ++plates_;
      const PlateWord letters = LettersAlone(picture.plate);
      const auto known = letters_.begin() + static_cast<std::ptrdiff_t>(distinct_);
      if (distinct_ < kDistinct && std::find(letters_.begin(), known, letters) == known) {
        letters_[distinct_++] = letters;
      }
    }
  }
  return distinct_ == kDistinct && plates_ * 2 >= dated_;
}

}  // namespace spanwatch::fingerprint
