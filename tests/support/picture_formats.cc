#include "support/picture_formats.h"

#include <gif_lib.h>
#include <tiffio.h>
#include <webp/encode.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/check.h"

namespace spanwatch::test {
namespace {

void PutLe(Bytes& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(i < 8 ? static_cast<std::uint8_t>(value >> 8 * i) : std::uint8_t{0});
}
void PutText(Bytes& out, std::string_view text) { out.insert(out.end(), text.begin(), text.end()); }

int AppendGif(GifFileType* gif, const GifByteType* bytes, int length) {
  auto& out = *static_cast<Bytes*>(gif->UserData);
  out.insert(out.end(), bytes, bytes + length);
  return length;
}

void PutFrame(GifFileType* gif, const std::vector<GifByteType>& indexes, int width, int height, bool interlaced) {
  CHECK(EGifPutImageDesc(gif, 0, 0, width, height, interlaced, nullptr) == GIF_OK);
  constexpr int kFirst[] = {0, 4, 2, 1}, kStep[] = {8, 8, 4, 2};
  for (int pass = 0; pass < (interlaced ? 4 : 1); ++pass) {
    for (int row = interlaced ? kFirst[pass] : 0; row < height; row += interlaced ? kStep[pass] : 1) {
      std::vector<GifByteType> line(indexes.begin() + row * width, indexes.begin() + (row + 1) * width);
      CHECK(EGifPutLine(gif, line.data(), width) == GIF_OK);
    }
  }
}

// Rows as BMP has them, from the first in the file.
void PutBmpRow(Bytes& out, const Picture& picture, std::uint32_t y, BmpKind kind) {
  const std::size_t begin = out.size();
  for (std::uint32_t x = 0; x < picture.width; ++x) {
    const std::uint8_t* rgb = picture.At(x, y);
    switch (kind) {
      case BmpKind::k24:
      case BmpKind::kCore:
        out.insert(out.end(), {rgb[2], rgb[1], rgb[0]});
        break;
      case BmpKind::k32:
        out.insert(out.end(), {rgb[2], rgb[1], rgb[0], 0});
        break;
      case BmpKind::k16:
        PutLe(out, static_cast<std::uint64_t>(rgb[0] >> 3 << 10 | rgb[1] >> 3 << 5 | rgb[2] >> 3), 2);
        break;
      case BmpKind::kMasks16:
        PutLe(out, static_cast<std::uint64_t>(rgb[0] >> 3 << 11 | rgb[1] >> 2 << 5 | rgb[2] >> 3), 2);
        break;
      default:
        out.push_back(rgb[1]);
    }
  }
  while ((out.size() - begin) % 4 != 0) out.push_back(0);
}

// Runs where there are some, else single pixels in runs of at most 255.
void PutRleRow(Bytes& out, const Picture& picture, std::uint32_t y) {
  for (std::uint32_t x = 0; x < picture.width;) {
    std::uint32_t end = x + 1;
    while (end < picture.width && end - x < 255 && picture.At(end, y)[1] == picture.At(x, y)[1]) ++end;
    if (end - x >= 3 || picture.width - x < 3) {
      out.insert(out.end(), {static_cast<std::uint8_t>(end - x), picture.At(x, y)[1]});
      x = end;
      continue;
    }
    const std::uint32_t count = std::min(picture.width - x, 251u);
    out.insert(out.end(), {0, static_cast<std::uint8_t>(count)});
    for (std::uint32_t i = 0; i < count; ++i) out.push_back(picture.At(x + i, y)[1]);
    if (count % 2 != 0) out.push_back(0);
    x += count;
  }
  out.insert(out.end(), {0, 0});
}

Bytes BmpPixels(const Picture& picture, const BmpOptions& options) {
  Bytes pixels;
  for (std::uint32_t i = 0; i < picture.height; ++i) {
    const std::uint32_t y = options.top_down ? i : picture.height - 1 - i;
    if (options.kind == BmpKind::kRle8)
      PutRleRow(pixels, picture, y);
    else
      PutBmpRow(pixels, picture, y, options.kind);
  }
  if (options.kind == BmpKind::kRle8) pixels.back() = 1;  // the end of the picture instead of the last row's
  return pixels;
}

Bytes EncodeWebpAlone(const Picture& picture, bool lossless) {
  std::uint8_t* out = nullptr;
  const auto width = static_cast<int>(picture.width), height = static_cast<int>(picture.height);
  const std::size_t size = lossless ? WebPEncodeLosslessRGB(picture.rgb.data(), width, height, 3 * width, &out)
                                    : WebPEncodeRGB(picture.rgb.data(), width, height, 3 * width, 90, &out);
  CHECK(size > 0);
  Bytes bytes(out, out + size);
  WebPFree(out);
  return bytes;
}

void PutChunk(Bytes& out, std::string_view type, ByteView payload) {
  PutText(out, type);
  PutLe(out, payload.size(), 4);
  out.insert(out.end(), payload.begin(), payload.end());
  if (payload.size() % 2 != 0) out.push_back(0);
}

// What libtiff writes to.
struct Output {
  Bytes bytes;
  std::uint64_t at = 0;
};

tmsize_t WriteOut(thandle_t handle, void* data, tmsize_t size) {
  auto& output = *static_cast<Output*>(handle);
  output.bytes.resize(std::max<std::size_t>(output.bytes.size(), output.at + static_cast<std::size_t>(size)));
  std::memcpy(output.bytes.data() + output.at, data, static_cast<std::size_t>(size));
  output.at += static_cast<std::uint64_t>(size);
  return size;
}
tmsize_t ReadBack(thandle_t handle, void* data, tmsize_t size) {
  auto& output = *static_cast<Output*>(handle);
  const std::size_t taken = std::min<std::size_t>(static_cast<std::size_t>(size), output.bytes.size() - output.at);
  std::memcpy(data, output.bytes.data() + output.at, taken);
  output.at += taken;
  return static_cast<tmsize_t>(taken);
}
toff_t SeekOut(thandle_t handle, toff_t offset, int from) {
  auto& output = *static_cast<Output*>(handle);
  output.at = (from == SEEK_CUR ? output.at : from == SEEK_END ? output.bytes.size() : 0) + offset;
  return output.at;
}
int CloseOut(thandle_t) { return 0; }
toff_t SizeOut(thandle_t handle) { return static_cast<Output*>(handle)->bytes.size(); }

Bytes TiffSample(const Picture& picture, bool inks) {
  if (!inks) return picture.rgb;
  Bytes samples;
  for (std::size_t i = 0; i < picture.rgb.size(); i += 3) {
    for (std::size_t c = 0; c < 3; ++c) samples.push_back(static_cast<std::uint8_t>(255 - picture.rgb[i + c]));
    samples.push_back(0);
  }
  return samples;
}

void PutRows(TIFF* tiff, const Picture& picture, const TiffOptions& options) {
  const std::size_t samples = options.inks ? 4 : 3;
  const Bytes all = TiffSample(picture, options.inks);
  for (std::size_t plane = 0; plane < (options.planes ? samples : 1); ++plane) {
    for (std::uint32_t y = 0; y < picture.height; ++y) {
      Bytes row(all.begin() + static_cast<std::ptrdiff_t>(y * picture.width * samples),
                all.begin() + static_cast<std::ptrdiff_t>((y + 1) * picture.width * samples));
      if (options.planes) {
        for (std::uint32_t x = 0; x < picture.width; ++x) row[x] = row[x * samples + plane];
      }
      CHECK(TIFFWriteScanline(tiff, row.data(), y, static_cast<std::uint16_t>(plane)) == 1);
    }
  }
}

void PutTiles(TIFF* tiff, const Picture& picture, const TiffOptions& options) {
  constexpr std::uint32_t kSide = 64;
  const std::size_t samples = options.inks ? 4 : 3;
  const Bytes all = TiffSample(picture, options.inks);
  TIFFSetField(tiff, TIFFTAG_TILEWIDTH, kSide);
  TIFFSetField(tiff, TIFFTAG_TILELENGTH, kSide);
  for (std::uint32_t top = 0; top < picture.height; top += kSide) {
    for (std::uint32_t left = 0; left < picture.width; left += kSide) {
      Bytes tile(kSide * kSide * samples);
      const std::size_t width = std::min(kSide, picture.width - left) * samples;
      for (std::uint32_t y = 0; y < std::min(kSide, picture.height - top); ++y) {
        std::copy_n(all.begin() + static_cast<std::ptrdiff_t>((std::size_t{top + y} * picture.width + left) * samples),
                    width, tile.begin() + static_cast<std::ptrdiff_t>(y * kSide * samples));
      }
      CHECK(TIFFWriteTile(tiff, tile.data(), left, top, 0, 0) > 0);
    }
  }
}

void PutDirectory(TIFF* tiff, const Picture& picture, const TiffOptions& options) {
  constexpr std::uint16_t kCodings[] = {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE,
                                        COMPRESSION_PACKBITS, COMPRESSION_JPEG};
  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, picture.width);
  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, picture.height);
  TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 8);
  TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, options.inks ? 4 : 3);
  TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, options.inks ? PHOTOMETRIC_SEPARATED : PHOTOMETRIC_RGB);
  TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, options.planes ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG);
  TIFFSetField(tiff, TIFFTAG_COMPRESSION, kCodings[static_cast<std::size_t>(options.coding)]);
  if (options.coding == TiffCoding::kJpeg) {
    TIFFSetField(tiff, TIFFTAG_JPEGQUALITY, 95);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_YCBCR);
    TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
  }
  if (options.tiled) {
    PutTiles(tiff, picture, options);
  } else {
    TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, 32);
    PutRows(tiff, picture, options);
  }
  CHECK(TIFFWriteDirectory(tiff) == 1);
}

}  // namespace

