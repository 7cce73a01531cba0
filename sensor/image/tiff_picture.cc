// What a hostile file could cost is bounded before libtiff decodes: strips and tiles may not lie on one another, so
// that each byte is read once; they may not be many and tiny; and a JPEG in them may have but one scan.
#include "image/tiff_picture.h"

#include <tiffio.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "image/plane_builder.h"

namespace spanwatch::image {
namespace {

constexpr int kPagesLookedAt = 16;
constexpr std::uint16_t kSamplesMax = 8, kBitsMax = 16;
// A strip or tile costs as much as so many pixels at least; some may be smaller.
constexpr std::uint64_t kPixelsOfPiece = 256, kSmallPieces = 8192;

struct TiffInput {
  ByteView file;
  std::uint64_t at = 0;
};

tmsize_t ReadTiff(thandle_t handle, void* out, tmsize_t size) {
  auto& input = *static_cast<TiffInput*>(handle);
  if (size <= 0 || input.at >= input.file.size()) return 0;
  const std::size_t taken = std::min(static_cast<std::size_t>(size), input.file.size() - input.at);
  std::memcpy(out, input.file.data() + input.at, taken);
  input.at += taken;
  return static_cast<tmsize_t>(taken);
}
tmsize_t WriteTiff(thandle_t, void*, tmsize_t) { return 0; }
toff_t SeekTiff(thandle_t handle, toff_t offset, int from) {
  auto& input = *static_cast<TiffInput*>(handle);
  const std::uint64_t base = from == SEEK_CUR ? input.at : from == SEEK_END ? input.file.size() : 0;
  input.at = base + offset;
  return input.at;
}
int CloseInput(thandle_t) { return 0; }
toff_t SizeOfTiff(thandle_t handle) { return static_cast<TiffInput*>(handle)->file.size(); }
int TellNothing(TIFF*, void*, const char*, const char*, va_list) { return 1; }

struct CloseTiff {
  void operator()(TIFF* tiff) const { TIFFClose(tiff); }
};
using Tiff = std::unique_ptr<TIFF, CloseTiff>;

// "r": read; "m": by the functions above, not by a mapping.
Tiff OpenTiff(TiffInput& input, const PictureLimits& limits) {
  TIFFOpenOptions* options = TIFFOpenOptionsAlloc();
  if (options == nullptr) return nullptr;
  TIFFOpenOptionsSetErrorHandlerExtR(options, TellNothing, nullptr);
  TIFFOpenOptionsSetWarningHandlerExtR(options, TellNothing, nullptr);
  TIFFOpenOptionsSetMaxSingleMemAlloc(options,
                                      static_cast<tmsize_t>(std::min<std::uint64_t>(limits.memory_bytes, PTRDIFF_MAX)));
  Tiff tiff(TIFFClientOpenExt("", "rm", &input, ReadTiff, WriteTiff, SeekTiff, CloseInput, SizeOfTiff, nullptr, nullptr,
                              options));
  TIFFOpenOptionsFree(options);
  return tiff;
}

// Cameras' raw files begin with a thumbnail.
bool FindTiffPage(TIFF* tiff) {
  for (int i = 0; i < kPagesLookedAt; ++i) {
    std::uint32_t kind = 0;
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SUBFILETYPE, &kind);
    if ((kind & FILETYPE_REDUCEDIMAGE) == 0) return true;
    if (TIFFReadDirectory(tiff) == 0) break;
  }
  return TIFFSetDirectory(tiff, 0) != 0;
}

bool IsReadCoding(std::uint16_t compression) {
  constexpr std::array<std::uint16_t, 9> kRead = {
      COMPRESSION_NONE, COMPRESSION_CCITTRLE, COMPRESSION_CCITTFAX3,     COMPRESSION_CCITTFAX4, COMPRESSION_LZW,
      COMPRESSION_JPEG, COMPRESSION_PACKBITS, COMPRESSION_ADOBE_DEFLATE, COMPRESSION_DEFLATE};
  return std::ranges::find(kRead, compression) != kRead.end();
}

// A progressive picture's scans may be many and empty, and each costs the time of the whole.
bool MayBeProgressive(ByteView file) {
  constexpr std::array<std::uint8_t, 2> kProgressive = {0xFF, 0xC2};
  return std::search(file.begin(), file.end(), kProgressive.begin(), kProgressive.end()) != file.end();
}

bool PiecesAreSound(TIFF* tiff, std::uint64_t file_bytes, std::uint64_t pixels) {
  const std::uint32_t pieces = TIFFIsTiled(tiff) != 0 ? TIFFNumberOfTiles(tiff) : TIFFNumberOfStrips(tiff);
  if (pieces == 0 || pieces > pixels / kPixelsOfPiece + kSmallPieces) return false;
  std::uint64_t bytes = 0;
  for (std::uint32_t i = 0; i < pieces && bytes <= file_bytes; ++i) {
    bytes += std::min<std::uint64_t>(TIFFGetStrileByteCount(tiff, i), file_bytes + 1);
  }
  return bytes <= file_bytes;
}

struct TiffShape {
  std::uint32_t width = 0, height = 0;
  std::uint64_t piece_bytes = 0;  // unpacked
};

PictureError CheckTiff(TIFF* tiff, ByteView file, TiffShape& shape) {
  TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &shape.width);
  TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &shape.height);
  std::uint16_t compression = 0, samples = 0, bits = 0;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &compression);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &samples);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &bits);
  if (shape.width == 0 || shape.height == 0) return PictureError::kUnreadable;
  if (!IsReadCoding(compression) || samples > kSamplesMax || bits > kBitsMax) return PictureError::kUnsupported;
  if (compression == COMPRESSION_JPEG && MayBeProgressive(file)) return PictureError::kUnsupported;
  if (!PiecesAreSound(tiff, file.size(), std::uint64_t{shape.width} * shape.height)) return PictureError::kUnreadable;
  shape.piece_bytes = static_cast<std::uint64_t>(
      std::max<tmsize_t>(0, TIFFIsTiled(tiff) != 0 ? TIFFTileSize(tiff) : TIFFStripSize(tiff)));
  char why[1024];
  return TIFFRGBAImageOK(tiff, why) != 0 ? PictureError::kNone : PictureError::kUnsupported;
}

