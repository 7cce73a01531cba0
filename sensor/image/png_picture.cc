#include <spng.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "image/picture_decoder.h"

namespace spanwatch::image {
namespace {

constexpr std::size_t kChunkBytesMax = 16u << 20;  // of one ancillary chunk, unpacked
constexpr std::size_t kChunksBytesMax = 32u << 20;
constexpr std::uint64_t kRowBytesOfPixel = 3 * 8 + 3;  // libspng's rows of up to 8 bytes a pixel, and ours

struct FreeContext {
  void operator()(spng_ctx* context) const { spng_ctx_free(context); }
};
using Context = std::unique_ptr<spng_ctx, FreeContext>;

constexpr std::size_t kPixelsOfByte = 8;  // at most

std::uint8_t Luma(const std::uint8_t* rgb) {
  return static_cast<std::uint8_t>((299u * rgb[0] + 587u * rgb[1] + 114u * rgb[2] + 500u) / 1000u);
}

bool HasBlocks(const spng_ihdr& header, const std::optional<PixelRectangle>& part) {
  return !part && std::min(header.width, header.height) >= kShortSideOfBlocks;
}

// The luminance of rows as they stand in the file (PNG, section 7.2), since libspng takes longer to make colours of
// them than to unpack them.
class RowLuma {
 public:
  explicit RowLuma(const spng_ihdr& header) : header_(header), luma_(header.width + kPixelsOfByte) {}

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
        of_byte_[byte][pixel] = indexed ? (value < palette.n_entries ? Luma(rgb) : std::uint8_t{0})
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
      luma_[x] = Luma(rgb);
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

std::size_t BytesOfRow(const spng_ihdr& header) {
  constexpr std::size_t kChannels[] = {1, 0, 3, 1, 2, 0, 4};  // by colour type
  return (std::size_t{header.width} * header.bit_depth * kChannels[header.color_type] + 7) / 8;
}

// Adds rows of luminance up to the plane: means of whole 8x8 blocks, or the pixels themselves of all or a part.
class PlaneBuilder {
 public:
  PlaneBuilder(const spng_ihdr& header, const std::optional<PixelRectangle>& part)
      : blocks_(HasBlocks(header, part)), part_(part.value_or(PixelRectangle{0, 0, header.width, header.height})) {
    plane_.picture_width = header.width;
    plane_.picture_height = header.height;
    plane_.width = blocks_ ? header.width / 8 : part_.width();
    plane_.height = blocks_ ? header.height / 8 : part_.height();
    plane_.samples.assign(std::size_t{plane_.width} * plane_.height, 128);
    sums_.resize(blocks_ ? plane_.width : 0);
  }

  // REQUIRES: rows in order
  void Add(std::uint32_t row, const std::uint8_t* luma) {
    if (!blocks_) {
      if (row < part_.top || row >= part_.bottom) return;
      std::copy_n(luma + part_.left, plane_.width, plane_.samples.data() + std::size_t{row - part_.top} * plane_.width);
      return;
    }
    if (row / 8 >= plane_.height) return;
    if (row % 8 == 0) std::ranges::fill(sums_, 0);
    for (std::uint32_t block = 0; block < plane_.width; ++block) {
      std::uint32_t sum = 0;
      for (std::uint32_t x = 0; x < 8; ++x) sum += luma[std::size_t{block} * 8 + x];
      sums_[block] += sum;
    }
    if (row % 8 != 7) return;
    std::uint8_t* out = plane_.samples.data() + std::size_t{row / 8} * plane_.width;
    for (std::uint32_t x = 0; x < plane_.width; ++x) out[x] = static_cast<std::uint8_t>((sums_[x] + 32) / 64);
  }
  LumaPlane Finish(float coverage) {
    plane_.coverage = coverage;
    return std::move(plane_);
  }

