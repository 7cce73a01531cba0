// PictureHashes: the renderings of one picture of the wire that are looked up. Copies are found whole, trimmed, framed,
// turned or inverted, as far as that is cheap here; what cannot be guessed from the copy is registered as views
// (file_fingerprint.h). Used by the perceptual family and by the recall bench; pure.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>

#include "fingerprint/pdq.h"
#include "image/picture_margins.h"
#include "image/picture_panels.h"

namespace spanwatch::fingerprint {

inline constexpr std::size_t kLevelledPartsMax = 3;
inline constexpr std::size_t kPicturePartsMax = 3 + image::kInnerPartsMax + image::kPanelsMax + kLevelledPartsMax;

// The samples that the parts were cut from, a few ten thousand, and where: for a second look at what is found.
struct PictureSamples {
  image::LumaPlane plane;
  std::optional<image::LumaPlane> levelled;       // turned back, where it had been turned by a few degrees
  std::size_t first_levelled = kPicturePartsMax;  // the first part that was cut from that
  std::array<image::LumaRectangle, kPicturePartsMax> places{};  // of the parts

  const image::LumaPlane& PlaneOf(std::size_t part) const { return part >= first_levelled ? *levelled : plane; }
};

struct PictureHashes {
  PdqResult whole;
  // The picture trimmed by half the step of the registered crops; without its lower or upper 12 %, where captions,
  // time stamps and logos are; what lies inside its borders and bars; what straight edges enclose; and the picture
  // turned back, where filled corners show that it was turned by a few degrees.
  std::array<PdqResult, kPicturePartsMax> parts{};
  std::uint8_t part_count = 0;
  std::shared_ptr<const PictureSamples> samples;  // may be gone: then nothing is looked at twice

  std::span<const PdqResult> Parts() const { return std::span(parts).first(part_count); }
};

PictureHashes HashPicture(const image::LumaPlane& plane);

// A way to turn a picture: rows and columns change places first, then each axis may be reversed.
struct Turn {
  bool transpose = false, reverse_rows = false, reverse_columns = false;
};
// What makes the picture again of a view of it that was mirrored or turned. Other views stay as they are.
Turn TurnBack(View view);

// What a copy that was mirrored, turned or inverted hashes to when it is turned back. Few bits differ from the hash of
// the picture turned back itself: those of coefficients near the median.
struct TurnedHash {
  PdqHash hash;
  View view = View::kFull;
  Turn turn = {};  // makes of this picture the one that was registered
  bool inverted = false;
};
std::array<TurnedHash, 8> TurnedHashes(const PdqHash& hash);

}  // namespace spanwatch::fingerprint
