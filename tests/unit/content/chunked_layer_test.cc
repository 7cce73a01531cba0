#include <gmock/gmock.h>

#include "support/content_run.h"

namespace spanwatch::testing {
namespace {

using ::testing::Each;

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

}  // namespace
}  // namespace spanwatch::testing
