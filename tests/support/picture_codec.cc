#include "support/picture_codec.h"

#include <cstddef>
#include <cstdio>
#include <cstdlib>

#include <jpeglib.h>
#include <spng.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "base/check.h"

namespace spanwatch::test {
namespace {

// A row as the encoder's colour space wants it.
std::vector<std::uint8_t> JpegRow(const Picture& picture, std::uint32_t y, JpegInk ink) {
  const std::uint8_t* rgb = picture.At(0, y);
  if (ink == JpegInk::kColour) return {rgb, rgb + std::size_t{picture.width} * 3};
  std::vector<std::uint8_t> row;
  for (std::uint32_t x = 0; x < picture.width; ++x, rgb += 3) {
    if (ink == JpegInk::kGrey)
      row.push_back(rgb[1]);
    else
      row.insert(row.end(), {rgb[0], rgb[1], rgb[2], 255});  // inverted, as Adobe writes it: no black ink
  }
  return row;
}

struct FreeSpng {
  void operator()(spng_ctx* context) const { spng_ctx_free(context); }
};

std::vector<std::uint8_t> PngSamples(const Picture& picture, PngKind kind) {
  std::vector<std::uint8_t> samples;
  for (std::size_t i = 0; i < picture.rgb.size(); i += 3) {
    const std::uint8_t* rgb = picture.rgb.data() + i;
    switch (kind) {
      case PngKind::kColour:
        samples.insert(samples.end(), rgb, rgb + 3);
        break;
      case PngKind::kAlpha:
        samples.insert(samples.end(), {rgb[0], rgb[1], rgb[2], static_cast<std::uint8_t>(i % 255)});
        break;
      case PngKind::kColour16:
        samples.insert(samples.end(), {rgb[0], rgb[0], rgb[1], rgb[1], rgb[2], rgb[2]});
        break;
      case PngKind::kGrey:
      case PngKind::kPalette:
        samples.push_back(rgb[1]);
        break;
    }
  }
  return samples;
}

Picture DecodeJpegRgb(ByteView file) {
  jpeg_decompress_struct info;
  jpeg_error_mgr error;
  info.err = jpeg_std_error(&error);  // what cannot be read ends the program: tests make their own pictures
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, file.data(), file.size());
  jpeg_read_header(&info, TRUE);
  info.out_color_space = JCS_RGB;
  jpeg_start_decompress(&info);
  Picture picture(info.output_width, info.output_height);
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = picture.At(0, info.output_scanline);
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_finish_decompress(&info);
  jpeg_destroy_decompress(&info);
  return picture;
}

Picture DecodePngRgb(ByteView file) {
  const std::unique_ptr<spng_ctx, FreeSpng> context(spng_ctx_new(0));
  spng_ihdr header{};
  spng_set_png_buffer(context.get(), file.data(), file.size());
  if (spng_get_ihdr(context.get(), &header) != 0) return {};
  Picture picture(header.width, header.height);
  if (spng_decode_image(context.get(), picture.rgb.data(), picture.rgb.size(), SPNG_FMT_RGB8, 0) != 0) return {};
  return picture;
}

// The weight of each sample of an axis in output cell `cell`.
struct Span {
  std::uint32_t first = 0;
  std::vector<float> weights;
};

std::vector<Span> Spans(std::uint32_t from, std::uint32_t to) {
  std::vector<Span> spans(to);
  const double size = static_cast<double>(from) / to;
  for (std::uint32_t i = 0; i < to; ++i) {
    Span& span = spans[i];
    if (size <= 1) {
      const double centre = std::clamp((i + 0.5) * size - 0.5, 0.0, from - 1.0);
      span.first = static_cast<std::uint32_t>(centre);
      const auto share = static_cast<float>(centre - span.first);
      span.weights = {1 - share};
      if (span.first + 1 < from) span.weights.push_back(share);
      continue;
    }
    const double low = i * size;
    const double high = std::min((i + 1) * size, static_cast<double>(from));
    span.first = static_cast<std::uint32_t>(low);
    for (std::uint32_t at = span.first; at < high; ++at) {
      span.weights.push_back(static_cast<float>((std::min(high, at + 1.0) - std::max(low, at * 1.0)) / (high - low)));
    }
  }
  return spans;
}

}  // namespace

