#include "image/bmp_header.h"

#include <algorithm>
#include <bit>

#include "base/byte_reader.h"

namespace spanwatch::image {
namespace {

constexpr std::uint32_t kBmpCoreBytes = 12, kBmpInfoBytes = 40, kBmpMasksBytes = 52, kBmpOs2Bytes = 64;

BmpCompression BmpCompressionOf(std::uint32_t written, std::uint32_t header_bytes) {
  constexpr BmpCompression kWindows[] = {BmpCompression::kNone,      BmpCompression::kRle8, BmpCompression::kRle4,
                                         BmpCompression::kBitFields, BmpCompression::kJpeg, BmpCompression::kPng,
                                         BmpCompression::kBitFields};  // with a mask of transparency
  // OS/2 means Huffman coding and RLE of 24 bits by the numbers 3 and 4.
  const bool os2 = header_bytes == kBmpOs2Bytes || header_bytes == 16;
  return written < (os2 ? 3 : std::size(kWindows)) ? kWindows[written] : BmpCompression::kOther;
}

bool BmpBitsFit(const BmpHeader& header) {
  switch (header.compression) {
    case BmpCompression::kRle8:
      return header.bits == 8;
    case BmpCompression::kRle4:
      return header.bits == 4;
    case BmpCompression::kBitFields:
      return header.bits == 16 || header.bits == 32;
    case BmpCompression::kNone:
      return std::has_single_bit(header.bits) ? header.bits <= 32 : header.bits == 24;
    default:
      return true;
  }
}

}  // namespace

std::optional<std::uint32_t> BmpHeaderBytes(ByteView head) noexcept {
  constexpr std::array<std::uint32_t, 8> kLengths = {kBmpCoreBytes, 16, kBmpInfoBytes, kBmpMasksBytes, 56, kBmpOs2Bytes,
                                                     108,           124};
  ByteReader reader(head);
  if (AsText(reader.Take(2)) != "BM") return std::nullopt;
  reader.Skip(12);
  const std::uint32_t length = reader.U32Le();
  if (!reader.ok() || std::ranges::find(kLengths, length) == kLengths.end()) return std::nullopt;
  return length;
}

std::optional<BmpHeader> ReadBmpHeader(ByteView head) noexcept {
  const auto length = BmpHeaderBytes(head);
  if (!length) return std::nullopt;
  BmpHeader header{.header_bytes = *length};
  ByteReader reader(head);
  reader.Skip(2);
  header.file_bytes = reader.U32Le();
  reader.Skip(4);
  header.pixels_at = reader.U32Le();
  reader.Skip(4);
  const auto width = static_cast<std::int32_t>(header.core() ? reader.U16Le() : reader.U32Le());
  const auto height = static_cast<std::int32_t>(header.core() ? reader.U16Le() : reader.U32Le());
  const std::uint16_t planes = reader.U16Le();
  header.bits = reader.U16Le();
  if (*length > 16) {
    header.compression = BmpCompressionOf(reader.U32Le(), *length);
    reader.Skip(12);
    header.colours = reader.U32Le();
    reader.Skip(4);
  }
  header.masks = header.bits == 16 ? std::array<std::uint32_t, 3>{0x7C00, 0x03E0, 0x001F}
                                   : std::array<std::uint32_t, 3>{0xFF0000, 0x00FF00, 0x0000FF};
  if (header.compression == BmpCompression::kBitFields) {  // in a longer header, or behind one of 40 bytes
    for (std::uint32_t& mask : header.masks) mask = reader.U32Le();
  }
  constexpr std::int32_t kSideMax = 1 << 24;
  const bool sides = width > 0 && width <= kSideMax && height != 0 && height >= -kSideMax && height <= kSideMax;
  if (!reader.ok() || planes != 1 || !sides || !BmpBitsFit(header)) return std::nullopt;
  if (header.pixels_at < BmpHeader::kFileBytes + *length || header.pixels_at > (1u << 20)) return std::nullopt;
  header.width = static_cast<std::uint32_t>(width);
  header.top_down = height < 0;
  header.height = static_cast<std::uint32_t>(header.top_down ? -height : height);
  return header;
}

}  // namespace spanwatch::image
