#include "image/picture_decoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <string>

#include "support/picture_maker.h"

namespace spanwatch::image {
namespace {

constexpr PictureLimits kLimits{.pixels = 1 << 27, .memory_bytes = 1 << 28};

// 640x520 takes the path of block means, 300x200 that of pixels.
test::Picture Lane(std::uint32_t width, std::uint32_t height) {
  return test::LaneCamera(3, 1, width, height).Frame(7).picture;
}

// Mean difference of two pictures as PDQ sees them, in grey levels.
double Difference(const LumaPlane& a, const LumaPlane& b) {
  Luma64 cells_a;
  Luma64 cells_b;
  Downsample(a, {}, cells_a);
  Downsample(b, {}, cells_b);
  double sum = 0;
  for (std::size_t i = 0; i < cells_a.size(); ++i) sum += std::abs(cells_a[i] - cells_b[i]);
  return sum / static_cast<double>(cells_a.size());
}

LumaPlane Decoded(ByteView file) {
  PictureOutcome outcome = DecodePicture(file, kLimits);
  EXPECT_TRUE(outcome.plane.has_value());
  EXPECT_EQ(outcome.error, PictureError::kNone);
  return outcome.plane ? *outcome.plane : LumaPlane{1, 1, 1, 1, {0}, 0};
}

struct Kind {
  std::string name;
  Bytes file;
};

std::vector<Kind> ColourKinds(const test::Picture& picture) {
  return {{"progressive", EncodeJpeg(picture, {.quality = 95, .progressive = true})},
          {"separate scans", EncodeJpeg(picture, {.quality = 95, .separate_scans = true})},
          {"restart markers", EncodeJpeg(picture, {.quality = 95, .restart_rows = 1})},
          {"png", EncodePng(picture)},
          {"png of 16 bits", EncodePng(picture, {.kind = test::PngKind::kColour16})},
          {"png with alpha", EncodePng(picture, {.kind = test::PngKind::kAlpha})},
          {"png interlaced", EncodePng(picture, {.interlaced = true})}};
}

class PictureDecoderOfEverySize : public testing::TestWithParam<std::pair<std::uint32_t, std::uint32_t>> {};

TEST_P(PictureDecoderOfEverySize, GivesOneLuminanceWhateverTheFormat) {
  const test::Picture picture = Lane(GetParam().first, GetParam().second);
  const LumaPlane baseline = Decoded(EncodeJpeg(picture, {.quality = 95}));
  EXPECT_EQ(baseline.picture_width, GetParam().first);
  EXPECT_EQ(baseline.coverage, 1);
  for (const Kind& kind : ColourKinds(picture)) {
    const LumaPlane plane = Decoded(kind.file);
    EXPECT_EQ(plane.width, baseline.width) << kind.name;
    EXPECT_EQ(plane.height, baseline.height) << kind.name;
    EXPECT_EQ(plane.coverage, 1) << kind.name;
    EXPECT_LT(Difference(plane, baseline), 1.0) << kind.name;
  }
}

TEST_P(PictureDecoderOfEverySize, GivesOneLuminanceOfGreyPicturesAndOfInks) {
  test::Picture picture = Lane(GetParam().first, GetParam().second);
  for (std::size_t i = 0; i < picture.rgb.size(); i += 3) picture.rgb[i] = picture.rgb[i + 2] = picture.rgb[i + 1];
  const LumaPlane grey = Decoded(EncodeJpeg(picture, {.quality = 95, .ink = test::JpegInk::kGrey}));
  const Kind kinds[] = {
      {"inks", EncodeJpeg(picture, {.quality = 95, .ink = test::JpegInk::kCmyk})},
      {"progressive inks", EncodeJpeg(picture, {.quality = 95, .progressive = true, .ink = test::JpegInk::kCmyk})},
      {"grey png", EncodePng(picture, {.kind = test::PngKind::kGrey})},
      {"palette", EncodePng(picture, {.kind = test::PngKind::kPalette})}};
  for (const Kind& kind : kinds) EXPECT_LT(Difference(Decoded(kind.file), grey), 1.0) << kind.name;
}

TEST_P(PictureDecoderOfEverySize, GivesThePixelsOfAPartAsTheWholeHasThem) {
  const auto [width, height] = GetParam();
  const test::Picture picture = Lane(width, height);
  std::vector<Kind> kinds = ColourKinds(picture);
  kinds.push_back({"baseline", EncodeJpeg(picture)});
  kinds.push_back({"inks", EncodeJpeg(picture, {.ink = test::JpegInk::kCmyk})});
  for (const Kind& kind : kinds) {
    PictureLimits limits = kLimits;
    limits.part = {0, 0, width, height};
    const LumaPlane whole = *DecodePicture(kind.file, limits).plane;
    ASSERT_EQ(whole.samples.size(), std::size_t{width} * height) << kind.name;
    for (const PixelRectangle& part :
         {PixelRectangle{0, 0, 1, 1}, PixelRectangle{7, 9, 41, 30}, PixelRectangle{16, 16, 32, 33},
          PixelRectangle{0, 40, width, 41}, PixelRectangle{width - 5, height - 3, width, height}}) {
      limits.part = part;
      const LumaPlane plane = *DecodePicture(kind.file, limits).plane;
      EXPECT_EQ(plane.picture_width, width);
      EXPECT_EQ(plane.coverage, 1);
      ASSERT_EQ(plane.width, part.width());
      ASSERT_EQ(plane.height, part.height());
      for (std::uint32_t y = 0; y < plane.height; ++y) {
        const auto row = plane.samples.begin() + y * plane.width;
        const auto expected = whole.samples.begin() + (part.top + y) * width + part.left;
        ASSERT_TRUE(std::equal(row, row + plane.width, expected)) << kind.name << " " << part.left << " " << y;
      }
    }
    limits.part = {0, 0, width + 1, 1};
    EXPECT_EQ(DecodePicture(kind.file, limits).error, PictureError::kUnreadable) << kind.name;
    limits.part = {3, 0, 3, 1};
    EXPECT_EQ(DecodePicture(kind.file, limits).error, PictureError::kUnreadable) << kind.name;
  }
}

TEST_P(PictureDecoderOfEverySize, GivesAPictureAndAPartAsEachAloneIs) {
  const auto [width, height] = GetParam();
  const test::Picture picture = Lane(width, height);
  std::vector<Kind> kinds = ColourKinds(picture);
  kinds.push_back({"baseline", EncodeJpeg(picture)});
  kinds.push_back({"grey", EncodeJpeg(picture, {.ink = test::JpegInk::kGrey})});
  kinds.push_back({"inks", EncodeJpeg(picture, {.ink = test::JpegInk::kCmyk})});
  kinds.push_back({"coarse", EncodeJpeg(picture, {.quality = 3})});
  kinds.push_back({"late luminance", EncodeJpeg(picture, {.late_luminance = true})});
  const Bytes whole_file = EncodeJpeg(picture);
  kinds.push_back({"truncated", Bytes(whole_file.begin(), whole_file.begin() + std::ssize(whole_file) * 2 / 3)});
  for (const Kind& kind : kinds) {
    const LumaPlane whole = Decoded(kind.file);
    for (const LumaRectangle& part :
         {LumaRectangle{}, LumaRectangle{0.4, 0.1, 0.55, 0.3}, LumaRectangle{0.01, 0.31, 0.97, 0.34}}) {
      const PictureAndPart both = DecodePictureAndPart(kind.file, kLimits, part);
      PictureLimits of_part = kLimits;
      of_part.part = PixelsOf(part, width, height);
      const auto alone = DecodePicture(kind.file, of_part).plane;
      ASSERT_TRUE(both.whole.plane && both.part && alone) << kind.name;
      EXPECT_EQ(both.whole.plane->samples, whole.samples) << kind.name << " " << part.left;
      EXPECT_EQ(both.whole.plane->coverage, whole.coverage) << kind.name;
      EXPECT_EQ(both.place.left, of_part.part->left);
      EXPECT_EQ(both.place.bottom, of_part.part->bottom);
      EXPECT_EQ(both.part->samples, alone->samples) << kind.name << " " << part.left;
      EXPECT_EQ(both.part->width, alone->width);
    }
    for (const auto& none : {std::optional(LumaRectangle{0.5, 0.5, 0.5, 0.6}), std::optional<LumaRectangle>()}) {
      const PictureAndPart picture_alone = DecodePictureAndPart(kind.file, kLimits, none);
      EXPECT_FALSE(picture_alone.part) << kind.name;
      EXPECT_TRUE(picture_alone.whole.plane) << kind.name;
    }
  }
}

// Which way was taken must not show above, so it is told here.
TEST(PictureDecoder, AnIntactJpegOfBlockMeansIsReadOnceForAPictureAndAPart) {
  const LumaRectangle part{0.4, 0.1, 0.55, 0.3};
  const test::Picture picture = Lane(640, 520);
  for (const test::JpegOptions& options : {test::JpegOptions{}, test::JpegOptions{.progressive = true}}) {
    const Bytes file = EncodeJpeg(picture, options);
    EXPECT_TRUE(DecodeJpegAndPart(file, kLimits, part).part);
    EXPECT_FALSE(DecodeJpegAndPart(ByteView(file).first(file.size() / 2), kLimits, part).part);
    EXPECT_FALSE(DecodeJpegAndPart(file, {.pixels = kLimits.pixels, .memory_bytes = 640 * 520}, part).part);
  }
  EXPECT_FALSE(DecodeJpegAndPart(EncodeJpeg(Lane(300, 200)), kLimits, part).part);
}

class PictureDecoderOfManyRows : public PictureDecoderOfEverySize {};

TEST_P(PictureDecoderOfManyRows, TellsHowMuchOfATruncatedPictureIsThere) {
  const test::Picture picture = Lane(GetParam().first, GetParam().second);
  const Kind kinds[] = {{"baseline", EncodeJpeg(picture)},
                        {"restart markers", EncodeJpeg(picture, {.restart_rows = 1})},
                        {"png", EncodePng(picture)}};
  for (const Kind& kind : kinds) {
    const LumaPlane whole = Decoded(kind.file);
    float last = 1.01f;
    for (const double share : {0.9, 0.5, 0.2}) {
      const auto size = static_cast<std::size_t>(static_cast<double>(kind.file.size()) * share);
      const LumaPlane part = Decoded(ByteView(kind.file).first(size));
      EXPECT_LT(part.coverage, last) << kind.name << " " << share;
      EXPECT_NEAR(part.coverage, share, 0.25) << kind.name << " " << share;
      const auto rows =
          static_cast<std::size_t>(part.coverage * static_cast<float>(part.height) * 0.95f) & ~std::size_t{7};
      const auto samples = static_cast<std::ptrdiff_t>(rows > 8 ? (rows - 8) * part.width : 0);
      EXPECT_TRUE(std::equal(part.samples.begin(), part.samples.begin() + samples, whole.samples.begin())) << kind.name;
      last = part.coverage;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, PictureDecoderOfEverySize,
                         testing::Values(std::pair{640u, 520u}, std::pair{645u, 523u}, std::pair{300u, 200u},
                                         std::pair{61u, 47u}));
INSTANTIATE_TEST_SUITE_P(Sizes, PictureDecoderOfManyRows,
                         testing::Values(std::pair{640u, 520u}, std::pair{300u, 200u}));

TEST(PictureDecoder, OfAProgressivePictureTheFirstScanIsAllThatBlockMeansNeed) {
  const Bytes file = EncodeJpeg(Lane(640, 520), {.progressive = true});
  const LumaPlane whole = Decoded(file);
  const LumaPlane part = Decoded(ByteView(file).first(file.size() / 2));
  EXPECT_EQ(part.coverage, 1);
  EXPECT_EQ(part.samples, whole.samples);
  EXPECT_LT(Decoded(ByteView(file).first(file.size() / 40)).coverage, 0.9f);
}

TEST(PictureDecoder, ASmallProgressivePictureIsReadToItsLastScan) {
  const Bytes file = EncodeJpeg(Lane(300, 200), {.progressive = true});
  EXPECT_GT(Difference(Decoded(ByteView(file).first(file.size() / 5)), Decoded(file)), 1.0);
}

TEST(PictureDecoder, WhereBlockMeansAloneAreWantedASmallPictureIsLeftAlone) {
  PictureLimits limits = kLimits;
  limits.only_blocks = true;
  EXPECT_EQ(DecodePicture(EncodeJpeg(Lane(300, 200), {.progressive = true}), limits).error, PictureError::kUnreadable);
  EXPECT_TRUE(DecodePicture(EncodeJpeg(Lane(640, 520), {.progressive = true}), limits).plane.has_value());
}

TEST(PictureDecoder, WhatIsNoPictureIsUnreadable) {
  Bytes file = EncodeJpeg(Lane(61, 47));
  EXPECT_EQ(DecodePicture(AsBytes("no picture at all"), kLimits).error, PictureError::kUnreadable);
  EXPECT_EQ(DecodePicture(ByteView(file).first(30), kLimits).error, PictureError::kUnreadable);
  EXPECT_EQ(DecodePicture({}, kLimits).error, PictureError::kUnreadable);
  const Bytes png = EncodePng(Lane(61, 47));
  EXPECT_EQ(DecodePicture(ByteView(png).first(33), kLimits).error, PictureError::kUnreadable);
}

// A header that promises `width` by `height`, over the data of a small picture.
Bytes JpegOfSize(Bytes file, std::uint16_t width, std::uint16_t height) {
  for (std::size_t i = 0; i + 9 < file.size(); ++i) {
    if (file[i] != 0xFF || (file[i + 1] != 0xC0 && file[i + 1] != 0xC2)) continue;
    file[i + 5] = static_cast<std::uint8_t>(height >> 8);
    file[i + 6] = static_cast<std::uint8_t>(height);
    file[i + 7] = static_cast<std::uint8_t>(width >> 8);
    file[i + 8] = static_cast<std::uint8_t>(width);
    break;
  }
  return file;
}

TEST(PictureDecoder, RefusesBombsByTheirHeader) {
  const test::Picture small = Lane(61, 47);
  EXPECT_EQ(DecodePicture(JpegOfSize(EncodeJpeg(small), 60000, 60000), kLimits).error, PictureError::kOverLimit);
  EXPECT_EQ(DecodePicture(JpegOfSize(EncodeJpeg(small, {.progressive = true}), 10000, 10000), kLimits).error,
            PictureError::kOverLimit);
  EXPECT_EQ(DecodePicture(EncodePng(small), {.pixels = 61 * 47 - 1, .memory_bytes = 1 << 20}).error,
            PictureError::kOverLimit);
  // One row of many pixels costs as much as many rows.
  EXPECT_EQ(DecodePicture(EncodePng(Lane(4000, 16)), {.pixels = 1 << 20, .memory_bytes = 100000}).error,
            PictureError::kOverLimit);
  const PictureLimits little{.pixels = 1 << 20, .memory_bytes = 600 * 520};
  EXPECT_EQ(DecodePicture(EncodePng(Lane(640, 520), {.interlaced = true}), little).error, PictureError::kOverLimit);
  EXPECT_TRUE(DecodePicture(EncodePng(Lane(640, 520)), little).plane.has_value());
}

TEST(PictureDecoder, ScansWithoutEndCostABoundedTime) {
  const Bytes file = EncodeJpeg(Lane(300, 200), {.progressive = true});
  // The last scan, a few bytes of refinement, over and over.
  std::size_t scan = file.size() - 2;
  while (!(file[scan] == 0xFF && file[scan + 1] == 0xDA)) --scan;
  Bytes bomb(file.begin(), file.end() - 2);
  for (int i = 0; i < 20000; ++i)
    bomb.insert(bomb.end(), file.begin() + static_cast<std::ptrdiff_t>(scan),
                file.begin() + static_cast<std::ptrdiff_t>(scan) + 10);
  const auto begin = std::clock();
  EXPECT_TRUE(DecodePicture(bomb, kLimits).plane.has_value());
  EXPECT_LT(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC, 5.0);
}

}  // namespace
}  // namespace spanwatch::image
