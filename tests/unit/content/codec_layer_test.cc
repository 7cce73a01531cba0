#include <gmock/gmock.h>

#include "support/content_run.h"

namespace spanwatch::testing {
namespace {

using ::testing::Each;

std::string Csv() {
  std::string text = "plate,state,timestamp\n";
  for (int i = 0; i < 4000; ++i) text += "AAA" + std::to_string(1000 + i) + ",TX,2019-05-13T02:11:40Z\n";
  return text;
}

struct Encoding {
  std::string name;
  std::vector<std::string> declared;
  std::string bytes;
  std::string step;
};

std::vector<Encoding> Encodings() {
  return {
      {"gzip", {"gzip"}, Gzip(Csv()), "gzip"},
      {"x-gzip", {"X-GZip"}, Gzip(Csv()), "gzip"},
      {"gzip file", {}, Gzip(Csv()), "gzip"},
      {"zlib", {"deflate"}, Deflate(Csv(), 15), "deflate"},
      {"zlib by itself", {}, Deflate(Csv(), 15), "deflate"},
      {"raw deflate", {"deflate"}, Deflate(Csv(), -15), "deflate"},
      {"brotli", {"br"}, BrotliStored(Csv().substr(0, 60000)), "br"},
      {"zstd", {"zstd"}, Zstd(Csv()), "zstd"},
      {"zstd file", {}, Zstd(Csv()), "zstd"},
      {"two in a row", {"deflate", "gzip"}, Gzip(Deflate(Csv(), 15)), "gzip / deflate"},
      {"Brotli below raw deflate",
       {"br", "deflate"},
       Deflate(BrotliStored(Csv().substr(0, 60000)), -15),
       "deflate / br"},
      {"gzip twice", {"gzip", "gzip"}, Gzip(Gzip(Csv())), "gzip / gzip"},
      {"base64 below gzip", {"base64", "gzip"}, Gzip(Base64(Csv())), "gzip / base64"},
      {"declared, and another one done", {"deflate"}, Gzip(Csv()), "gzip"},
      {"two declared, one done", {"gzip", "br"}, Gzip(Csv()), "gzip"},
      {"unknown on top", {"gzip", "identity"}, Gzip(Csv()), "gzip"},
      {"base64", {"base64"}, Base64(Csv(), false, 76), "base64"},
  };
}

TEST(CodecLayer, EncodingsAreTakenOff) {
  for (const Encoding& encoding : Encodings()) {
    ContentRun run;
    run.Feed({.encodings = encoding.declared}, encoding.bytes);
    const RecordedObject* inside = run.recorder.Find("root / " + encoding.step);
    ASSERT_NE(inside, nullptr) << encoding.name;
    EXPECT_TRUE(Csv().starts_with(inside->text())) << encoding.name;
    EXPECT_GE(inside->bytes.size(), 60000u) << encoding.name;
    EXPECT_EQ(inside->end, ObjectEnd::kComplete) << encoding.name;
    EXPECT_FALSE(inside->verbatim) << encoding.name;
  }
}

TEST(CodecLayer, WhatOnlyBeginsAsZlibIsNone) {
  for (const std::string& text : {std::string("x^2 + y^2 = z^2 holds of no cube, nor of any higher power.\n"),
                                  "x\x9c" + Noise(3).Take(4000), std::string("x\x01")}) {
    ContentRun run;
    run.Feed({}, text);
    EXPECT_EQ(run.recorder.Find("root / deflate"), nullptr) << text.size();
  }
}

TEST(CodecLayer, EverySplitGivesTheSameObjects) {
  for (const Encoding& encoding : Encodings()) {
    const auto splits = EverySplit({.encodings = encoding.declared}, encoding.bytes);
    EXPECT_THAT(splits, Each(splits.front())) << encoding.name;
  }
}

TEST(CodecLayer, DeclaredButNotEncodedIsReadAsItIs) {
  for (const char* declared : {"gzip", "deflate", "br", "zstd", "base64", "made-up"}) {
    ContentRun run;
    const std::string jpeg = MakeJpeg(1, 3000);
    run.Feed({.encodings = {declared}}, "{\"picture\": \"" + std::string(600, ' ') + "\"}" + jpeg);
    ASSERT_NE(run.recorder.Find("root / carved jpeg"), nullptr) << declared;
    EXPECT_EQ(run.recorder.Find("root / carved jpeg")->text(), jpeg) << declared;
  }
}

TEST(CodecLayer, GzipMembersFollowOneAnotherAndWhatIsBehindIsSearched) {
  ContentRun run;
  const std::string jpeg = MakeJpeg(2, 2000);
  run.Feed({.name = "reads.csv.gz"}, Gzip("first ") + Gzip("second") + "junk" + jpeg);
  const RecordedObject* inside = run.recorder.Find("root / gzip");
  ASSERT_NE(inside, nullptr);
  EXPECT_EQ(inside->text(), "first second");
  EXPECT_EQ(inside->info.name, "reads.csv");
  ASSERT_NE(run.recorder.Find("root / carved jpeg"), nullptr);
  EXPECT_EQ(run.recorder.Find("root / carved jpeg")->text(), jpeg);
}

// pzstd and the seekable format put frames to skip between the others; zstd writes an empty frame for empty input.
TEST(CodecLayer, ZstdBehindFramesToSkipIsRead) {
  const auto skippable = [](char kind, std::size_t length) {
    return std::string(1, kind) + "\x2a\x4d\x18" + std::string(1, static_cast<char>(length)) + std::string(3, '\0') +
           std::string(length, 'x');
  };
  const std::string text =
      skippable('\x50', 4) + Zstd("first ") + skippable('\x5f', 0) + skippable('\x57', 90) + Zstd("") + Zstd("second");
  for (const std::size_t piece : {0, 1, 7}) {
    ContentRun run;
    run.Feed({.name = "reads.csv.zst"}, text, piece);
    const RecordedObject* inside = run.recorder.Find("root / zstd");
    ASSERT_NE(inside, nullptr);
    EXPECT_EQ(inside->text(), "first second");
    EXPECT_EQ(inside->end, ObjectEnd::kComplete);
    EXPECT_EQ(run.anomalies.Count(AnomalyCode::content_malformed), 0u);
  }
}

// Blocks of a tape, and whoever pads to a block's size, end in zeros.
TEST(CodecLayer, GzipMembersMayBeEmptyAndEndInZeros) {
  ContentRun run;
  run.Feed({}, Gzip("first ") + Gzip("") + Gzip("second") + std::string(1000, '\0'));
  ASSERT_NE(run.recorder.Find("root / gzip"), nullptr);
  EXPECT_EQ(run.recorder.Find("root / gzip")->text(), "first second");
  EXPECT_EQ(run.anomalies.Count(AnomalyCode::content_malformed), 0u);
}

TEST(CodecLayer, TruncatedStreamGivesWhatItHas) {
  ContentRun run;
  const std::string whole = Gzip(Csv());
  run.Feed({}, whole.substr(0, whole.size() / 2));
  const RecordedObject* inside = run.recorder.Find("root / gzip");
  ASSERT_NE(inside, nullptr);
  EXPECT_GT(inside->bytes.size(), 20000u);
  EXPECT_TRUE(Csv().starts_with(inside->text()));
  EXPECT_EQ(inside->end, ObjectEnd::kTruncated);
}

TEST(CodecLayer, DecompressionBombStaysBounded) {
  config::Limits limits;
  limits.content_expansion_allowance_bytes = 1 << 20;
  limits.content_expansion_ratio = 100;
  ContentRun run(limits);
  const std::string bomb = Gzip(std::string(64 << 20, '\0'));
  run.Feed({}, bomb, 1460);
  const RecordedObject* inside = run.recorder.Find("root / gzip");
  ASSERT_NE(inside, nullptr);
  EXPECT_LE(inside->bytes.size(), (1 << 20) + 100 * bomb.size());
  EXPECT_EQ(inside->end, ObjectEnd::kAborted);
  EXPECT_EQ(run.anomalies.Count(AnomalyCode::content_expansion_limit), 1u);
  EXPECT_EQ(run.counters.Get(Counter::content_limited_expansion), 1u);
  EXPECT_TRUE(run.notes().limit_reached);
}

TEST(CodecLayer, NestingStopsAtTheDepthLimit) {
  ContentRun run;
  std::string text = "innermost";
  for (int i = 0; i < 40; ++i) text = Gzip(text);
  run.Feed({}, text);
  EXPECT_EQ(run.recorder.objects().size(), run.limits.content_depth_count);
  EXPECT_GE(run.anomalies.Count(AnomalyCode::content_too_deep), 1u);
}

}  // namespace
}  // namespace spanwatch::testing
