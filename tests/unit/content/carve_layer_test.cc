#include <gmock/gmock.h>

#include "content/magic_scan.h"
#include "support/content_run.h"
#include "support/picture_formats.h"

namespace spanwatch::testing {
namespace {

using ::testing::Each;

std::string Opaque(std::size_t length) {
  std::string text = Noise(77).Take(length);
  for (char& c : text) {
    if (c == '\xff' || c == '\x1f') c = 'x';
  }
  return text;
}

TEST(CarveLayer, PicturesAreFoundInAnyStream) {
  const std::string baseline = MakeJpeg(51, 30000), progressive = MakeJpeg(52, 30000, 5), png = MakePng(53, 20000);
  const std::string text = Opaque(5000) + baseline + Opaque(100) + progressive + png + Opaque(3000);
  ContentRun run;
  run.Feed({.kind = ObjectKind::kStream}, text, 1460);
  std::vector<std::string> carved;
  for (const auto& object : run.recorder.objects()) {
    if (object->info.kind != ObjectKind::kCarved) continue;
    carved.push_back(object->text());
    EXPECT_EQ(object->end, ObjectEnd::kComplete);
    EXPECT_TRUE(object->verbatim);
  }
  EXPECT_THAT(carved, ::testing::ElementsAre(baseline, progressive, png));
  const auto splits = EverySplit({.kind = ObjectKind::kStream}, text);
  EXPECT_THAT(splits, Each(splits.front()));
}

TEST(CarveLayer, PicturesOfEveryFormatAreFound) {
  test::Picture picture(61, 47);
  for (std::size_t i = 0; i < picture.rgb.size(); ++i) picture.rgb[i] = static_cast<std::uint8_t>(i * 7 % 200);
  const Bytes files[] = {EncodeGif(picture), EncodeBmp(picture), EncodeWebp(picture), EncodeTiff(picture)};
  std::string text = Opaque(500) + "BMW GIF RIFF II MM BM";
  for (const Bytes& file : files) text += std::string(AsText(file)) + Opaque(90);
  ContentRun run;
  run.Feed({.kind = ObjectKind::kStream}, text, 700);
  std::vector<std::string> carved, expected;
  for (const auto& object : run.recorder.objects()) {
    if (object->info.kind != ObjectKind::kCarved) continue;
    carved.push_back(object->text());
    EXPECT_EQ(object->end, ObjectEnd::kComplete) << object->info.step;
  }
  for (const Bytes& file : files) expected.emplace_back(AsText(file));
  EXPECT_EQ(carved, expected);
  const auto splits = EverySplit({.kind = ObjectKind::kStream}, text);
  EXPECT_THAT(splits, Each(splits.front()));
}

// As FTP and netcat send them: nothing but the file.
TEST(CarveLayer, PictureThatAStreamBeginsWithIsFound) {
  const test::Picture picture(61, 47);
  const Bytes files[] = {EncodeJpeg(picture), EncodePng(picture),  EncodeGif(picture),
                         EncodeBmp(picture),  EncodeWebp(picture), EncodeTiff(picture)};
  for (const Bytes& file : files) {
    ContentRun run;
    run.Feed({.kind = ObjectKind::kStream}, std::string(AsText(file)), 700);
    const auto carved = std::ranges::find(run.recorder.objects(), ObjectKind::kCarved,
                                          [](const auto& object) { return object->info.kind; });
    ASSERT_NE(carved, run.recorder.objects().end()) << &file - files;
    EXPECT_EQ((*carved)->text(), AsText(file)) << (*carved)->info.step;
  }
}

TEST(CarveLayer, ThumbnailIsAnObjectOfItsOwn) {
  const std::string thumbnail = MakeJpeg(54, 2000), picture = MakeJpeg(55, 9000, 1, thumbnail);
  ContentRun file, stream;
  file.Feed({.media_type = "image/jpeg"}, picture);
  ASSERT_EQ(file.recorder.objects().size(), 2u);
  EXPECT_EQ(file.recorder.Find("root / carved jpeg")->text(), thumbnail);
  stream.Feed({.kind = ObjectKind::kStream}, "x" + picture, 100);
  ASSERT_EQ(stream.recorder.objects().size(), 3u);
  EXPECT_EQ(stream.recorder.Find("root / carved jpeg")->text(), picture);
  EXPECT_EQ(stream.recorder.Find("carved jpeg / carved jpeg")->text(), thumbnail);
}

TEST(CarveLayer, JpegGoesOnOverAGap) {
  const std::string picture = MakeJpeg(56, 20000), next = MakeJpeg(57, 4000);
  ContentRun run;
  const auto consumer = run.Open({.kind = ObjectKind::kStream});
  ContentRun::Pass(*consumer, "x" + picture.substr(0, 7000), 500);
  consumer->OnGap(1460);
  ContentRun::Pass(*consumer, picture.substr(8460) + next, 500);
  consumer->OnEnd(ObjectEnd::kComplete);
  ASSERT_EQ(run.recorder.Count("carved jpeg"), 2u);
  const RecordedObject* first = run.recorder.Find("carved jpeg");
  EXPECT_EQ(first->bytes.size(), picture.size() - 1460);
  EXPECT_EQ(first->gap_bytes, 1460u);
  EXPECT_EQ(first->end, ObjectEnd::kTruncated);
  EXPECT_EQ(run.recorder.objects().back()->text(), next);
}

TEST(CarveLayer, NextPictureEndsOneThatWasCutOff) {
  const std::string next = MakeJpeg(58, 4000);
  ContentRun run;
  run.Feed({.kind = ObjectKind::kStream}, "x" + MakeJpeg(59, 9000).substr(0, 5000) + next, 64);
  ASSERT_EQ(run.recorder.Count("root / carved jpeg"), 2u);
  EXPECT_EQ(run.recorder.objects().back()->text(), next);
}

TEST(CarveLayer, CarvedFileIsBounded) {
  config::Limits limits;
  limits.content_carved_file_bytes = 65536;
  ContentRun run(limits);
  run.Feed({.kind = ObjectKind::kStream}, "x" + MakeJpeg(60, 300000), 1460);
  const RecordedObject* carved = run.recorder.Find("carved jpeg");
  ASSERT_NE(carved, nullptr);
  EXPECT_LT(carved->bytes.size(), 65536u + 2000);
  EXPECT_EQ(carved->end, ObjectEnd::kAborted);
}

TEST(MagicScan, FastAndPlainScanAgree) {
  const char* kPairs[] = {"PK", "\xff\xd8", "x\x9c", "x^", "xZ"};
  std::string text = Noise(5).Take(300000);
  for (std::size_t at = 0; at + 2 < text.size(); at += 997) text.replace(at, 2, kPairs[at % 5]);
  const ByteView bytes = AsBytes(text);
  std::size_t hits = 0;
  for (std::size_t at = content::FindMagic(bytes, 0), plain = content::FindMagicPlain(bytes, 0);
       at < bytes.size() || plain < bytes.size();
       at = content::FindMagic(bytes, at + 1), plain = content::FindMagicPlain(bytes, plain + 1)) {
    ASSERT_EQ(at, plain);
    ++hits;
  }
  EXPECT_GT(hits, 250u);
}

}  // namespace
}  // namespace spanwatch::testing
