// PNG (W3C, third edition): a signature, chunks, IEND. Image data are the payloads of IDAT. libspng decodes it: 16
// bits, palettes and interlacing included, transparency ignored.
#include <spng.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <memory>

#include "base/byte_reader.h"
#include "image/field_walker.h"
#include "image/plane_builder.h"

namespace spanwatch::image {
namespace {

constexpr std::size_t kChunkBytesMax = 16u << 20;  // of one ancillary chunk, unpacked
constexpr std::size_t kChunksBytesMax = 32u << 20;
constexpr std::uint64_t kRowBytesOfPixel = 3 * 8 + 3;  // libspng's rows of up to 8 bytes a pixel, and ours

struct FreePngContext {
  void operator()(spng_ctx* context) const { spng_ctx_free(context); }
};
using PngContext = std::unique_ptr<spng_ctx, FreePngContext>;

constexpr std::size_t kPixelsOfByte = 8;  // at most

std::uint8_t PngLuma(const std::uint8_t* rgb) { return LumaOf(rgb[0], rgb[1], rgb[2]); }

// The luminance of rows as they stand in the file (PNG, section 7.2), since libspng takes longer to make colours of
// them than to unpack them.
class PngRowLuma {
 public:
  explicit PngRowLuma(const spng_ihdr& header) : header_(header), luma_(header.width + kPixelsOfByte) {}

  // After the palette was read; nothing of a palette that is not there.
  bool Prepare(spng_ctx* context) {
    const bool indexed = header_.color_type == SPNG_COLOR_TYPE_INDEXED;
    if (!indexed && (header_.color_type != SPNG_COLOR_TYPE_GRAYSCALE || header_.bit_depth == 16)) return true;
    spng_plte palette{};
    if (indexed && spng_get_plte(context, &palette) != 0) return false;
    const unsigned depth = header_.bit_depth;
    const unsigned highest = (1u << depth) - 1;
    for (unsigned byte = 0; byte < of_byte_.size(); ++byte) {
      for (unsigned pixel = 0; pixel < 8 / depth; ++pixel) {
        const unsigned value = byte >> (8 - depth - pixel * depth) & highest;
        const spng_plte_entry& entry = palette.entries[value];
        const std::uint8_t rgb[3] = {entry.red, entry.green, entry.blue};
        of_byte_[byte][pixel] = indexed ? (value < palette.n_entries ? PngLuma(rgb) : std::uint8_t{0})
                                        : static_cast<std::uint8_t>(value * 255 / highest);
      }
    }
    return true;
  }

  // Valid until the next call.
  const std::uint8_t* Of(const std::uint8_t* raw) {
    const std::size_t bytes = header_.bit_depth == 16 ? 2 : 1;  // of a sample; of two the first is the higher
    switch (header_.color_type) {
      case SPNG_COLOR_TYPE_TRUECOLOR:
        return OfColours(raw, 3 * bytes, bytes);
      case SPNG_COLOR_TYPE_TRUECOLOR_ALPHA:
        return OfColours(raw, 4 * bytes, bytes);
      case SPNG_COLOR_TYPE_GRAYSCALE_ALPHA:
        return OfSamples(raw, 2 * bytes);
      default:
        return header_.bit_depth == 16 ? OfSamples(raw, bytes) : OfPacked(raw);
    }
  }

 private:
  const std::uint8_t* OfColours(const std::uint8_t* raw, std::size_t stride, std::size_t bytes) {
    for (std::uint32_t x = 0; x < header_.width; ++x, raw += stride) {
      const std::uint8_t rgb[3] = {raw[0], raw[bytes], raw[2 * bytes]};
      luma_[x] = PngLuma(rgb);
    }
    return luma_.data();
  }
  const std::uint8_t* OfSamples(const std::uint8_t* raw, std::size_t stride) {
    for (std::uint32_t x = 0; x < header_.width; ++x) luma_[x] = raw[x * stride];
    return luma_.data();
  }
  const std::uint8_t* OfPacked(const std::uint8_t* raw) {
    const std::uint32_t pixels = 8u / header_.bit_depth;
    for (std::uint32_t x = 0; x < header_.width; x += pixels) {
      std::memcpy(luma_.data() + x, of_byte_[*raw++].data(), pixels);
    }
    return luma_.data();
  }

