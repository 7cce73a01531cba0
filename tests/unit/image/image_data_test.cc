#include "image/image_data.h"

#include <gtest/gtest.h>

#include "support/picture_maker.h"

namespace spanwatch::image {
namespace {

struct Extracted {
  Bytes data;
  bool complete = false;
  bool failed = false;
  bool operator==(const Extracted&) const = default;
};

Extracted Extract(ByteView file, std::size_t piece, const PictureFormat& format) {
  Extracted extracted;
  ImageDataExtractor extractor(format);
  for (std::size_t at = 0; at < file.size(); at += piece) {
    const Bytes part(file.begin() + static_cast<std::ptrdiff_t>(at),
                     file.begin() + static_cast<std::ptrdiff_t>(std::min(at + piece, file.size())));
    extractor.Update(part, [&](ByteView data, std::size_t offset) {
      EXPECT_EQ(data.data(), part.data() + offset);
      extracted.data.insert(extracted.data.end(), data.begin(), data.end());
    });
  }
  extracted.complete = extractor.complete();
  extracted.failed = extractor.failed();
  return extracted;
}

Extracted Extract(ByteView file, std::size_t piece) { return Extract(file, piece, *SniffFormat(file)); }

test::Picture Lane() { return test::LaneCamera(3, 1, 160, 120).Frame(7).picture; }

std::vector<Bytes> Files() {
  const test::Picture picture = Lane();
  return {EncodeJpeg(picture), EncodeJpeg(picture, {.progressive = true}), EncodeJpeg(picture, {.restart_rows = 1}),
          EncodePng(picture)};
}

// A comment behind the first marker, or a text chunk behind the header.
Bytes WithMetadata(const Bytes& file) {
  const bool jpeg = file[0] == 0xFF;
  const std::string_view comment =
      jpeg ? std::string_view("\xFF\xFE\x00\x08notes\xFF", 10) : std::string_view("\0\0\0\5tEXta\0bcd1234", 17);
  Bytes edited = file;
  edited.insert(edited.begin() + (jpeg ? 2 : 33), comment.begin(), comment.end());
  return edited;
}

TEST(ImageDataExtractor, GivesTheSameForEverySplit) {
  for (const Bytes& file : Files()) {
    const Extracted whole = Extract(file, file.size());
    EXPECT_TRUE(whole.complete);
    EXPECT_GT(whole.data.size(), file.size() / 2);
    for (const std::size_t piece : {1u, 2u, 3u, 7u, 64u, 1000u}) EXPECT_EQ(Extract(file, piece), whole) << piece;
  }
}

TEST(ImageDataExtractor, MetadataChangesNothing) {
  for (const Bytes& file : Files()) EXPECT_EQ(Extract(WithMetadata(file), 100), Extract(file, 100));
}

TEST(ImageDataExtractor, OnePixelChangesTheData) {
  test::Picture picture = Lane();
  const Bytes before = EncodePng(picture);
  picture.rgb[1000] ^= 1;
  EXPECT_NE(Extract(EncodePng(picture), 100).data, Extract(before, 100).data);
}

TEST(ImageDataExtractor, IsCompleteOnlyAtThePicturesOwnEnd) {
  for (const Bytes& file : Files()) {
    EXPECT_FALSE(Extract(ByteView(file).first(file.size() - 12), 100).complete);
    Bytes longer = file;
    longer.insert(longer.end(), 500, 0xFF);
    EXPECT_EQ(Extract(longer, 100), Extract(file, 100)) << "what follows the end belongs to something else";
  }
}

TEST(ImageDataExtractor, FailsOnWhatIsNoMarker) {
  Bytes file = EncodeJpeg(Lane());
  file[2] = 0x12;
  EXPECT_TRUE(Extract(file, 100, kJpegFormat).failed);
  EXPECT_FALSE(Extract(file, 100, kJpegFormat).complete);
}

}  // namespace
}  // namespace spanwatch::image