Bytes EncodeGif(const Picture& picture, const GifOptions& options) {
  Bytes bytes;
  GifFileType* gif = EGifOpen(&bytes, AppendGif, nullptr);
  CHECK(gif != nullptr);
  EGifSetGifVersion(gif, true);
  ColorMapObject* map = GifMakeMapObject(256, nullptr);
  for (int i = 0; i < 256; ++i) {
    const auto grey = static_cast<GifByteType>(i);
    map->Colors[i] = {grey, grey, grey};
  }
  const auto width = static_cast<int>(picture.width), height = static_cast<int>(picture.height);
  CHECK(EGifPutScreenDesc(gif, width, height, 8, 0, map) == GIF_OK);
  std::vector<GifByteType> indexes(picture.rgb.size() / 3);
  for (std::size_t i = 0; i < indexes.size(); ++i) indexes[i] = picture.rgb[3 * i + 1];
  if (options.dot_first) PutFrame(gif, {7}, 1, 1, false);
  CHECK(EGifPutComment(gif, "a comment") == GIF_OK);
  PutFrame(gif, indexes, width, height, options.interlaced);
  if (options.white_behind) PutFrame(gif, std::vector<GifByteType>(indexes.size(), 255), width, height, false);
  CHECK(EGifCloseFile(gif, nullptr) == GIF_OK);
  GifFreeMapObject(map);
  return bytes;
}