Bytes EncodeJpeg(const Picture& picture, const JpegOptions& options) {
  jpeg_compress_struct info;
  jpeg_error_mgr error;
  info.err = jpeg_std_error(&error);
  jpeg_create_compress(&info);
  unsigned char* out = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &out, &size);
  info.image_width = picture.width;
  info.image_height = picture.height;
  info.input_components = options.ink == JpegInk::kColour ? 3 : options.ink == JpegInk::kGrey ? 1 : 4;
  info.in_color_space = options.ink == JpegInk::kColour ? JCS_RGB
                        : options.ink == JpegInk::kGrey ? JCS_GRAYSCALE
                                                        : JCS_CMYK;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, options.quality, TRUE);
  info.restart_in_rows = options.restart_rows;
  info.optimize_coding = options.optimised ? TRUE : FALSE;
  if (options.whole_colour) info.comp_info[0].h_samp_factor = info.comp_info[0].v_samp_factor = 1;
  jpeg_scan_info scans[10] = {};
  if (options.progressive) {
    jpeg_simple_progression(&info);
  } else if (options.separate_scans) {
    for (int i = 0; i < info.num_components; ++i) scans[i] = {1, {i}, 0, 63, 0, 0};
    info.scan_info = scans;
    info.num_scans = info.num_components;
  } else if (options.late_luminance) {
    for (int i = 0; i < 8; ++i) scans[i] = {1, {1}, 0, 0, i == 0 ? 0 : 8 - i, 7 - i};
    scans[8] = {1, {2}, 0, 0, 0, 0};
    scans[9] = {1, {0}, 0, 0, 0, 0};
    info.scan_info = scans;
    info.num_scans = 10;
  }
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    std::vector<std::uint8_t> row = JpegRow(picture, info.next_scanline, options.ink);
    JSAMPROW pointer = row.data();
    jpeg_write_scanlines(&info, &pointer, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  Bytes bytes(out, out + size);
  std::free(out);
  return bytes;
}

Bytes EncodePng(const Picture& picture, const PngOptions& options) {
  const std::unique_ptr<spng_ctx, FreeSpng> context(spng_ctx_new(SPNG_CTX_ENCODER));
  spng_set_option(context.get(), SPNG_ENCODE_TO_BUFFER, 1);
  spng_ihdr header{};
  header.width = picture.width;
  header.height = picture.height;
  header.bit_depth = options.kind == PngKind::kColour16 ? 16 : 8;
  header.interlace_method = options.interlaced ? SPNG_INTERLACE_ADAM7 : SPNG_INTERLACE_NONE;
  constexpr spng_color_type kTypes[] = {SPNG_COLOR_TYPE_TRUECOLOR, SPNG_COLOR_TYPE_GRAYSCALE, SPNG_COLOR_TYPE_INDEXED,
                                        SPNG_COLOR_TYPE_TRUECOLOR_ALPHA, SPNG_COLOR_TYPE_TRUECOLOR};
  header.color_type = static_cast<std::uint8_t>(kTypes[static_cast<std::size_t>(options.kind)]);
  CHECK(spng_set_ihdr(context.get(), &header) == 0);
  if (options.kind == PngKind::kPalette) {
    spng_plte palette{};
    palette.n_entries = 256;
    for (int i = 0; i < 256; ++i) {
      const auto grey = static_cast<std::uint8_t>(i);
      palette.entries[i] = {grey, grey, grey, 255};
    }
    CHECK(spng_set_plte(context.get(), &palette) == 0);
  }
  const std::vector<std::uint8_t> samples = PngSamples(picture, options.kind);
  CHECK(spng_encode_image(context.get(), samples.data(), samples.size(), SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE) == 0);
  std::size_t size = 0;
  int error = 0;
  void* out = spng_get_png_buffer(context.get(), &size, &error);
  CHECK(out != nullptr);
  const auto* begin = static_cast<const std::uint8_t*>(out);
  Bytes bytes(begin, begin + size);
  std::free(out);
  return bytes;
}

Picture DecodeRgb(ByteView file) {
  if (file.size() > 2 && file[0] == 0xFF && file[1] == 0xD8) return DecodeJpegRgb(file);
  return DecodePngRgb(file);
}

Picture Resize(const Picture& picture, std::uint32_t width, std::uint32_t height) {
  const std::vector<Span> columns = Spans(picture.width, width);
  const std::vector<Span> rows = Spans(picture.height, height);
  std::vector<float> narrowed(std::size_t{width} * picture.height * 3);
  for (std::uint32_t y = 0; y < picture.height; ++y) {
    for (std::uint32_t x = 0; x < width; ++x) {
      float* out = narrowed.data() + (std::size_t{y} * width + x) * 3;
      for (std::uint32_t i = 0; i < columns[x].weights.size(); ++i) {
        const std::uint8_t* in = picture.At(columns[x].first + i, y);
        for (int c = 0; c < 3; ++c) out[c] += columns[x].weights[i] * in[c];
      }
    }
  }
  Picture small(width, height);
  for (std::uint32_t y = 0; y < height; ++y) {
    for (std::size_t x = 0; x < std::size_t{width} * 3; ++x) {
      float sum = 0.5f;
      for (std::uint32_t i = 0; i < rows[y].weights.size(); ++i) {
        sum += rows[y].weights[i] * narrowed[std::size_t{rows[y].first + i} * width * 3 + x];
      }
      small.At(0, y)[x] = static_cast<std::uint8_t>(std::clamp(sum, 0.0f, 255.0f));
    }
  }
  return small;
}

Picture Crop(const Picture& picture, std::uint32_t left, std::uint32_t top, std::uint32_t width, std::uint32_t height) {
  Picture part(width, height);
  for (std::uint32_t y = 0; y < height; ++y)
    std::copy_n(picture.At(left, top + y), std::size_t{width} * 3, part.At(0, y));
  return part;
}

}  // namespace spanwatch::test
