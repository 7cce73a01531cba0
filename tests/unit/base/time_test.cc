#include "base/time.h"

#include <gtest/gtest.h>

namespace spanwatch {
namespace {

TEST(Time, FormatsAndParsesBack) {
  const auto time = ParseRfc3339("2019-05-13T02:11:40.120Z");
  ASSERT_TRUE(time.has_value());
  EXPECT_EQ(FormatRfc3339(*time), "2019-05-13T02:11:40.120Z");
  EXPECT_EQ(Nanoseconds(*time), 1557713500120000000);
}

TEST(Time, AcceptsOffsetsAndBareDates) {
  EXPECT_EQ(*ParseRfc3339("2019-05-13T04:11:40+02:00"), *ParseRfc3339("2019-05-13T02:11:40Z"));
  EXPECT_EQ(FormatRfc3339(*ParseRfc3339("2019-05-13")), "2019-05-13T00:00:00.000Z");
}

TEST(Time, RefusesWhatIsNoTime) {
  for (const char* text : {"", "2019", "2019-13-01", "2019-02-30", "2019-05-13T25:00:00Z", "2019-05-13T02:11:40",
                           "2019-05-13T02:11:40.Z", "2019-05-13T02:11:40Zjunk", "9999-01-01"}) {
    EXPECT_FALSE(ParseRfc3339(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace spanwatch