 private:
  bool blocks_;
  PixelRectangle part_;
  LumaPlane plane_;
  std::vector<std::uint32_t> sums_;
};

// Rows of an interlaced picture come in seven passes into one canvas.
PictureOutcome ReadInterlaced(spng_ctx* context, const spng_ihdr& header, const std::optional<PixelRectangle>& part) {
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
  if (rows == 0) return {.plane = std::nullopt, .error = PictureError::kUnreadable};
  PlaneBuilder builder(header, part);
  std::vector<std::uint8_t> luma(header.width);
  for (std::uint32_t row = 0; row < header.height; ++row) {
    for (std::uint32_t x = 0; x < header.width; ++x) luma[x] = Luma(canvas.data() + row * stride + std::size_t{x} * 3);
    builder.Add(row, luma.data());
  }
  const std::uint64_t odd_rows = header.height / 2;
  const float coverage =
      odd_rows == 0 ? 1 : static_cast<float>(odd_rows + last_pass_rows) / static_cast<float>(2 * odd_rows);
  return {.plane = builder.Finish(result == SPNG_EOI ? 1.0f : std::min(coverage, 1.0f)), .error = PictureError::kNone};
}

PictureOutcome ReadRows(spng_ctx* context, const spng_ihdr& header, const std::optional<PixelRectangle>& part) {
  PlaneBuilder builder(header, part);
  const std::uint32_t first = part ? part->top : 0;
  const std::uint32_t end = part ? part->bottom : header.height;
  RowLuma luma(header);
  if (!luma.Prepare(context)) return {.plane = std::nullopt, .error = PictureError::kUnreadable};
  std::vector<std::uint8_t> raw(BytesOfRow(header));
  std::uint32_t row = 0;
  for (; row < end; ++row) {
    const int result = spng_decode_row(context, raw.data(), raw.size());
    if (result != 0 && result != SPNG_EOI) break;
    builder.Add(row, luma.Of(raw.data()));
  }
  if (row <= first) return {.plane = std::nullopt, .error = PictureError::kUnreadable};
  return {.plane = builder.Finish(static_cast<float>(row - first) / static_cast<float>(end - first)),
          .error = PictureError::kNone};
}

}  // namespace

PictureOutcome DecodePng(ByteView file, const PictureLimits& limits) noexcept {
  const PictureOutcome unreadable{.plane = std::nullopt, .error = PictureError::kUnreadable};
  const Context context(spng_ctx_new(0));
  if (!context) return unreadable;
  spng_set_crc_action(context.get(), SPNG_CRC_USE, SPNG_CRC_USE);
  spng_set_chunk_limits(context.get(), kChunkBytesMax, kChunksBytesMax);
  spng_ihdr header{};
  if (spng_set_png_buffer(context.get(), file.data(), file.size()) != 0) return unreadable;
  if (spng_get_ihdr(context.get(), &header) != 0 || header.width == 0 || header.height == 0) return unreadable;
  const std::uint64_t pixels = std::uint64_t{header.width} * header.height;
  const bool interlaced = header.interlace_method != 0;
  const auto& part = limits.part;
  if (part && !part->Within(header.width, header.height)) return unreadable;
  const std::uint64_t plane = HasBlocks(header, part) ? pixels / 64 : part ? part->pixels() : pixels;
  const std::uint64_t held = plane + std::uint64_t{header.width} * kRowBytesOfPixel + (interlaced ? pixels * 3 : 0);
  if (pixels > limits.pixels || held > limits.memory_bytes) {
    return {.plane = std::nullopt, .error = PictureError::kOverLimit};
  }
  if (limits.budget != nullptr && !limits.budget->Affords(pixels))
    return {.plane = std::nullopt, .error = PictureError::kOverBudget};
  const int format = interlaced ? SPNG_FMT_RGB8 : SPNG_FMT_RAW;
  if (spng_decode_image(context.get(), nullptr, 0, format, SPNG_DECODE_PROGRESSIVE) != 0) return unreadable;
  PictureOutcome outcome =
      interlaced ? ReadInterlaced(context.get(), header, part) : ReadRows(context.get(), header, part);
  outcome.work_pixels = pixels;
  return outcome;
}

}  // namespace spanwatch::image