Bytes EncodeBmp(const Picture& picture, const BmpOptions& options) {
  const bool palette = options.kind == BmpKind::kPalette || options.kind == BmpKind::kRle8;
  const bool core = options.kind == BmpKind::kCore, masks = options.kind == BmpKind::kMasks16;
  const Bytes pixels = BmpPixels(picture, options);
  const std::size_t header = core ? 12 : 40;
  const std::size_t table = palette ? 1024 : masks ? 12 : 0;
  constexpr unsigned kBits[] = {24, 32, 16, 16, 8, 8, 24};
  Bytes out;
  PutText(out, "BM");
  PutLe(out, 14 + header + table + pixels.size(), 4);
  PutLe(out, 0, 4);
  PutLe(out, 14 + header + table, 4);
  PutLe(out, header, 4);
  PutLe(out, picture.width, core ? 2 : 4);
  PutLe(out, options.top_down ? 0u - picture.height : picture.height, core ? 2 : 4);
  PutLe(out, 1, 2);
  PutLe(out, kBits[static_cast<std::size_t>(options.kind)], 2);
  if (!core) {
    PutLe(out, options.kind == BmpKind::kRle8 ? 1 : masks ? 3 : 0, 4);
    PutLe(out, pixels.size(), 4);
    PutLe(out, 0, 16);
  }
  for (std::uint32_t i = 0; palette && i < 256; ++i) PutLe(out, i << 16 | i << 8 | i, 4);
  for (const std::uint32_t mask : {0xF800u, 0x07E0u, 0x001Fu}) {
    if (masks) PutLe(out, mask, 4);
  }
  out.insert(out.end(), pixels.begin(), pixels.end());
  return out;
}

Bytes EncodeWebp(const Picture& picture, const WebpOptions& options) {
  const Bytes alone = EncodeWebpAlone(picture, options.lossless);
  if (!options.animated && !options.metadata) return alone;
  constexpr std::size_t kFileHead = 12;
  const auto size = [&](Bytes& out) {
    PutLe(out, picture.width - 1, 3);
    PutLe(out, picture.height - 1, 3);
  };
  Bytes chunks, extended;
  PutLe(extended, options.animated ? 2 : 8, 4);
  size(extended);
  PutChunk(chunks, "VP8X", extended);
  if (options.animated) {
    PutChunk(chunks, "ANIM", Bytes(6));
    Picture turned = picture;
    std::ranges::reverse(turned.rgb);
    for (const Bytes& frame : {alone, EncodeWebpAlone(turned, options.lossless)}) {
      Bytes payload(6);
      size(payload);
      PutLe(payload, 100, 4);
      payload.insert(payload.end(), frame.begin() + kFileHead, frame.end());
      PutChunk(chunks, "ANMF", payload);
    }
  } else {
    chunks.insert(chunks.end(), alone.begin() + kFileHead, alone.end());
    PutChunk(chunks, "EXIF", AsBytes("MM notes"));
  }
  Bytes out;
  PutText(out, "RIFF");
  PutLe(out, chunks.size() + 4, 4);
  PutText(out, "WEBP");
  out.insert(out.end(), chunks.begin(), chunks.end());
  return out;
}

Bytes EncodeTiff(const Picture& picture, const TiffOptions& options) {
  Output output;
  const std::string mode = std::string("w") + (options.big_endian ? "b" : "l") + (options.big_tiff ? "8" : "");
  TIFF* tiff =
      TIFFClientOpen("", mode.c_str(), &output, ReadBack, WriteOut, SeekOut, CloseOut, SizeOut, nullptr, nullptr);
  CHECK(tiff != nullptr);
  if (options.thumbnail) {
    TIFFSetField(tiff, TIFFTAG_SUBFILETYPE, FILETYPE_REDUCEDIMAGE);
    PutDirectory(tiff, Picture(16, 16), {});
  }
  PutDirectory(tiff, picture, options);
  TIFFClose(tiff);
  return output.bytes;
}

}  // namespace spanwatch::test