  const spng_ihdr& header_;
  std::vector<std::uint8_t> luma_;
  std::array<std::array<std::uint8_t, kPixelsOfByte>, 256> of_byte_{};
};

std::size_t BytesOfPngRow(const spng_ihdr& header) {
  constexpr std::size_t kChannels[] = {1, 0, 3, 1, 2, 0, 4};  // by colour type
  return (std::size_t{header.width} * header.bit_depth * kChannels[header.color_type] + 7) / 8;
}

// Rows of an interlaced picture come in seven passes into one canvas.
PictureOutcome ReadInterlacedPng(spng_ctx* context, const spng_ihdr& header, const PictureLimits& limits) {
  const std::size_t stride = std::size_t{header.width} * 3;
  std::vector<std::uint8_t> canvas(stride * header.height, 128);
  std::uint64_t rows = 0;
  std::uint64_t last_pass_rows = 0;
  int result = 0;
  while (result == 0) {
    spng_row_info row{};
    if (spng_get_row_info(context, &row) != 0 || row.row_num >= header.height) break;
    result = spng_decode_row(context, canvas.data() + row.row_num * stride, stride);
    if (result != 0 && result != SPNG_EOI) break;
    ++rows;
    last_pass_rows += row.pass == 6 ? 1 : 0;
  }
  PlaneBuilder builder(header.width, header.height, limits);
  if (rows == 0) return builder.Finish();
  std::vector<std::uint8_t> luma(header.width);
  for (std::uint32_t row = 0; row < header.height; ++row) {
    for (std::uint32_t x = 0; x < header.width; ++x)
      luma[x] = PngLuma(canvas.data() + row * stride + std::size_t{x} * 3);
    builder.Add(row, luma.data());
  }
  const std::uint64_t odd_rows = header.height / 2;
  const float coverage =
      odd_rows == 0 ? 1 : static_cast<float>(odd_rows + last_pass_rows) / static_cast<float>(2 * odd_rows);
  return builder.Finish(result == SPNG_EOI ? 1.0f : std::min(coverage, 1.0f));
}

PictureOutcome ReadPngRows(spng_ctx* context, const spng_ihdr& header, const PictureLimits& limits) {
  PlaneBuilder builder(header.width, header.height, limits);
  PngRowLuma luma(header);
  if (!luma.Prepare(context)) return builder.Finish();
  std::vector<std::uint8_t> raw(BytesOfPngRow(header));
  for (std::uint32_t row = 0; row < builder.end_row(); ++row) {
    const int result = spng_decode_row(context, raw.data(), raw.size());
    if (result != 0 && result != SPNG_EOI) break;
    builder.Add(row, luma.Of(raw.data()));
  }
  return builder.Finish();
}

class PngWalker final : public FieldWalker {
 public:
  PngWalker() : FieldWalker(kSignature) {}

 protected:
  Outcome Advance(ByteView fields) noexcept override {
    if (fields.empty()) {  // behind the payload: its CRC, and the head of the next chunk
      Gather(ends_ ? kCrc : kCrc + kHead, Kind::kOther);
      return Outcome::kMore;
    }
    if (fields.size() == kSignature && !begun_) {
      begun_ = true;
      if (SniffType(fields) != FileType::kPng) return Outcome::kBroken;
      Gather(kHead, Kind::kOther);
      return Outcome::kMore;
    }
    if (ends_) return Outcome::kEnded;
    ByteReader reader(fields.last(kHead));
    const std::uint32_t length = reader.U32Be();
    const std::string_view type = AsText(reader.Take(4));
    if (length > 0x7fffffff || !std::ranges::all_of(type, [](unsigned char c) { return std::isalpha(c) != 0; })) {
      return Outcome::kBroken;
    }
    ends_ = type == "IEND";
    const bool critical = (type[0] & 0x20) == 0;
    Pass(length, type == "IDAT" ? Kind::kData : critical ? Kind::kTable : Kind::kOther);
    return Outcome::kMore;
  }

 private:
  static constexpr std::size_t kSignature = 8, kHead = 8, kCrc = 4;
  bool begun_ = false;
  bool ends_ = false;  // IEND was seen
};

bool BeginsPng(ByteView head) noexcept { return AsText(head).starts_with("\x89PNG\r\n\x1A\n"); }

bool IsPlausiblePng(ByteView head) noexcept {
  return BeginsPng(head) && AsText(head.subspan(8)).starts_with(std::string_view("\0\0\0\x0dIHDR", 8));
}

PictureOutcome DecodePng(ByteView file, const PictureLimits& limits) noexcept {
  const PictureOutcome unreadable{.plane = std::nullopt, .error = PictureError::kUnreadable};
  const PngContext context(spng_ctx_new(0));
  if (!context) return unreadable;
  spng_set_crc_action(context.get(), SPNG_CRC_USE, SPNG_CRC_USE);
  spng_set_chunk_limits(context.get(), kChunkBytesMax, kChunksBytesMax);
  spng_ihdr header{};
  if (spng_set_png_buffer(context.get(), file.data(), file.size()) != 0) return unreadable;
  if (spng_get_ihdr(context.get(), &header) != 0) return unreadable;
  const std::uint64_t pixels = std::uint64_t{header.width} * header.height;
  const bool interlaced = header.interlace_method != 0;
  const std::uint64_t held = std::uint64_t{header.width} * kRowBytesOfPixel + (interlaced ? pixels * 3 : 0);
  if (const PictureError error = PlaneBuilder::Admit(header.width, header.height, held, limits);
      error != PictureError::kNone) {
    return {.plane = std::nullopt, .error = error};
  }
  const int format = interlaced ? SPNG_FMT_RGB8 : SPNG_FMT_RAW;
  if (spng_decode_image(context.get(), nullptr, 0, format, SPNG_DECODE_PROGRESSIVE) != 0) return unreadable;
  return interlaced ? ReadInterlacedPng(context.get(), header, limits) : ReadPngRows(context.get(), header, limits);
}

}  // namespace

constinit const PictureFormat kPngFormat = {
    .type = FileType::kPng,
    .name = "png",
    .begins = BeginsPng,
    .plausible = IsPlausiblePng,
    .walk = []() -> std::unique_ptr<PictureWalker> { return std::make_unique<PngWalker>(); },
    .decode = DecodePng,
};

}  // namespace spanwatch::image
