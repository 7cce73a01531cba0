#include "cli/register_progress.h"

#include <gtest/gtest.h>

namespace spanwatch::cli {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

TEST(TimeLeft, IsAsLongAsWhatIsDoneTook) {
  EXPECT_EQ(TimeLeft(seconds(10), 500, 1000), ", about 10 s left");
  EXPECT_EQ(TimeLeft(seconds(60), 100, 1000), ", about 9 min left");
  EXPECT_EQ(TimeLeft(hours(1), 1, 5), ", about 4 h left");
}

TEST(TimeLeft, SaysNothingTooEarlyAtTheEndOrOfAnUnknownTotal) {
  EXPECT_EQ(TimeLeft(seconds(1), 500, 1000), "");
  EXPECT_EQ(TimeLeft(seconds(10), 0, 1000), "");
  EXPECT_EQ(TimeLeft(seconds(10), 1000, 1000), "");
  EXPECT_EQ(TimeLeft(seconds(10), 500, 0), "");
}

}  // namespace
}  // namespace spanwatch::cli
