#include "cli/replay_summary.h"

#include <gtest/gtest.h>

namespace spanwatch::cli {
namespace {

TEST(AllHeard, AReplayFailsWhenAnythingThatWasToldWasLost) {
  supervisor::Summary summary;
  summary.sightings = 3;
  EXPECT_TRUE(AllHeard(summary));
  summary.messages_refused = 2;
  const Status refused = AllHeard(summary);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().message.contains("2 messages")) << refused.error().message;
  summary.messages_refused = 0;
  summary.ring_corruptions = 1;
  EXPECT_FALSE(AllHeard(summary));
}

}  // namespace
}  // namespace spanwatch::cli
