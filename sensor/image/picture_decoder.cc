#include "image/picture_decoder.h"

#include <algorithm>

#include "image/picture_format.h"

namespace spanwatch::image {

PictureOutcome DecodePicture(ByteView file, const PictureLimits& limits) noexcept {
  const PictureFormat* format = SniffFormat(file.first(std::min(file.size(), kSniffBytes)));
  if (format == nullptr) return {.plane = std::nullopt, .error = PictureError::kUnreadable};
  return format->decode(file, limits);
}

PictureAndPart DecodePictureAndPart(ByteView file, const PictureLimits& limits,
                                    const std::optional<LumaRectangle>& part) noexcept {
  if (part && SniffType(file.first(std::min(file.size(), kSniffBytes))) == FileType::kJpeg) {
    PictureAndPart at_once = DecodeJpegAndPart(file, limits, *part);
    if (at_once.part) return at_once;
  }
  PictureAndPart result{.whole = DecodePicture(file, limits), .place = {}, .part = {}};
  if (!part || !result.whole.plane) return result;
  const LumaPlane& whole = *result.whole.plane;
  result.place = PixelsOf(*part, whole.picture_width, whole.picture_height);
  if (!result.place.Within(whole.picture_width, whole.picture_height)) return result;
  if (whole.width == whole.picture_width) {
    result.part = Cut(whole, result.place);
  } else {
    PictureLimits of_part = limits;
    of_part.part = result.place;
    result.part = DecodePicture(file, of_part).plane;
  }
  return result;
}

}  // namespace spanwatch::image
