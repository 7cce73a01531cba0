// GIF, BMP, WebP and TIFF as common writers make them: each gives the luminance that a PNG of the same picture gives,
// and its walk tells its end and its image data. (JPEG and PNG: picture_decoder_test.cc, image_data_test.cc.)
#include "support/picture_formats.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "image/image_data.h"
#include "support/picture_maker.h"

namespace spanwatch::image {
namespace {

constexpr PictureLimits kFormatLimits{.pixels = 1 << 24, .memory_bytes = 1 << 26};

using test::BmpKind, test::TiffCoding;

// 528x512 takes the path of block means, 301x203 that of pixels, and its rows need padding.
test::Picture FormatLane(std::uint32_t width, std::uint32_t height) {
  return test::LaneCamera(4, 1, width, height).Frame(3).picture;
}

// So that formats with a palette of greys have the same luminance.
test::Picture GreyLane(std::uint32_t width, std::uint32_t height) {
  test::Picture picture = FormatLane(width, height);
  for (std::size_t i = 0; i < picture.rgb.size(); i += 3) picture.rgb[i] = picture.rgb[i + 2] = picture.rgb[i + 1];
  return picture;
}

struct Written {
  std::string name;
  FileType type;
  Bytes file;
};

std::vector<Written> EveryWriter(const test::Picture& picture) {
  using enum FileType;
  return {
      {"gif", kGif, EncodeGif(picture)},
      {"interlaced gif", kGif, EncodeGif(picture, {.interlaced = true})},
      {"animated gif", kGif, EncodeGif(picture, {.white_behind = true})},
      {"gif that begins with a dot", kGif, EncodeGif(picture, {.dot_first = true, .white_behind = true})},
      {"bmp", kBmp, EncodeBmp(picture)},
      {"bmp from the top", kBmp, EncodeBmp(picture, {.top_down = true})},
      {"bmp of 32 bits", kBmp, EncodeBmp(picture, {.kind = BmpKind::k32, .top_down = true})},
      {"bmp of 16 bits", kBmp, EncodeBmp(picture, {.kind = BmpKind::k16})},
      {"bmp with masks", kBmp, EncodeBmp(picture, {.kind = BmpKind::kMasks16})},
      {"bmp with a palette", kBmp, EncodeBmp(picture, {.kind = BmpKind::kPalette})},
      {"bmp with runs", kBmp, EncodeBmp(picture, {.kind = BmpKind::kRle8})},
      {"bmp of OS/2", kBmp, EncodeBmp(picture, {.kind = BmpKind::kCore})},
      {"webp", kWebp, EncodeWebp(picture)},
      {"lossless webp", kWebp, EncodeWebp(picture, {.lossless = true})},
      {"animated webp", kWebp, EncodeWebp(picture, {.animated = true})},
      {"animated lossless webp", kWebp, EncodeWebp(picture, {.lossless = true, .animated = true})},
      {"webp with metadata", kWebp, EncodeWebp(picture, {.metadata = true})},
      {"tiff", kTiff, EncodeTiff(picture, {.coding = TiffCoding::kNone})},
      {"tiff by LZW", kTiff, EncodeTiff(picture)},
      {"tiff by Deflate", kTiff, EncodeTiff(picture, {.coding = TiffCoding::kDeflate})},
      {"tiff by PackBits", kTiff, EncodeTiff(picture, {.coding = TiffCoding::kPackBits})},
      {"tiff by JPEG", kTiff, EncodeTiff(picture, {.coding = TiffCoding::kJpeg})},
      {"tiled tiff", kTiff, EncodeTiff(picture, {.tiled = true})},
      {"tiled tiff by JPEG", kTiff, EncodeTiff(picture, {.coding = TiffCoding::kJpeg, .tiled = true})},
      {"tiff of planes", kTiff, EncodeTiff(picture, {.planes = true})},
      {"tiff, big endian", kTiff, EncodeTiff(picture, {.big_endian = true})},
      {"BigTIFF", kTiff, EncodeTiff(picture, {.big_tiff = true})},
      {"BigTIFF, big endian", kTiff, EncodeTiff(picture, {.big_endian = true, .big_tiff = true})},
      {"tiff of inks", kTiff, EncodeTiff(picture, {.inks = true})},
      {"tiff with a thumbnail", kTiff, EncodeTiff(picture, {.thumbnail = true})},
  };
}

double FormatDifference(const LumaPlane& a, const LumaPlane& b) {
  Luma64 cells_a, cells_b;
  Downsample(a, {}, cells_a);
  Downsample(b, {}, cells_b);
  double sum = 0;
  for (std::size_t i = 0; i < cells_a.size(); ++i) sum += std::abs(cells_a[i] - cells_b[i]);
  return sum / static_cast<double>(cells_a.size());
}

class PictureFormatsOfEverySize : public testing::TestWithParam<std::pair<std::uint32_t, std::uint32_t>> {};

TEST_P(PictureFormatsOfEverySize, GiveTheLuminanceOfThePicture) {
  const auto [width, height] = GetParam();
  const test::Picture picture = GreyLane(width, height);
  const LumaPlane expected = *DecodePicture(EncodePng(picture), kFormatLimits).plane;
  for (const Written& written : EveryWriter(picture)) {
    EXPECT_EQ(SniffType(written.file), written.type) << written.name;
    const PictureOutcome outcome = DecodePicture(written.file, kFormatLimits);
    ASSERT_TRUE(outcome.plane) << written.name << " " << static_cast<int>(outcome.error);
    EXPECT_EQ(outcome.plane->width, expected.width) << written.name;
    EXPECT_EQ(outcome.plane->height, expected.height) << written.name;
    EXPECT_EQ(outcome.plane->coverage, 1) << written.name;
    EXPECT_EQ(outcome.work_pixels, std::uint64_t{width} * height) << written.name;
    EXPECT_LT(FormatDifference(*outcome.plane, expected), 4.5) << written.name;  // 16 bits cut off up to 7 levels
  }
}

TEST_P(PictureFormatsOfEverySize, GiveTheLuminanceOfColours) {
  const auto [width, height] = GetParam();
  const test::Picture picture = FormatLane(width, height);
  const LumaPlane expected = *DecodePicture(EncodePng(picture), kFormatLimits).plane;
  for (const Bytes& file : {EncodeBmp(picture), EncodeBmp(picture, {.kind = BmpKind::k32}), EncodeWebp(picture),
                            EncodeWebp(picture, {.lossless = true}), EncodeTiff(picture),
                            EncodeTiff(picture, {.coding = TiffCoding::kJpeg}), EncodeTiff(picture, {.inks = true})}) {
    EXPECT_LT(FormatDifference(*DecodePicture(file, kFormatLimits).plane, expected), 1.5);
  }
}

TEST_P(PictureFormatsOfEverySize, GiveAPartAsTheWholeHasIt) {
  const auto [width, height] = GetParam();
  const test::Picture picture = GreyLane(width, height);
  for (const Written& written : EveryWriter(picture)) {
    PictureLimits limits = kFormatLimits;
    limits.part = {0, 0, width, height};
    const LumaPlane whole = *DecodePicture(written.file, limits).plane;
    limits.part = {7, 9, 41, 30};
    const LumaPlane part = *DecodePicture(written.file, limits).plane;
    EXPECT_EQ(part.samples, Cut(whole, *limits.part).samples) << written.name;
    EXPECT_EQ(part.coverage, 1) << written.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, PictureFormatsOfEverySize,
                         testing::Values(std::pair(528u, 512u), std::pair(301u, 203u)));

struct Walked {
  std::uint64_t length = 0;
  PictureRun::Outcome outcome = PictureRun::Outcome::kMore;
  Bytes data;
  bool operator==(const Walked&) const = default;
};

Walked Follow(ByteView file, std::size_t piece) {
  Walked walked;
  const auto walker = SniffFormat(file)->walk();
  for (std::size_t at = 0; at < file.size(); at += piece) {
    ByteView left = file.subspan(at, std::min(piece, file.size() - at));
    while (!left.empty() && walked.outcome == PictureRun::Outcome::kMore) {
      const PictureRun run = walker->Next(left);
      walked.outcome = run.outcome;
      walked.length += run.length;
      if (run.kind == PictureRun::Kind::kData) {
        walked.data.insert(walked.data.end(), left.begin(), left.begin() + std::ssize(left.first(run.length)));
      }
      left = left.subspan(run.length);
    }
  }
  return walked;
}

TEST(PictureFormats, WalkEndsWhereTheFileEndsForEverySplit) {
  for (Written& written : EveryWriter(GreyLane(61, 47))) {
    const std::size_t size = written.file.size();
    written.file.insert(written.file.end(), 300, 0x41);  // another's
    const Walked whole = Follow(written.file, written.file.size());
    EXPECT_EQ(whole.outcome, PictureRun::Outcome::kEnded) << written.name;
    EXPECT_EQ(whole.length, size) << written.name;
    EXPECT_GT(whole.data.size(), size / 8) << written.name;
    for (const std::size_t piece : {1u, 2u, 3u, 7u, 64u, 1000u}) {
      EXPECT_EQ(Follow(written.file, piece), whole) << written.name << " in pieces of " << piece;
    }
  }
}

TEST(PictureFormats, MetadataIsNoImageData) {
  const test::Picture picture = GreyLane(61, 47);
  EXPECT_EQ(Follow(EncodeWebp(picture, {.metadata = true}), 99).data, Follow(EncodeWebp(picture), 99).data);
  Bytes gif = EncodeGif(picture);
  const Bytes data = Follow(gif, 99).data;
  const auto comment = std::search(gif.begin(), gif.end(), AsBytes("a comment").begin(), AsBytes("a comment").end());
  *comment = 'b';
  EXPECT_EQ(Follow(gif, 99).data, data);
}

// Whatever is cut off or damaged, what is there is given, with how much that is; nothing else happens.
TEST(PictureFormats, DecodeWhatIsThereOfACutFile) {
  for (const Written& written : EveryWriter(GreyLane(301, 203))) {
    for (const std::size_t percent : {1u, 30u, 60u, 90u, 99u}) {
      const PictureOutcome outcome =
          DecodePicture(ByteView(written.file).first(written.file.size() * percent / 100), kFormatLimits);
      if (!outcome.plane) continue;
      EXPECT_LE(outcome.plane->coverage, 1) << written.name << " " << percent;
    }
  }
  for (const Bytes& file :
       {EncodeGif(GreyLane(301, 203)), EncodeBmp(GreyLane(301, 203)), EncodeWebp(GreyLane(301, 203))}) {
    const PictureOutcome half = DecodePicture(ByteView(file).first(file.size() * 7 / 10), kFormatLimits);
    ASSERT_TRUE(half.plane);
    EXPECT_GT(half.plane->coverage, 0.3);
    EXPECT_LT(half.plane->coverage, 0.9);
  }
}

class Refuses final : public PixelBudget {
 public:
  bool Affords(std::uint64_t) const noexcept override { return false; }
};

TEST(PictureFormats, AskTheLimitsBeforeAnythingIsDecoded) {
  const Refuses refuses;
  for (const Written& written : EveryWriter(GreyLane(301, 203))) {
    PictureLimits limits = kFormatLimits;
    limits.pixels = 301 * 203 - 1;
    EXPECT_EQ(DecodePicture(written.file, limits).error, PictureError::kOverLimit) << written.name;
    limits = {.pixels = 1 << 24, .memory_bytes = 20000};
    EXPECT_NE(DecodePicture(written.file, limits).error, PictureError::kNone) << written.name;
    limits = kFormatLimits;
    limits.budget = &refuses;
    EXPECT_EQ(DecodePicture(written.file, limits).error, PictureError::kOverBudget) << written.name;
    limits.budget = nullptr;
    limits.only_blocks = true;
    EXPECT_EQ(DecodePicture(written.file, limits).error, PictureError::kUnreadable) << written.name;
  }
}

TEST(PictureFormats, TellACodingThatIsNotRead) {
  Bytes bmp = EncodeBmp(GreyLane(61, 47), {.kind = BmpKind::kPalette});
  bmp[30] = 9;  // no compression that is known
  EXPECT_EQ(DecodePicture(bmp, kFormatLimits).error, PictureError::kUnsupported);
}

// Every strip is the same bytes: a small file would be unpacked a thousand times.
TEST(PictureFormats, TiffWhoseStripsLieOnOneAnotherIsNotDecoded) {
  Bytes tiff = EncodeTiff(GreyLane(301, 203), {.coding = TiffCoding::kNone});
  ASSERT_TRUE(DecodePicture(tiff, kFormatLimits).plane);
  // The array of lengths: that of a strip of 32 rows, again and again.
  constexpr std::uint32_t kStrip = 32 * 301 * 3;
  const Bytes length{kStrip & 0xFF, kStrip >> 8, kStrip & 0xFF, kStrip >> 8};
  bool found = false;
  for (auto at = tiff.begin(); (at = std::search(at, tiff.end(), length.begin(), length.end())) != tiff.end();
       at += 4) {
    std::fill(at, at + 4, std::uint8_t{0xFF});  // as long as the field can say
    found = true;
  }
  ASSERT_TRUE(found);
  EXPECT_EQ(DecodePicture(tiff, kFormatLimits).error, PictureError::kUnreadable);
}

}  // namespace
}  // namespace spanwatch::image
