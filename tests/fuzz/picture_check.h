// CheckPicture: what holds of the bytes of any picture: decoding keeps to its limits and to its own promises, and image
// data is the same for every split. Called by the fuzz target of each format.
#pragma once

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "fingerprint/pdq.h"
#include "image/image_data.h"
#include "image/picture_decoder.h"
#include "image/picture_margins.h"
#include "image/picture_panels.h"

namespace spanwatch::image {

inline constexpr PictureLimits kLimits{.pixels = 1 << 20, .memory_bytes = 1 << 23};

inline void CheckDecoded(ByteView file) {
  const PictureOutcome outcome = DecodePicture(file, kLimits);
  CHECK(outcome.plane.has_value() == (outcome.error == PictureError::kNone));
  if (!outcome.plane) return;
  const LumaPlane& plane = *outcome.plane;
  CHECK(plane.width > 0 && plane.height > 0 && plane.samples.size() == std::size_t{plane.width} * plane.height);
  CHECK(std::uint64_t{plane.picture_width} * plane.picture_height <= kLimits.pixels);
  CHECK(plane.coverage > 0 && plane.coverage <= 1);
  std::vector<LumaRectangle> parts = InnerParts(plane);
  CHECK(parts.size() <= kInnerPartsMax);
  const std::vector<LumaRectangle> panels = Panels(plane);
  CHECK(panels.size() <= kPanelsMax);
  parts.insert(parts.end(), panels.begin(), panels.end());
  for (const LumaRectangle& part : parts) {
    CHECK(part.left >= 0 && part.left < part.right && part.right <= 1);
    CHECK(part.top >= 0 && part.top < part.bottom && part.bottom <= 1);
  }
  parts.insert(parts.end(), {{}, {0.12, 0, 0.96, 0.92}, {0.5, 0.5, 0.501, 0.502}});
  for (const LumaRectangle& part : parts) {
    Luma64 luma;
    Downsample(plane, part, luma);
    for (const float cell : luma) CHECK(std::isfinite(cell) && cell > -1 && cell < 256);
    CHECK(fingerprint::Pdq(luma).quality <= 100);
  }
}

inline void CheckPart(ByteView file) {
  const auto size = static_cast<std::uint32_t>(file.size());
  const std::uint32_t left = file.front() % 64u, top = file.back() % 64u;
  PictureLimits limits = kLimits;
  limits.part = {left, top, left + 1 + size % 40, top + 1 + size % 23};
  const PictureOutcome outcome = DecodePicture(file, limits);
  if (!outcome.plane) return;
  const LumaPlane& plane = *outcome.plane;
  CHECK(plane.width == limits.part->width() && plane.height == limits.part->height());
  CHECK(plane.samples.size() == std::size_t{plane.width} * plane.height);
  CHECK(plane.coverage > 0 && plane.coverage <= 1);
}

// Both at once are what each alone is.
inline void CheckPictureAndPart(ByteView file) {
  const double left = file[file.size() / 2] / 256.0, top = file[file.size() / 3] / 256.0;
  const LumaRectangle part{left, top, std::min(left + 0.2, 1.0), std::min(top + 0.3, 1.0)};
  const PictureAndPart both = DecodeJpegAndPart(file, kLimits, part);
  if (!both.part) return;
  const PictureOutcome whole = DecodePicture(file, kLimits);
  CHECK(whole.plane && whole.plane->samples == both.whole.plane->samples);
  PictureLimits of_part = kLimits;
  of_part.part = both.place;
  const PictureOutcome alone = DecodePicture(file, of_part);
  CHECK(alone.plane && alone.plane->samples == both.part->samples);
}

inline Bytes Extract(ByteView file, const PictureFormat& format, std::size_t piece, bool& complete) {
  ImageDataExtractor extractor(format);
  Bytes extracted;
  for (std::size_t at = 0; at < file.size(); at += piece) {
    const ByteView part = file.subspan(at, std::min(piece, file.size() - at));
    const Bytes copy(part.begin(), part.end());  // of exact size, for the sanitizer
    extractor.Update(copy,
                     [&](ByteView data, std::size_t) { extracted.insert(extracted.end(), data.begin(), data.end()); });
  }
  complete = extractor.complete();
  return extracted;
}

inline int CheckPicture(const PictureFormat& format, ByteView file) {
  if (file.empty()) return 0;
  CheckDecoded(file);
  CheckPart(file);
  CheckPictureAndPart(file);
  bool whole = false;
  bool split = false;
  CHECK(Extract(file, format, file.size(), whole) == Extract(file, format, 1 + file.back() % 7, split));
  CHECK(whole == split);
  return 0;
}

}  // namespace spanwatch::image