// Pixels of which nothing was written stay zero: without colour, and transparent.
bool ReadTiffRaster(TIFF* tiff, const TiffShape& shape, std::vector<std::uint32_t>& raster) {
  TIFFRGBAImage image;
  char why[1024];
  if (TIFFRGBAImageBegin(&image, tiff, 1, why) == 0) return false;
  image.req_orientation = ORIENTATION_TOPLEFT;
  raster.assign(std::size_t{shape.width} * shape.height, 0);
  TIFFRGBAImageGet(&image, raster.data(), shape.width, shape.height);
  TIFFRGBAImageEnd(&image);
  return true;
}

}  // namespace

PictureOutcome DecodeTiff(ByteView file, const PictureLimits& limits) noexcept {
  TiffInput input{file};
  const Tiff tiff = OpenTiff(input, limits);
  if (tiff == nullptr || !FindTiffPage(tiff.get())) return {.plane = std::nullopt, .error = PictureError::kUnreadable};
  TiffShape shape;
  if (const PictureError error = CheckTiff(tiff.get(), file, shape); error != PictureError::kNone) {
    return {.plane = std::nullopt, .error = error};
  }
  const std::uint64_t held = std::uint64_t{shape.width} * shape.height * sizeof(std::uint32_t) + 2 * shape.piece_bytes;
  if (const PictureError error = PlaneBuilder::Admit(shape.width, shape.height, held, limits);
      error != PictureError::kNone) {
    return {.plane = std::nullopt, .error = error};
  }
  PlaneBuilder builder(shape.width, shape.height, limits);
  std::vector<std::uint32_t> raster;
  if (!ReadTiffRaster(tiff.get(), shape, raster)) return builder.Finish();
  std::vector<std::uint8_t> luma(shape.width);
  for (std::uint32_t row = 0; row < shape.height; ++row) {
    const std::uint32_t* pixels = raster.data() + std::size_t{row} * shape.width;
    if (std::all_of(pixels, pixels + shape.width, [](std::uint32_t pixel) { return pixel == 0; })) continue;
    std::transform(pixels, pixels + shape.width, luma.begin(),
                   [](std::uint32_t pixel) { return LumaOf(TIFFGetR(pixel), TIFFGetG(pixel), TIFFGetB(pixel)); });
    builder.Add(row, luma.data());
  }
  return builder.Finish();
}

}  // namespace spanwatch::image
