// DecodeTiff: as DecodePicture (image/picture_decoder.h), of a TIFF or BigTIFF by libtiff: the first directory that is
// no reduced copy of another. Read are uncompressed samples, PackBits, LZW, Deflate, JPEG and what fax machines use; of
// 1 to 16 bits, in strips or tiles, with a palette, in colours or inks. Any other coding gives kUnsupported. Any
// thread.
#pragma once

#include "image/picture_decoder.h"

namespace spanwatch::image {

PictureOutcome DecodeTiff(ByteView file, const PictureLimits& limits) noexcept;

}  // namespace spanwatch::image
