#include "supervisor/operator_requests.h"

#include <gtest/gtest.h>

#include <fstream>

#include "unit/hashset/random_set.h"

namespace spanwatch::supervisor {
namespace {

TEST(OperatorRequests, AReleaseIsTakenOnce) {
  const hashset::TemporaryFolder folder;
  const auto state = folder / "state";
  std::filesystem::create_directory(state);
  EXPECT_FALSE(LeaveRelease(state, {1})) << "no sensor has run there";
  ASSERT_TRUE(PrepareRequests(state));
  ASSERT_TRUE(PrepareRequests(state)) << "again at the next start";
  ASSERT_TRUE(LeaveRelease(state, {1}));
  ASSERT_TRUE(LeaveRelease(state, {2}));
  EXPECT_EQ(TakeRequests(state).releases, (std::vector<ItemId>{{1}, {2}}));
  EXPECT_TRUE(TakeRequests(state).releases.empty());
}

TEST(OperatorRequests, AResendNamesAMessageAnEndpointOrAll) {
  const hashset::TemporaryFolder folder;
  const auto state = folder / "state";
  std::filesystem::create_directory(state);
  EXPECT_FALSE(LeaveResend(state, {})) << "no sensor has run there";
  ASSERT_TRUE(PrepareRequests(state));
  ASSERT_TRUE(LeaveResend(state, {"msg_0a_1", "the soc"}));
  EXPECT_FALSE(LeaveResend(state, {"two words", ""}));
  EXPECT_FALSE(LeaveResend(state, {"", std::string(1000, 'x')}));
  TakenRequests taken = TakeRequests(state);
  ASSERT_EQ(taken.resends.size(), 1u);
  EXPECT_EQ(taken.resends[0].id, "msg_0a_1");
  EXPECT_EQ(taken.resends[0].endpoint, "the soc");
  ASSERT_TRUE(LeaveResend(state, {}));
  taken = TakeRequests(state);
  ASSERT_EQ(taken.resends.size(), 1u);
  EXPECT_EQ(taken.resends[0].id + taken.resends[0].endpoint, "");
  for (const char* line : {"resend", "resend ", "resend  x", "resend x", "resend x "}) {
    std::ofstream(state / "requests/a") << line;
    EXPECT_EQ(TakeRequests(state).refused, 1u) << line;
  }
}

TEST(OperatorRequests, WhatIsNoRequestIsCountedAndGone) {
  const hashset::TemporaryFolder folder;
  const auto state = folder / "state";
  std::filesystem::create_directory(state);
  ASSERT_TRUE(PrepareRequests(state));
  std::ofstream(state / "requests/a") << "release everything\n";
  std::ofstream(state / "requests/b") << std::string(100'000, 'x');
  const TakenRequests taken = TakeRequests(state);
  EXPECT_TRUE(taken.releases.empty());
  EXPECT_EQ(taken.refused, 2u);
  EXPECT_EQ(TakeRequests(state).refused, 0u);
}

}  // namespace
}  // namespace spanwatch::supervisor
