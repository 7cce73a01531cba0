// Pictures as plain samples, and the encoders that tests and make_pictures write them with: every kind of JPEG and PNG
// that the sensor reads. Any thread; values.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace spanwatch::test {

struct Picture {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::vector<std::uint8_t> rgb;  // row by row, three bytes a pixel

  Picture() = default;
  Picture(std::uint32_t w, std::uint32_t h) : width(w), height(h), rgb(std::size_t{w} * h * 3) {}
  std::uint8_t* At(std::uint32_t x, std::uint32_t y) { return rgb.data() + (std::size_t{y} * width + x) * 3; }
  const std::uint8_t* At(std::uint32_t x, std::uint32_t y) const {
    return rgb.data() + (std::size_t{y} * width + x) * 3;
  }
};

enum class JpegInk : std::uint8_t { kColour, kGrey, kCmyk };

struct JpegOptions {
  int quality = 85;
  bool progressive = false;
  bool separate_scans = false;  // baseline with a scan for each component
  bool late_luminance = false;  // progressive, DC alone, with nine scans of chrominance before the one of luminance
  bool optimised = false;       // Huffman tables made for this picture
  bool whole_colour = false;    // chrominance as fine as luminance (4:4:4)
  int restart_rows = 0;         // a restart marker after so many rows of blocks
  JpegInk ink = JpegInk::kColour;
};
Bytes EncodeJpeg(const Picture& picture, const JpegOptions& options = {});

enum class PngKind : std::uint8_t { kColour, kGrey, kPalette, kAlpha, kColour16 };

struct PngOptions {
  PngKind kind = PngKind::kColour;
  bool interlaced = false;
};
// kGrey and kPalette keep the green of each pixel, kPalette as 256 greys.
Bytes EncodePng(const Picture& picture, const PngOptions& options = {});

// A whole JPEG or PNG that a test or its user made; an empty picture when it is none. Not for hostile bytes.
Picture DecodeRgb(ByteView file);

// By area where it shrinks, bilinear where it grows.
Picture Resize(const Picture& picture, std::uint32_t width, std::uint32_t height);
// REQUIRES: inside the picture
Picture Crop(const Picture& picture, std::uint32_t left, std::uint32_t top, std::uint32_t width, std::uint32_t height);

}  // namespace spanwatch::test
