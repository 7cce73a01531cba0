#include "model/ip_address.h"

#include <gtest/gtest.h>

#include "model/anomaly.h"
#include "model/match.h"
#include "model/object.h"
#include "model/sighting.h"
#include "model/verdict.h"
#include "model/zones.h"
#include "telemetry/anomaly_codes.h"
#include "telemetry/counters.h"
#include "config/limits.h"

namespace spanwatch {
namespace {

TEST(Network, ContainsOnlyItsOwnPrefixAndFamily) {
  const auto network = ParseNetwork("10.20.16.0/20");
  ASSERT_TRUE(network.has_value());
  EXPECT_TRUE(network->Contains(*ParseIpAddress("10.20.31.255")));
  EXPECT_FALSE(network->Contains(*ParseIpAddress("10.20.32.0")));
  EXPECT_FALSE(network->Contains(*ParseIpAddress("::10.20.16.1")));
  EXPECT_TRUE(ParseNetwork("fd00::/8")->Contains(*ParseIpAddress("fd12::1")));
}

TEST(Network, SmallestThatHoldsAll) {
  Network network = *ParseNetwork("10.20.16.9");
  network = network.With(*ParseIpAddress("10.20.16.9"));
  EXPECT_EQ(ToString(network), "10.20.16.9/32");
  network = network.With(*ParseIpAddress("10.20.31.255"));
  EXPECT_EQ(ToString(network), "10.20.16.0/20");
  network = network.With(*ParseIpAddress("10.20.17.1"));
  EXPECT_EQ(ToString(network), "10.20.16.0/20");
  EXPECT_EQ(ToString(network.With(*ParseIpAddress("192.0.2.1"))), "0.0.0.0/0");
  EXPECT_EQ(ToString(Network::Of(*ParseIpAddress("2001:db8::ffff:1"), 64)), "2001:db8::/64");
  EXPECT_EQ(ToString(Network::Of(*ParseIpAddress("10.20.16.255"), 25)), "10.20.16.128/25");
}

TEST(Network, RefusesWhatIsNoNetwork) {
  for (const char* text : {"", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/", "10.0.0.0/-1"}) {
    EXPECT_FALSE(ParseNetwork(text).has_value()) << text;
  }
}

TEST(Zones, EgressLeavesInside) {
  const Zones zones = Zones::Default();
  const auto inside = *ParseIpAddress("10.20.0.9");
  const auto outside = *ParseIpAddress("198.51.100.7");
  EXPECT_EQ(zones.CrossingOf(inside, outside), Crossing::kEgress);
  EXPECT_EQ(zones.CrossingOf(outside, inside), Crossing::kIngress);
  EXPECT_EQ(zones.CrossingOf(inside, inside), Crossing::kInternal);
  EXPECT_EQ(zones.CrossingOf(outside, outside), Crossing::kExternal);
  EXPECT_EQ(Zones::Any().CrossingOf(inside, inside), Crossing::kEgress);
}

}  // namespace
}  // namespace spanwatch
