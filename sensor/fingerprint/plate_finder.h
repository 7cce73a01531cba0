// PlateFinder: whether a plate is looked for as it is written, asked by enrolment of every plate that it registers. The
// tokeniser of detection answers, so what it says holds. One thread; it keeps scratch memory alone.
#pragma once

#include <string>
#include <string_view>

#include "fingerprint/text_masks.h"

namespace spanwatch::fingerprint {

class PlateFinder {
 public:
  // `field`: the name that a table gives its plates. Any that names plates (NamesPlate) is as good as another.
  explicit PlateFinder(std::string_view field);

  // Whether some variant of the plate (PlateVariants) is a token of a text in which `written` is a value of the field.
  bool Finds(std::string_view written);

 private:
  std::string field_;
  TextMasks masks_;
  std::string text_;
};

}  // namespace spanwatch::fingerprint
