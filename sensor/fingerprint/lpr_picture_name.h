// The name that a plate reader gives a picture: time, camera and plate, as in `20190513-021140_3_ABC1234.jpg` (Vivotek,
// GeoVision; domain.md section 5.3). Read by LprFileNames from the names of objects and by RecordFieldFinder from names
// in text. Pure; safe from any thread; no allocation.
#pragma once

#include <string_view>

#include "fingerprint/plate_word.h"

namespace spanwatch::fingerprint {

struct LprPictureName {
  bool dated = false;   // has a date with a time: yyyyMMdd and hhmmss, together or one after the other
  PlateWord plate = 0;  // the last word of a listed shape that counts anywhere, in upper case; 0: none
};

// `stem`: the name without folder and extension. Of a longer one the first 16 words are looked at.
LprPictureName ReadLprPictureName(std::string_view stem);

}  // namespace spanwatch::fingerprint
