// LprFileNames: are the file names of a conversation those of a plate reader? Readers that push pictures by FTP or into
// archives name them by time, camera and plate (lpr_picture_name.h); no plate of them need be registered (domain.md
// section 5.3, E5).
//
// One time stamp beside one plate-shaped word says little: cameras and phones number their pictures. Believed once
// eight such names differ in the letters of that word, and at least half of the names with a time stamp have one. One a
// flow; one thread; no allocation.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "fingerprint/plate_word.h"

namespace spanwatch::fingerprint {

class LprFileNames {
 public:
  // True from the name on that settles it. A path or a bare name; names told twice do no harm.
  bool Add(std::string_view name) noexcept;

 private:
  static constexpr std::size_t kDistinct = 8;
  std::array<PlateWord, kDistinct> letters_{};  // of plate-shaped words
  std::size_t distinct_ = 0;
  std::uint64_t dated_ = 0;
  std::uint64_t plates_ = 0;
};

}  // namespace spanwatch::fingerprint
