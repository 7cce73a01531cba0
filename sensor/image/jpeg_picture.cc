// libjpeg reports errors by longjmp: it is confined to this file, and nothing with a destructor is made between setjmp
// and the calls that may jump.
#include <csetjmp>
#include <cstddef>
#include <cstdio>

#include <jpeglib.h>

#include <algorithm>

#include "image/picture_decoder.h"

namespace spanwatch::image {
namespace {

constexpr int kScansSkipped = 8;  // before the first with luminance
constexpr int kScansMax = 64;     // of a small picture, which is read whole; a progressive file has about ten

struct ErrorManager {
  jpeg_error_mgr base;
  std::jmp_buf jump;
};

struct Source {
  jpeg_source_mgr base;
  bool exhausted;
};

void OnError(j_common_ptr info) { std::longjmp(reinterpret_cast<ErrorManager*>(info->err)->jump, 1); }
void OnMessage(j_common_ptr, int) {}
void OnOutput(j_common_ptr) {}
void NoSource(j_decompress_ptr) {}

// At the end of the data libjpeg is told that the picture ends: it fills in the rest.
boolean FillInput(j_decompress_ptr info) {
  static const JOCTET kEnd[] = {0xFF, JPEG_EOI};
  auto* source = reinterpret_cast<Source*>(info->src);
  source->exhausted = true;
  source->base.next_input_byte = kEnd;
  source->base.bytes_in_buffer = sizeof(kEnd);
  return TRUE;
}

void SkipInput(j_decompress_ptr info, long count) {
  if (count <= 0) return;
  auto* source = reinterpret_cast<Source*>(info->src);
  const auto skip = static_cast<std::size_t>(count);
  if (skip > source->base.bytes_in_buffer) {
    FillInput(info);
    return;
  }
  source->base.next_input_byte += skip;
  source->base.bytes_in_buffer -= skip;
}

// Everything a decode needs, outside the reach of longjmp.
struct Decode {
  jpeg_decompress_struct info;
  ErrorManager error;
  Source source;
  ByteView file;
  PictureLimits limits;
  bool all_coefficients = false;  // are held, even of one scan
  PictureOutcome outcome;
  LumaPlane means;  // of the blocks, where the outcome is a part
  std::vector<std::uint8_t> row;
  std::uint32_t column = 0;      // of the row, where the plane begins
  std::uint32_t rows = 0;        // of the plane, done
  std::uint32_t rows_there = 0;  // from data that was there
  std::optional<std::uint32_t>
      rows_read;  // of a picture read whole before its first row: those from data that was there
};

bool Blocks(const Decode& decode) {
  return !decode.limits.part && std::min(decode.info.image_width, decode.info.image_height) >= kShortSideOfBlocks;
}

// Its coefficients are held whole, since any scan may touch any block.
bool ManyScans(const jpeg_decompress_struct& info) {
  return info.progressive_mode || info.comps_in_scan < info.num_components;
}

bool WithinLimits(const Decode& decode) {
  const jpeg_decompress_struct& info = decode.info;
  const std::uint64_t pixels = std::uint64_t{info.image_width} * info.image_height;
  if (pixels > decode.limits.pixels) return false;
  const auto& part = decode.limits.part;
  std::uint64_t held = Blocks(decode) ? 0 : part ? part->pixels() : pixels;
  if (ManyScans(info) || decode.all_coefficients) {
    for (int i = 0; i < info.num_components; ++i) {
      const jpeg_component_info& component = info.comp_info[i];
      const auto padded = [](unsigned count, int factor) {
        return std::uint64_t{count} + static_cast<unsigned>(factor);
      };
      held += padded(component.width_in_blocks, component.h_samp_factor) *
              padded(component.height_in_blocks, component.v_samp_factor) * sizeof(JBLOCK);
    }
  }
  return held <= decode.limits.memory_bytes;
}

void SetUp(Decode& decode, ByteView file, const PictureLimits& limits) {
  decode.file = file;
  decode.limits = limits;
  jpeg_decompress_struct& info = decode.info;
  info.err = jpeg_std_error(&decode.error.base);
  decode.error.base.error_exit = OnError;
  decode.error.base.emit_message = OnMessage;
  decode.error.base.output_message = OnOutput;
}

void SetUpSource(Decode& decode) {
  Source& source = decode.source;
  source.exhausted = false;
  source.base.init_source = NoSource;
  source.base.term_source = NoSource;
  source.base.fill_input_buffer = FillInput;
  source.base.skip_input_data = SkipInput;
  source.base.resync_to_restart = jpeg_resync_to_restart;
  source.base.next_input_byte = decode.file.data();
  source.base.bytes_in_buffer = decode.file.size();
  decode.info.src = &source.base;
}

// Means of whole blocks, or pixels; false when there is not one sample.
bool Prepare(Decode& decode) {
  jpeg_decompress_struct& info = decode.info;
  const bool blocks = Blocks(decode);
  info.scale_num = 1;
  info.scale_denom = blocks ? 8 : 1;
  info.dct_method = JDCT_ISLOW;
  info.do_block_smoothing = FALSE;
  info.do_fancy_upsampling = FALSE;
  const bool ink = info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK;
  info.out_color_space = ink ? JCS_CMYK : JCS_GRAYSCALE;
  info.buffered_image = ManyScans(info) || decode.all_coefficients;
  LumaPlane& plane = decode.outcome.plane.emplace();
  plane.picture_width = info.image_width;
  plane.picture_height = info.image_height;
  plane.width = blocks ? info.image_width / 8 : info.image_width;
  plane.height = blocks ? info.image_height / 8 : info.image_height;
  if (const auto& part = decode.limits.part) {
    plane.width = part->width();
    plane.height = part->height();
  }
  return plane.width > 0 && plane.height > 0;
}

// What lies outside of the part is read but not made into pixels, up to the borders of its blocks.
void EnterPart(Decode& decode, const PixelRectangle& part) {
  JDIMENSION left = part.left;
  JDIMENSION width = part.width();
  jpeg_crop_scanline(&decode.info, &left, &width);
  decode.column = part.left - left;
  jpeg_skip_scanlines(&decode.info, part.top);
}

bool ScanHasLuminance(const jpeg_decompress_struct& info) {
  if (info.Ss != 0) return false;
  for (int i = 0; i < info.comps_in_scan; ++i) {
    if (info.cur_comp_info[i]->component_index == 0) return true;
  }
  return false;
}

// False at the end of the picture.
bool ConsumeScan(jpeg_decompress_struct& info) {
  const int scan = info.input_scan_number;
  while (info.input_scan_number == scan) {
    if (jpeg_consume_input(&info) == JPEG_REACHED_EOI) return false;
  }
  return true;
}

// Reads on to the first scan with the DC values of luminance, or past so many without; false where the picture ends.
bool FindLuminance(jpeg_decompress_struct& info) {
  bool more = true;
  while (more && !ScanHasLuminance(info) && info.input_scan_number < kScansSkipped) more = ConsumeScan(info);
  return more;
}

// Reads every scan. They may be many and empty, and each costs the time of the whole picture.
void ReadScans(Decode& decode, bool more) {
  jpeg_decompress_struct& info = decode.info;
  const std::uint64_t pixels = std::uint64_t{info.image_width} * info.image_height;
  const auto scans = static_cast<int>(std::min<std::uint64_t>(kScansMax, decode.limits.pixels / pixels));
  const int first = info.input_scan_number;
  while (more && info.input_scan_number <= scans) {
    const std::uint32_t row = info.input_iMCU_row;
    more = jpeg_consume_input(&info) != JPEG_REACHED_EOI;
    if (decode.source.exhausted && !decode.rows_read) {
      decode.rows_read = info.input_scan_number > first ? info.image_height
                                                        : row * static_cast<unsigned>(info.max_v_samp_factor) * DCTSIZE;
    }
  }
  if (!decode.rows_read) decode.rows_read = info.image_height;
}

// Block means need the first scan of luminance and no more; pixels every scan.
void StartScan(Decode& decode) {
  jpeg_decompress_struct& info = decode.info;
  const bool more = FindLuminance(info);
  if (!Blocks(decode)) ReadScans(decode, more);
  jpeg_start_output(&info, info.input_scan_number);
}

void StoreRow(Decode& decode) {
  LumaPlane& plane = *decode.outcome.plane;
  std::uint8_t* out = plane.samples.data() + std::size_t{decode.rows} * plane.width;
  if (decode.info.out_color_space == JCS_GRAYSCALE) {
    std::copy_n(decode.row.data() + decode.column, plane.width, out);
    return;
  }
  for (std::uint32_t x = 0; x < plane.width; ++x) {  // Adobe writes CMYK inverted: 255 is no ink
    const std::uint8_t* ink = decode.row.data() + (std::size_t{decode.column} + x) * 4;
    out[x] = static_cast<std::uint8_t>((299u * ink[0] + 587u * ink[1] + 114u * ink[2]) * ink[3] / 255000u);
  }
}

void ReadHeader(Decode& decode) {
  jpeg_create_decompress(&decode.info);
  SetUpSource(decode);
  if (jpeg_read_header(&decode.info, TRUE) != JPEG_HEADER_OK) OnError(reinterpret_cast<j_common_ptr>(&decode.info));
}

void ReadRows(Decode& decode) {
  jpeg_decompress_struct& info = decode.info;
  LumaPlane& plane = *decode.outcome.plane;
  plane.samples.assign(std::size_t{plane.width} * plane.height, 128);
  decode.row.resize(std::size_t{info.output_width} * static_cast<unsigned>(info.output_components));
  while (decode.rows < plane.height) {
    JSAMPROW row = decode.row.data();
    if (jpeg_read_scanlines(&info, &row, 1) != 1) break;
    StoreRow(decode);
    ++decode.rows;
    const bool there = decode.rows_read ? info.output_scanline <= *decode.rows_read : !decode.source.exhausted;
    if (there) decode.rows_there = decode.rows;
  }
}

void Run(Decode& decode) {
  jpeg_decompress_struct& info = decode.info;
  ReadHeader(decode);
  if (decode.limits.part && !decode.limits.part->Within(info.image_width, info.image_height)) return;
  if (!WithinLimits(decode)) {
    decode.outcome.error = PictureError::kOverLimit;
    return;
  }
  if (decode.limits.only_blocks && !Blocks(decode)) return;
  const std::uint64_t pixels = std::uint64_t{info.image_width} * info.image_height;
  if (decode.limits.budget != nullptr && !decode.limits.budget->Affords(pixels)) {
    decode.outcome.error = PictureError::kOverBudget;
    return;
  }
  if (!Prepare(decode)) return;
  decode.outcome.work_pixels = pixels;
  jpeg_start_decompress(&info);
  if (info.buffered_image) StartScan(decode);
  decode.outcome.work_pixels = pixels * static_cast<std::uint64_t>(std::max(1, info.input_scan_number));
  if (decode.limits.part) EnterPart(decode, *decode.limits.part);
  ReadRows(decode);
}

// What libjpeg makes of a block at 1/8: its mean, rounded and limited (jidctred.c).
std::uint8_t MeanOf(JCOEF dc, UINT16 step) {
  const int mean = ((dc * static_cast<std::int16_t>(step)) + 4) >> 3;
  constexpr int kRange = 1024, kCentre = 128;  // the mean counts modulo kRange
  const int wrapped = ((mean + kRange / 2) & (kRange - 1)) - kRange / 2;
  return static_cast<std::uint8_t>(std::clamp(wrapped + kCentre, 0, 255));
}

// From the DC values that have been read.
void TakeMeansOfBlocks(jpeg_decompress_struct& info, LumaPlane& plane) {
  plane.picture_width = info.image_width;
  plane.picture_height = info.image_height;
  plane.width = info.image_width / DCTSIZE;
  plane.height = info.image_height / DCTSIZE;
  plane.samples.resize(std::size_t{plane.width} * plane.height);
  jvirt_barray_ptr* const coefficients = jpeg_read_coefficients(&info);
  const UINT16 step = info.comp_info[0].quant_table->quantval[0];
  std::uint8_t* out = plane.samples.data();
  for (JDIMENSION row = 0; row < plane.height; ++row) {
    const JBLOCKARRAY blocks =
        info.mem->access_virt_barray(reinterpret_cast<j_common_ptr>(&info), coefficients[0], row, 1, FALSE);
    for (JDIMENSION x = 0; x < plane.width; ++x) *out++ = MeanOf(blocks[0][x][0], step);
  }
}

// Luminance has a component of its own, of the picture's size.
bool HasLuminance(const jpeg_decompress_struct& info) {
  const jpeg_component_info& first = info.comp_info[0];
  return (info.jpeg_color_space == JCS_GRAYSCALE || info.jpeg_color_space == JCS_YCbCr) &&
         first.h_samp_factor == info.max_h_samp_factor && first.v_samp_factor == info.max_v_samp_factor;
}

// Both planes of a picture that is all there; nothing of any other.
void RunBoth(Decode& decode, const LumaRectangle& part) {
  jpeg_decompress_struct& info = decode.info;
  ReadHeader(decode);
  if (!Blocks(decode) || !HasLuminance(info)) return;
  decode.limits.part = PixelsOf(part, info.image_width, info.image_height);
  decode.all_coefficients = true;
  if (!decode.limits.part->Within(info.image_width, info.image_height) || !WithinLimits(decode)) return;
  if (!Prepare(decode)) return;
  jpeg_start_decompress(&info);
  // Before its first scan luminance has no quantisation table.
  if (!FindLuminance(info) || !ScanHasLuminance(info)) return;
  const bool more = ConsumeScan(info);
  TakeMeansOfBlocks(info, decode.means);
  ReadScans(decode, more);
  if (decode.source.exhausted) return;
  jpeg_start_output(&info, info.input_scan_number);
  EnterPart(decode, *decode.limits.part);
  ReadRows(decode);
}

// Reads every scan, and notes where the data of each band are; false when they are not all there.
bool ReadBands(Decode& decode, JpegBands& bands) {
  jpeg_decompress_struct& info = decode.info;
  const auto position = [&] { return decode.file.size() - decode.source.base.bytes_in_buffer; };
  while (info.input_scan_number <= kScansMax) {
    const std::size_t band = info.input_iMCU_row;
    const std::uint64_t begin = position();
    const int read = jpeg_consume_input(&info);
    if (decode.source.exhausted) return false;
    if (read == JPEG_REACHED_EOI) return true;
    if (read == JPEG_ROW_COMPLETED || read == JPEG_SCAN_COMPLETED) bands.data.push_back({band, begin, position()});
  }
  return false;
}

void RunBands(Decode& decode, JpegBands& bands) {
  jpeg_decompress_struct& info = decode.info;
  ReadHeader(decode);
  decode.all_coefficients = true;
  if (!HasLuminance(info) || !WithinLimits(decode) || !Prepare(decode)) return;
  info.scale_denom = 2;
  jpeg_start_decompress(&info);
  if (!ReadBands(decode, bands)) return;
  jpeg_start_output(&info, info.input_scan_number);
  bands.height = static_cast<std::uint32_t>(info.max_v_samp_factor) * DCTSIZE / 2;
  LumaPlane& plane = *decode.outcome.plane;
  plane.width = info.output_width;
  plane.height = info.output_height;
  ReadRows(decode);
}

}  // namespace

std::optional<JpegBands> DecodeJpegBands(ByteView file, const PictureLimits& limits) noexcept {
  JpegBands bands;
  Decode decode{};
  SetUp(decode, file, limits);
  if (setjmp(decode.error.jump) == 0) RunBands(decode, bands);
  jpeg_destroy_decompress(&decode.info);
  std::optional<LumaPlane>& plane = decode.outcome.plane;
  if (!plane || decode.rows == 0 || decode.rows < plane->height) return std::nullopt;
  bands.plane = std::move(*plane);
  return bands;
}

PictureOutcome DecodeJpeg(ByteView file, const PictureLimits& limits) noexcept {
  Decode decode{};
  SetUp(decode, file, limits);
  if (setjmp(decode.error.jump) == 0) Run(decode);
  jpeg_destroy_decompress(&decode.info);
  PictureOutcome& outcome = decode.outcome;
  if (decode.rows_there == 0) outcome.plane.reset();
  if (outcome.plane)
    outcome.plane->coverage = static_cast<float>(decode.rows_there) / static_cast<float>(outcome.plane->height);
  else if (outcome.error == PictureError::kNone)
    outcome.error = PictureError::kUnreadable;
  return std::move(outcome);
}

PictureAndPart DecodeJpegAndPart(ByteView file, const PictureLimits& limits, const LumaRectangle& part) noexcept {
  Decode decode{};
  SetUp(decode, file, limits);
  if (setjmp(decode.error.jump) == 0) RunBoth(decode, part);
  jpeg_destroy_decompress(&decode.info);
  std::optional<LumaPlane>& pixels = decode.outcome.plane;
  if (!pixels || decode.rows_there < pixels->height) return {};
  return {{.plane = std::move(decode.means)}, *decode.limits.part, std::move(pixels)};
}

}  // namespace spanwatch::image
