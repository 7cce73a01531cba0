// BmpHeader: the file header and bitmap header of a BMP (Windows GDI, BITMAPFILEHEADER and BITMAPINFOHEADER to
// BITMAPV5HEADER; OS/2, BITMAPCOREHEADER and BITMAPINFOHEADER2). Pure.
#pragma once

#include <array>
#include <optional>

#include "base/bytes.h"

namespace spanwatch::image {

enum class BmpCompression : std::uint8_t { kNone, kRle8, kRle4, kBitFields, kJpeg, kPng, kOther };

struct BmpHeader {
  static constexpr std::size_t kFileBytes = 14;
  // So many bytes tell how long the header is, and so many hold all of it.
  static constexpr std::size_t kLengthBytes = kFileBytes + 4, kBytesMax = kFileBytes + 124;

  std::uint32_t file_bytes = 0;    // as written; 0 or wrong in many files
  std::uint32_t pixels_at = 0;     // in the file
  std::uint32_t header_bytes = 0;  // without the file header
  std::uint32_t width = 0, height = 0;
  bool top_down = false;
  unsigned bits = 0;  // a pixel: 1, 2, 4, 8, 16, 24 or 32
  BmpCompression compression = BmpCompression::kNone;
  std::uint32_t colours = 0;             // of the table; 0: as many as the bits can tell apart
  std::array<std::uint32_t, 3> masks{};  // red, green and blue of 16 or 32 bits

  bool core() const { return header_bytes == 12; }  // three bytes a colour
  bool plain() const { return compression == BmpCompression::kNone || compression == BmpCompression::kBitFields; }
  std::uint64_t row_bytes() const { return (std::uint64_t{width} * bits + 31) / 32 * 4; }
};

// The length of the bitmap header, where it is one that is known. REQUIRES: kLengthBytes
std::optional<std::uint32_t> BmpHeaderBytes(ByteView head) noexcept;
// REQUIRES: kBytesMax of the file, or all. Nothing of what is no BMP.
std::optional<BmpHeader> ReadBmpHeader(ByteView head) noexcept;

}  // namespace spanwatch::image
