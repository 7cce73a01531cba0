// BMP (image/bmp_header.h): a header, a colour table, and rows that stand bottom up, or top down where the height is
// negative, each padded to four bytes; or RLE of 4 or 8 bits; or, as printers have it, a JPEG or a PNG. Image data are
// all bytes behind the colour table. OS/2's Huffman coding and RLE of 24 bits are not read.
#include <algorithm>
#include <bit>

#include "base/byte_reader.h"
#include "image/bmp_header.h"
#include "image/field_walker.h"
#include "image/plane_builder.h"

namespace spanwatch::image {
namespace {

class BmpWalker final : public FieldWalker {
 public:
  BmpWalker() : FieldWalker(BmpHeader::kLengthBytes) {}

 protected:
  Outcome Advance(ByteView fields) noexcept override {
    if (!fields.empty()) {
      std::ranges::copy(fields, head_.begin() + static_cast<std::ptrdiff_t>(have_));
      have_ += fields.size();
      if (have_ == BmpHeader::kLengthBytes) return WantRest();
      return PassTable();
    }
    if (data_bytes_ == 0) return Outcome::kEnded;
    Pass(data_bytes_, Kind::kData);
    data_bytes_ = 0;
    return Outcome::kMore;
  }

 private:
  // What a header of 40 bytes leaves to the masks behind it.
  static constexpr std::uint32_t kMasksBehind = 12;

  Outcome WantRest() {
    const auto length = BmpHeaderBytes(head_);
    if (!length) return Outcome::kBroken;
    ByteReader reader(head_);
    reader.Skip(10);
    const std::uint32_t masks =
        *length == 40 && reader.U32Le() >= BmpHeader::kFileBytes + *length + kMasksBehind ? kMasksBehind : 0;
    Gather(*length - 4 + masks, Kind::kTable);
    return Outcome::kMore;
  }
  Outcome PassTable() {
    const auto header = ReadBmpHeader(ByteView(head_).first(have_));
    if (!header || header->pixels_at < have_) return Outcome::kBroken;
    data_bytes_ = header->plain() ? header->row_bytes() * header->height : 0;
    const std::uint64_t end = header->pixels_at + data_bytes_;
    // What is said to lie behind the rows is a colour profile.
    constexpr std::uint64_t kProfileMax = 1 << 20;
    if (header->file_bytes > end && (!header->plain() || header->file_bytes - end <= kProfileMax)) {
      data_bytes_ = header->file_bytes - header->pixels_at;
    }
    if (data_bytes_ == 0) return Outcome::kBroken;
    Pass(header->pixels_at - have_, Kind::kTable);
    return Outcome::kMore;
  }

  std::array<std::uint8_t, BmpHeader::kBytesMax> head_{};
  std::size_t have_ = 0;
  std::uint64_t data_bytes_ = 0;
};

// Of an index; what lies beyond the table is black.
std::array<std::uint8_t, 256> BmpPalette(ByteView file, const BmpHeader& header) {
  std::array<std::uint8_t, 256> palette{};
  const std::size_t entry = header.core() ? 3 : 4;
  const std::size_t begin = BmpHeader::kFileBytes + header.header_bytes;
  const std::size_t all = std::size_t{1} << header.bits;
  const std::size_t told = header.colours == 0 ? all : std::min<std::size_t>(header.colours, all);
  const std::size_t end = std::min<std::size_t>(header.pixels_at, file.size());
  const std::size_t count = std::min(told, (end - std::min(begin, end)) / entry);
  for (std::size_t i = 0; i < count; ++i) {
    const ByteView bgr = file.subspan(begin + i * entry, 3);
    palette[i] = LumaOf(bgr[2], bgr[1], bgr[0]);
  }
  return palette;
}

// One colour of a pixel of 16 or 32 bits, as a byte.
class BmpChannel {
 public:
  explicit BmpChannel(std::uint32_t mask)
      : mask_(mask), shift_(mask == 0 ? 0 : std::countr_zero(mask)), highest_(mask == 0 ? 1 : mask >> shift_) {}
  unsigned Of(std::uint32_t pixel) const {
    return static_cast<unsigned>(std::uint64_t{(pixel & mask_) >> shift_} * 255 / highest_);
  }

