#include <spng.h>

#include <algorithm>
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

std::uint8_t Luma(const std::uint8_t* rgb) {
  return static_cast<std::uint8_t>((299u * rgb[0] + 587u * rgb[1] + 114u * rgb[2] + 500u) / 1000u);
}

bool HasBlocks(const spng_ihdr& header, const std::optional<PixelRectangle>& part) {
  return !part && std::min(header.width, header.height) >= kShortSideOfBlocks;
}

// Adds rows of pixels up to the plane: means of whole 8x8 blocks, or the pixels themselves of all or a part.
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
  void Add(std::uint32_t row, const std::uint8_t* rgb) {
    if (!blocks_) {
      if (row < part_.top || row >= part_.bottom) return;
      std::uint8_t* out = plane_.samples.data() + std::size_t{row - part_.top} * plane_.width;
      for (std::uint32_t x = 0; x < plane_.width; ++x) out[x] = Luma(rgb + (std::size_t{part_.left} + x) * 3);
      return;
    }
    if (row / 8 >= plane_.height) return;
    if (row % 8 == 0) std::ranges::fill(sums_, 0);
    for (std::uint32_t x = 0; x < plane_.width * 8; ++x) sums_[x / 8] += Luma(rgb + std::size_t{x} * 3);
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
  if (rows == 0) return {std::nullopt, PictureError::kUnreadable};
  PlaneBuilder builder(header, part);
  for (std::uint32_t row = 0; row < header.height; ++row) builder.Add(row, canvas.data() + row * stride);
  const std::uint64_t odd_rows = header.height / 2;
  const float coverage =
      odd_rows == 0 ? 1 : static_cast<float>(odd_rows + last_pass_rows) / static_cast<float>(2 * odd_rows);
  return {builder.Finish(result == SPNG_EOI ? 1.0f : std::min(coverage, 1.0f)), PictureError::kNone};
}

PictureOutcome ReadRows(spng_ctx* context, const spng_ihdr& header, const std::optional<PixelRectangle>& part) {
  PlaneBuilder builder(header, part);
  const std::uint32_t first = part ? part->top : 0;
  const std::uint32_t end = part ? part->bottom : header.height;
  std::vector<std::uint8_t> rgb(std::size_t{header.width} * 3);
  std::uint32_t row = 0;
  for (; row < end; ++row) {
    const int result = spng_decode_row(context, rgb.data(), rgb.size());
    if (result != 0 && result != SPNG_EOI) break;
    builder.Add(row, rgb.data());
  }
  if (row <= first) return {std::nullopt, PictureError::kUnreadable};
  return {builder.Finish(static_cast<float>(row - first) / static_cast<float>(end - first)), PictureError::kNone};
}

}  // namespace

PictureOutcome DecodePng(ByteView file, const PictureLimits& limits) noexcept {
  const PictureOutcome unreadable{std::nullopt, PictureError::kUnreadable};
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
    return {std::nullopt, PictureError::kOverLimit};
  }
  if (spng_decode_image(context.get(), nullptr, 0, SPNG_FMT_RGB8, SPNG_DECODE_PROGRESSIVE) != 0) return unreadable;
  return interlaced ? ReadInterlaced(context.get(), header, part) : ReadRows(context.get(), header, part);
}

}  // namespace spanwatch::image
