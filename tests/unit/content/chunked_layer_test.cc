#include <gmock/gmock.h>

#include "support/content_run.h"

namespace spanwatch::testing {
namespace {

using ::testing::Each;

// As S3 clients sign an upload: every chunk, or the checksum behind the last one.
std::string AwsChunks(const std::string& body, const std::string& extension, const std::string& trailer = "") {
  constexpr std::size_t kChunk = 64 << 10;
  std::string framed;
  char size[20];
  for (std::size_t at = 0; at < body.size(); at += kChunk) {
    const std::string chunk = body.substr(at, kChunk);
    std::snprintf(size, sizeof(size), "%zx", chunk.size());
    framed += size + extension + "\r\n" + chunk + "\r\n";
  }
  return framed + "0" + extension + "\r\n" + trailer + "\r\n";
}
const std::string kSignature = ";chunk-signature=" + std::string(64, 'a');
const std::string kTrailer =
    "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:" + std::string(64, 'b') + "\r\n";

const std::string kChunks = "5\r\nhello\r\n6;name=value\r\n world\r\n0\r\n\r\n";

TEST(ChunkedLayer, UndeclaredChunksAreTakenOff) {
  ContentRun run;
  run.Feed({}, kChunks);
  const RecordedObject* inside = run.recorder.Find("root / chunked");
  ASSERT_NE(inside, nullptr);
  EXPECT_EQ(inside->text(), "hello world");
  EXPECT_EQ(inside->end, ObjectEnd::kComplete);
}

TEST(ChunkedLayer, EverySplitGivesTheSameObjects) {
  const auto splits = EverySplit({}, kChunks);
  EXPECT_THAT(splits, Each(splits.front()));
}

TEST(ChunkedLayer, HexTextIsNoChunks) {
  ContentRun run;
  run.Feed({}, "4\r\nmore than four bytes\r\n0\r\n\r\n");
  EXPECT_EQ(run.recorder.Find("root / chunked"), nullptr);
}

struct Upload {
  std::string name;
  std::vector<std::string> declared;
  std::string bytes;
  std::string steps;
};

std::vector<Upload> Uploads() {
  const std::string jpeg = MakeJpeg(61, 150000), zipped = Gzip(jpeg);
  return {
      {"signed", {"aws-chunked"}, AwsChunks(jpeg, kSignature), "chunked"},
      {"signed, not declared", {}, AwsChunks(jpeg, kSignature), "chunked"},
      {"one signed chunk", {"aws-chunked"}, AwsChunks(jpeg.substr(0, 60000), kSignature), "chunked"},
      {"signed with a trailer", {"aws-chunked"}, AwsChunks(jpeg, kSignature, kTrailer), "chunked"},
      {"checksum in a trailer", {"aws-chunked"}, AwsChunks(jpeg, "", kTrailer.substr(0, 32)), "chunked"},
      {"gzip named last", {"aws-chunked", "gzip"}, AwsChunks(zipped, kSignature), "chunked / gzip"},
      {"gzip named first", {"gzip", "aws-chunked"}, AwsChunks(zipped, kSignature), "chunked / gzip"},
      {"a client that chunks nothing", {"aws-chunked", "gzip"}, zipped, "gzip"},
  };
}

TEST(ChunkedLayer, UploadsOfS3ClientsAreTakenApart) {
  for (const Upload& upload : Uploads()) {
    ContentRun run;
    run.Feed({.kind = ObjectKind::kMessage, .encodings = upload.declared}, upload.bytes);
    const RecordedObject* inside = run.recorder.Find("root / " + upload.steps);
    ASSERT_NE(inside, nullptr) << upload.name;
    EXPECT_TRUE(MakeJpeg(61, 150000).starts_with(inside->text())) << upload.name;
    EXPECT_GE(inside->bytes.size(), 60000u) << upload.name;
    EXPECT_EQ(inside->end, ObjectEnd::kComplete) << upload.name;
    EXPECT_EQ(run.anomalies.Count(AnomalyCode::content_malformed), 0u) << upload.name;
    const auto splits = EverySplit({.kind = ObjectKind::kMessage, .encodings = upload.declared}, upload.bytes);
    EXPECT_THAT(splits, Each(splits.front())) << upload.name;
  }
}

}  // namespace
}  // namespace spanwatch::testing