 private:
  std::uint32_t mask_;
  int shift_;
  std::uint32_t highest_;
};

// The luminance of a row as it stands in the file.
class BmpRow {
 public:
  BmpRow(ByteView file, const BmpHeader& header)
      : header_(header),
        channels_{BmpChannel(header.masks[0]), BmpChannel(header.masks[1]), BmpChannel(header.masks[2])},
        luma_(header.width) {
    if (header.bits <= 8) palette_ = BmpPalette(file, header);
  }

  // REQUIRES: row_bytes(). Valid until the next call.
  const std::uint8_t* Of(const std::uint8_t* row) {
    for (std::uint32_t x = 0; x < header_.width; ++x) luma_[x] = Pixel(row, x);
    return luma_.data();
  }
  const std::array<std::uint8_t, 256>& palette() const { return palette_; }

 private:
  std::uint8_t Pixel(const std::uint8_t* row, std::uint32_t x) const {
    switch (header_.bits) {
      case 8:
        return palette_[row[x]];
      case 16:
        return Masked(row[2 * x] | static_cast<std::uint32_t>(row[2 * x + 1]) << 8);
      case 24:
        return LumaOf(row[3 * x + 2], row[3 * x + 1], row[3 * x]);
      case 32:
        return Masked(ByteReader({row + std::size_t{4} * x, 4}).U32Le());
      default: {
        const unsigned bit = x * header_.bits;
        return palette_[row[bit / 8] >> (8 - header_.bits - bit % 8) & ((1u << header_.bits) - 1)];
      }
    }
  }
  std::uint8_t Masked(std::uint32_t pixel) const {
    return LumaOf(channels_[0].Of(pixel), channels_[1].Of(pixel), channels_[2].Of(pixel));
  }

  const BmpHeader& header_;
  std::array<BmpChannel, 3> channels_;
  std::array<std::uint8_t, 256> palette_{};
  std::vector<std::uint8_t> luma_;
};

// RLE of 4 or 8 bits (Windows GDI, Bitmap Compression): runs, runs of single pixels, moves. What is passed over is
// grey.
class BmpRleCanvas {
 public:
  BmpRleCanvas(const BmpHeader& header, const std::array<std::uint8_t, 256>& palette)
      : header_(header), palette_(palette), luma_(std::size_t{header.width} * header.height, 128) {}

  // Returns the rows that were begun.
  std::uint32_t Read(ByteView data) {
    ByteReader reader(data);
    while (reader.remaining() >= 2 && y_ < header_.height) {
      const std::uint8_t count = reader.U8(), value = reader.U8();
      if (count > 0) {
        for (unsigned i = 0; i < count; ++i) Put(header_.bits == 8 ? value : Nibble(value, i));
      } else if (value == 0) {
        x_ = 0;
        ++y_;
      } else if (value == 1) {
        return header_.height;
      } else if (value == 2) {
        x_ += reader.U8();
        y_ += reader.U8();
      } else {
        Literal(reader, value);
      }
    }
    return std::min(header_.height, y_ + (x_ > 0 ? 1 : 0));
  }
  // As the picture is seen.
  const std::uint8_t* Row(std::uint32_t row) const {
    return luma_.data() + std::size_t{header_.top_down ? row : header_.height - 1 - row} * header_.width;
  }

 private:
  static std::uint8_t Nibble(std::uint8_t pair, unsigned i) { return i % 2 == 0 ? pair >> 4 : pair & 15; }

  // Padded to two bytes.
  void Literal(ByteReader& reader, unsigned count) {
    const std::size_t bytes = header_.bits == 8 ? count : (count + 1) / 2;
    const ByteView values = reader.Take(std::min(bytes, reader.remaining()));
    if (bytes % 2 != 0 && reader.remaining() > 0) reader.Skip(1);
    for (unsigned i = 0; i < count; ++i) {
      const std::size_t at = header_.bits == 8 ? i : i / 2;
      if (at < values.size()) Put(header_.bits == 8 ? values[at] : Nibble(values[at], i));
    }
  }
  void Put(std::uint8_t index) {
    if (x_ < header_.width && y_ < header_.height) luma_[std::size_t{y_} * header_.width + x_] = palette_[index];
    ++x_;
  }

