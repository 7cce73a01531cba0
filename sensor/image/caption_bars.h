// CaptionData: where the coded data of caption bars lie in a JPEG. A camera writes its place and the time into a bar of
// one tone; unrelated pictures with the same words there, or only the same clock, have the bytes of whole runs of
// blocks in common, so that enrolment takes no fragment from them. Pure; any thread.
#pragma once

#include <vector>

#include "image/picture_decoder.h"

namespace spanwatch::image {

struct DataRange {
  std::uint64_t begin = 0;  // bytes of the file
  std::uint64_t end = 0;
};

// Ascending: rows of blocks of which a quarter or more have exactly one tone, the same, and of whose other samples a
// fifth lie near it, as the background between letters does. Nothing where more than a third of the rows are so: that
// is a picture between bars, or one of few tones. Of a file of several scans the rows of each; nothing of one that
// DecodeJpegBands does not decode. Costs a decode at half the size, but only where `whole` (the plane of DecodePicture)
// shows a bar.
std::vector<DataRange> CaptionData(ByteView jpeg, const LumaPlane& whole, const PictureLimits& limits) noexcept;

}  // namespace spanwatch::image
