// Encoders of the other formats of pictures that the sensor reads (JPEG and PNG: picture_codec.h), as common writers
// make them. Any thread; values.
#pragma once

#include "support/picture_codec.h"

namespace spanwatch::test {

struct GifOptions {
  bool interlaced = false;
  bool dot_first = false;     // a frame of one pixel comes before the picture
  bool white_behind = false;  // a second frame, all white, comes behind it
};
// Keeps the green of each pixel, as 256 greys.
Bytes EncodeGif(const Picture& picture, const GifOptions& options = {});

enum class BmpKind : std::uint8_t { k24, k32, k16, kMasks16, kPalette, kRle8, kCore };

struct BmpOptions {
  BmpKind kind = BmpKind::k24;  // kPalette and kRle8 keep the green of each pixel, as 256 greys
  bool top_down = false;
};
Bytes EncodeBmp(const Picture& picture, const BmpOptions& options = {});

struct WebpOptions {
  bool lossless = false;
  bool animated = false;  // of two frames, the second the first upside down
  bool metadata = false;  // an extended file with a chunk of metadata
};
Bytes EncodeWebp(const Picture& picture, const WebpOptions& options = {});

enum class TiffCoding : std::uint8_t { kNone, kLzw, kDeflate, kPackBits, kJpeg };

struct TiffOptions {
  TiffCoding coding = TiffCoding::kLzw;
  bool tiled = false;
  bool planes = false;  // a plane of each colour by itself
  bool big_endian = false;
  bool big_tiff = false;
  bool inks = false;       // CMYK
  bool thumbnail = false;  // a reduced copy in the first directory
};
Bytes EncodeTiff(const Picture& picture, const TiffOptions& options = {});

}  // namespace spanwatch::test
