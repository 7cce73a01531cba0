#include "supervisor/zone_watch.h"

#include <gtest/gtest.h>

namespace spanwatch::supervisor {
namespace {

TEST(ZoneWatch, TellsThatNothingCrossedUntilSomethingDoes) {
  ZoneWatch zones(ZoneWatch::Clock::now());
  EXPECT_FALSE(zones.CrossedNothing()) << "nothing was seen";
  zones.OnSighting(Crossing::kExternal);
  EXPECT_TRUE(zones.CrossedNothing());
  EXPECT_NE(zones.Reason().find("both ends were outside"), std::string::npos);
  zones.OnSighting(Crossing::kInternal);
  EXPECT_TRUE(zones.CrossedNothing());
  EXPECT_NE(zones.Reason().find("or both outside"), std::string::npos);
  zones.OnSighting(Crossing::kIngress);
  EXPECT_FALSE(zones.CrossedNothing());
}

TEST(ZoneWatch, NamesReceiversThatAreInside) {
  ZoneWatch zones(ZoneWatch::Clock::now());
  zones.OnSighting(Crossing::kInternal);
  EXPECT_NE(zones.Reason().find("both ends were inside"), std::string::npos);
}

TEST(ZoneWatch, LogsAfterTheFirstMinuteAndOnceAnHour) {
  const auto begin = ZoneWatch::Clock::now();
  ZoneWatch zones(begin);
  zones.OnSighting(Crossing::kExternal);
  const auto lines = [&](ZoneWatch::Clock::duration after) {
    testing::internal::CaptureStderr();
    zones.Tick(begin + after);
    return testing::internal::GetCapturedStderr().find("crossed nothing") != std::string::npos;
  };
  EXPECT_FALSE(lines(std::chrono::seconds(59)));
  EXPECT_TRUE(lines(std::chrono::seconds(60)));
  EXPECT_FALSE(lines(std::chrono::minutes(30)));
  EXPECT_TRUE(lines(std::chrono::minutes(62)));
}

}  // namespace
}  // namespace spanwatch::supervisor
