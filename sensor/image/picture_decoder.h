// DecodePicture: hostile bytes of a picture to a LumaPlane, by the format that its first bytes tell (formats.def).
// Called by the perceptual family and by enrolment; safe from any thread. A truncated or damaged picture gives what is
// there, and its coverage says how much that is.
//
// JPEG (ITU-T T.81): libjpeg-turbo, luminance only; where the path asks for block means 1/8 scale, and of a progressive
// file only its first scan of luminance DC. What the other formats are decoded by, and what of them is read, stands in
// their own files. Sizes are checked against the limits before anything is allocated.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "image/luma_plane.h"

namespace spanwatch::image {

// Asked with the pixels of a picture before it is decoded: kOverBudget when it says no. Implemented by `fingerprint`.
class PixelBudget {
 public:
  virtual ~PixelBudget() = default;
  virtual bool Affords(std::uint64_t pixels) const noexcept = 0;
};

struct PictureLimits {
  std::uint64_t pixels = 0;
  std::uint64_t memory_bytes = 0;       // for what must be held at once: plane, progressive, interlaced
  bool only_blocks = false;             // a smaller picture is not decoded: kUnreadable
  const PixelBudget* budget = nullptr;  // null: all are welcome
  // The plane is the pixels of this part, however large the picture; what lies below it is not read.
  std::optional<PixelRectangle> part = {};
};

// kUnsupported: of a format that is read, but coded in a way that is not.
enum class PictureError : std::uint8_t { kNone, kUnreadable, kUnsupported, kOverLimit, kOverBudget };

struct PictureOutcome {
  std::optional<LumaPlane> plane;
  PictureError error = PictureError::kNone;
  std::uint64_t work_pixels = 0;  // gone through, each scan anew, whatever came of it
};

PictureOutcome DecodePicture(ByteView file, const PictureLimits& limits) noexcept;
PictureOutcome DecodeJpeg(ByteView file, const PictureLimits& limits) noexcept;

// A picture, and the pixels of a part of it. For enrolment.
struct PictureAndPart {
  PictureOutcome whole;
  PixelRectangle place;           // of the part
  std::optional<LumaPlane> part;  // nothing where none is wanted, it has no pixel, or could not be decoded
};

PictureAndPart DecodePictureAndPart(ByteView file, const PictureLimits& limits,
                                    const std::optional<LumaRectangle>& part) noexcept;
// Both of an intact JPEG of block means with one pass over its data; nothing of any other.
PictureAndPart DecodeJpegAndPart(ByteView file, const PictureLimits& limits, const LumaRectangle& part) noexcept;

// The luminance of a JPEG at half its size, and where in the file the coded data of its bands lie: of rows of the units
// that an encoder writes together, `height` samples each. A file of several scans has data of a band in each.
struct JpegBands {
  struct Data {
    std::size_t band = 0;
    std::uint64_t begin = 0, end = 0;  // bytes of the file, known to within eight
  };
  LumaPlane plane;
  std::uint32_t height = 0;
  std::vector<Data> data;  // ascending
};

// Nothing of a file that is damaged, cut off or over the limits, nor of one whose first component is no luminance. For
// enrolment.
std::optional<JpegBands> DecodeJpegBands(ByteView file, const PictureLimits& limits) noexcept;

}  // namespace spanwatch::image
