#include "flow/acknowledgements.h"

#include <gtest/gtest.h>

namespace spanwatch::flow {
namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t kFar = 464'000'000;

struct AcknowledgementsTest : ::testing::Test {
  void See(std::uint64_t position, std::uint64_t seen, std::uint64_t window = 65000) {
    now.time += milliseconds(1);
    ++now.packet;
    acknowledgements.See(position, window, seen, now);
  }

  Acknowledgements acknowledgements{{16, milliseconds(50)}};
  Moment now{PacketTime(std::chrono::seconds(1'700'000'000)), 0};
};

TEST_F(AcknowledgementsTest, OfBytesThatWereSeenAndWithinTheWindowAreSure) {
  See(1000, 1000);
  EXPECT_EQ(acknowledgements.believed(), 1000u);
  See(60000, 1000);  // the sensor missed bytes
  EXPECT_EQ(acknowledgements.believed(), 60000u);
  See(125000, 1000);
  EXPECT_EQ(acknowledgements.sure(), 125000u);
  See(500, 1000);  // late
  EXPECT_EQ(acknowledgements.believed(), 125000u);
}

TEST_F(AcknowledgementsTest, OneThatNoWindowExplainsIsNotBelieved) {
  See(1000, 1000);
  See(kFar, 1000);
  EXPECT_EQ(acknowledgements.believed(), 1000u);
  for (int i = 0; i < 100; ++i) See(2000, 2000);
  EXPECT_EQ(acknowledgements.believed(), 2000u);
}

TEST_F(AcknowledgementsTest, OnesOfOtherNumbersBesideTheOwnAreNeverBelieved) {
  for (std::uint64_t at = 1000; at < 400'000; at += 1000) {
    See(at, at);
    See(kFar + at, at);
  }
  EXPECT_EQ(acknowledgements.believed(), 399'000u);
  EXPECT_EQ(acknowledgements.sure(), 399'000u);
}

TEST_F(AcknowledgementsTest, ReceiverThatGoesOnFarAheadIsBelievedButNotSureUntilBytesBearItOut) {
  See(1000, 1000);
  See(kFar, 1000);
  for (std::uint64_t at = kFar; at < kFar + 14'000; at += 1000) See(at, 1000);  // what was reordered may still come
  EXPECT_EQ(acknowledgements.believed(), 1000u);
  for (std::uint64_t at = kFar + 14'000; at < kFar + 20'000; at += 1000) See(at, 1000);
  EXPECT_EQ(acknowledgements.believed(), kFar + 19'000);
  EXPECT_EQ(acknowledgements.sure(), 1000u);
  See(kFar + 30'000, kFar + 30'000);
  EXPECT_EQ(acknowledgements.sure(), kFar + 30'000);
}

TEST_F(AcknowledgementsTest, OnesThatComeBeforeTheirBytesAreAllBelievedWhenTheseCome) {
  See(1000, 1000);
  See(200'000, 1000);  // behind a tunnel that brings the bytes later
  See(201'000, 1000);
  See(202'000, 1000);
  acknowledgements.OnSeen(199'000);
  EXPECT_EQ(acknowledgements.believed(), 1000u);
  acknowledgements.OnSeen(200'500);
  EXPECT_EQ(acknowledgements.believed(), 202'000u);
  EXPECT_EQ(acknowledgements.sure(), 202'000u);
}

TEST_F(AcknowledgementsTest, OneThatIsRepeatedWithoutGoingOnIsNotBelieved) {
  See(1000, 1000);
  for (int i = 0; i < 200; ++i) See(kFar, 1000);
  EXPECT_EQ(acknowledgements.believed(), 1000u);
}

TEST_F(AcknowledgementsTest, FirstOfAConversationJoinedInTheMiddleIsBelievedUpToWhatWasSeen) {
  See(kFar, 1000);
  EXPECT_EQ(acknowledgements.believed(), 0u);
  See(900, 1000);
  EXPECT_EQ(acknowledgements.believed(), 900u);
}

}  // namespace
}  // namespace spanwatch::flow