  const BmpHeader& header_;
  const std::array<std::uint8_t, 256>& palette_;
  std::vector<std::uint8_t> luma_;
  std::uint32_t x_ = 0, y_ = 0;  // from the first row in the file
};

PictureOutcome DecodeBmpRle(ByteView file, const BmpHeader& header, const PictureLimits& limits) {
  const std::uint64_t pixels = std::uint64_t{header.width} * header.height;
  if (const PictureError error = PlaneBuilder::Admit(header.width, header.height, pixels, limits);
      error != PictureError::kNone) {
    return {.plane = std::nullopt, .error = error};
  }
  PlaneBuilder builder(header.width, header.height, limits);
  const auto palette = BmpPalette(file, header);
  BmpRleCanvas canvas(header, palette);
  const std::uint32_t rows = canvas.Read(file.subspan(header.pixels_at));
  if (rows == 0) return builder.Finish();
  for (std::uint32_t row = 0; row < header.height; ++row) builder.Add(row, canvas.Row(row));
  return builder.Finish(static_cast<float>(rows) / static_cast<float>(header.height));
}

PictureOutcome DecodeBmpRows(ByteView file, const BmpHeader& header, const PictureLimits& limits) {
  if (const PictureError error = PlaneBuilder::Admit(header.width, header.height, header.width, limits);
      error != PictureError::kNone) {
    return {.plane = std::nullopt, .error = error};
  }
  PlaneBuilder builder(header.width, header.height, limits);
  BmpRow luma(file, header);
  const ByteView data = file.subspan(header.pixels_at);
  for (std::uint32_t row = builder.first_row() / 8 * 8; row < builder.end_row(); ++row) {
    const std::uint64_t at = (header.top_down ? row : header.height - 1 - row) * header.row_bytes();
    if (at + header.row_bytes() <= data.size()) builder.Add(row, luma.Of(data.data() + at));
  }
  return builder.Finish();
}

PictureOutcome DecodeBmp(ByteView file, const PictureLimits& limits) noexcept {
  const auto header = ReadBmpHeader(file.first(std::min(file.size(), BmpHeader::kBytesMax)));
  if (!header || header->pixels_at >= file.size()) return {.plane = std::nullopt, .error = PictureError::kUnreadable};
  const ByteView data = file.subspan(header->pixels_at);
  switch (header->compression) {
    case BmpCompression::kNone:
    case BmpCompression::kBitFields:
      return DecodeBmpRows(file, *header, limits);
    case BmpCompression::kRle8:
    case BmpCompression::kRle4:
      return DecodeBmpRle(file, *header, limits);
    case BmpCompression::kJpeg:
      return kJpegFormat.decode(data, limits);
    case BmpCompression::kPng:
      return kPngFormat.decode(data, limits);
    case BmpCompression::kOther:
      break;
  }
  return {.plane = std::nullopt, .error = PictureError::kUnsupported};
}

bool BeginsBmp(ByteView head) noexcept {
  return head.size() >= BmpHeader::kLengthBytes && BmpHeaderBytes(head).has_value();
}

bool IsPlausibleBmp(ByteView head) noexcept {
  if (!BeginsBmp(head)) return false;
  ByteReader reader(head);
  reader.Skip(6);
  const bool reserved = reader.U32Le() == 0;
  const std::uint32_t pixels_at = reader.U32Le();
  const bool core = reader.U32Le() == 12;
  reader.Skip(core ? 4 : 8);
  return reserved && pixels_at <= (1u << 20) && reader.U16Le() == 1 && reader.U16Le() <= 32 && reader.ok();
}

}  // namespace

constinit const PictureFormat kBmpFormat = {
    .type = FileType::kBmp,
    .name = "bmp",
    .begins = BeginsBmp,
    .plausible = IsPlausibleBmp,
    .walk = []() -> std::unique_ptr<PictureWalker> { return std::make_unique<BmpWalker>(); },
    .decode = DecodeBmp,
};

}  // namespace spanwatch::image
