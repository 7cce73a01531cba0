#include "state/outbox_table.h"

#include "unit/state/state_fixtures.h"

namespace spanwatch::state {
namespace {

OutboxMessage Message(const std::string& group, const std::string& id, const std::string& endpoint = "siem") {
  OutboxMessage message;
  message.endpoint = endpoint;
  message.group = group;
  message.message_id = id;
  message.type = "spanwatch.alert.opened";
  message.body = "{\"id\":\"" + id + "\"}";
  message.created = message.next_attempt = At(0s);
  return message;
}

std::vector<std::string> DueIds(State& state, PacketTime now, const std::string& endpoint = "siem") {
  std::vector<std::string> ids;
  const auto due = state.outbox().Due(endpoint, now, 10);
  for (const auto& message : *due) ids.push_back(message.message_id);
  return ids;
}

using Ids = std::vector<std::string>;

TEST(OutboxTable, OnlyTheFirstOfAGroupIsDue) {
  StateFile file;
  auto state = file.Open();
  for (const auto& message : {Message("g", "1"), Message("g", "2"), Message("h", "3"), Message("g", "4", "other")}) {
    ASSERT_TRUE(state->outbox().Enqueue(message));
  }
  EXPECT_EQ(DueIds(*state, At(0s)), (Ids{"1", "3"}));
  EXPECT_EQ(DueIds(*state, At(0s), "other"), (Ids{"4"}));
  const auto due = state->outbox().Due("siem", At(0s), 1);
  EXPECT_EQ(due->front().body, "{\"id\":\"1\"}");
  ASSERT_TRUE(state->outbox().MarkDelivered(due->front().row));
  EXPECT_EQ(DueIds(*state, At(0s)), (Ids{"2", "3"}));
}

TEST(OutboxTable, AMessageThatWaitsHoldsItsGroupOnly) {
  StateFile file;
  auto state = file.Open();
  for (const auto& message : {Message("g", "1"), Message("g", "2"), Message("h", "3")}) {
    ASSERT_TRUE(state->outbox().Enqueue(message));
  }
  const auto row = state->outbox().Due("siem", At(0s), 1)->front().row;
  ASSERT_TRUE(state->outbox().MarkRetry(row, At(10s), At(60s), "HTTP 503"));
  EXPECT_EQ(DueIds(*state, At(0s)), (Ids{"3"}));
  EXPECT_EQ(DueIds(*state, At(60s)), (Ids{"3", "1"})) << "what was tried least goes first";
  const OutboxMessage failed = state->outbox().Due("siem", At(60s), 2)->back();
  EXPECT_EQ(failed.attempts, 1u);
  EXPECT_EQ(failed.last_error, "HTTP 503");
  EXPECT_EQ(failed.failing_since, At(10s));
  ASSERT_TRUE(state->outbox().MakeDue("siem", At(1s)));
  EXPECT_EQ(DueIds(*state, At(1s)), (Ids{"3", "1"}));
}

TEST(OutboxTable, NextAttemptIgnoresWhatWaitsBehindAnother) {
  StateFile file;
  auto state = file.Open();
  ASSERT_TRUE(state->outbox().Enqueue(Message("g", "1")));
  ASSERT_TRUE(state->outbox().Enqueue(Message("g", "2")));
  ASSERT_TRUE(state->outbox().MarkRetry(1, At(0s), At(60s), "x"));
  EXPECT_EQ(*state->outbox().NextAttempt("siem"), At(60s));
  EXPECT_EQ(*state->outbox().NextAttempt("other"), std::nullopt);
}

TEST(OutboxTable, ADeadLetterLetsItsGroupGoOnAndIsKept) {
  StateFile file;
  {
    auto state = file.Open();
    ASSERT_TRUE(state->outbox().Enqueue(Message("g", "1")));
    ASSERT_TRUE(state->outbox().Enqueue(Message("g", "2")));
    ASSERT_TRUE(state->outbox().MarkDead(1, "HTTP 404"));
    EXPECT_EQ(DueIds(*state, At(0s)), (Ids{"2"}));
  }
  auto state = file.Open();
  const auto undelivered = state->outbox().Undelivered(10);
  ASSERT_EQ(undelivered->size(), 2u);
  EXPECT_TRUE(undelivered->front().dead);
  EXPECT_EQ(undelivered->front().last_error, "HTTP 404");
  EXPECT_FALSE(undelivered->back().dead);
  const auto figures = state->outbox().Figures("siem");
  EXPECT_EQ(figures->pending, 1u);
  EXPECT_EQ(figures->dead, 1u);
  EXPECT_EQ(figures->oldest_pending, At(0s));
}

TEST(OutboxTable, RenewChoosesByEndpointMessageAndAlert) {
  StateFile file;
  auto state = file.Open();
  for (const auto& message : {Message("g", "msg_aa_1"), Message("g", "msg_aa_12"), Message("h", "msg_a_1"),
                              Message("g", "msg_aa_1", "other")}) {
    ASSERT_TRUE(state->outbox().Enqueue(message));
  }
  for (std::int64_t row = 1; row <= 4; ++row) ASSERT_TRUE(state->outbox().MarkDead(row, "HTTP 404"));
  EXPECT_EQ(*state->outbox().Renew("siem", "msg_aa_1", At(9s)), 1u);
  EXPECT_EQ(DueIds(*state, At(9s)), (Ids{"msg_aa_1"}));
  EXPECT_EQ(*state->outbox().Renew("", "aa", At(9s)), 3u) << "an alert's messages, to both endpoints";
  EXPECT_EQ(*state->outbox().Renew("", "%", At(9s)), 0u);
  EXPECT_EQ(DueIds(*state, At(9s)), (Ids{"msg_aa_1"})) << "in order within their group";
  EXPECT_EQ(*state->outbox().Renew("siem", "", At(9s)), 3u);
  EXPECT_EQ(DueIds(*state, At(9s)), (Ids{"msg_aa_1", "msg_a_1"}));
}

TEST(OutboxTable, TheSameMessageIsEnteredOncePerEndpoint) {
  StateFile file;
  auto state = file.Open();
  ASSERT_TRUE(state->outbox().Enqueue(Message("g", "1")));
  ASSERT_TRUE(state->outbox().Enqueue(Message("g", "1")));
  ASSERT_TRUE(state->outbox().Enqueue(Message("g", "1", "other")));
  EXPECT_EQ(state->outbox().Figures("siem")->pending, 1u);
  EXPECT_EQ(state->outbox().Figures("other")->pending, 1u);
}

TEST(OutboxTable, IsKeptOrLostWithItsBatch) {
  StateFile file;
  {
    auto state = file.Open();
    ASSERT_TRUE(state->Begin());
    ASSERT_TRUE(state->outbox().Enqueue(Message("g", "1")));
    ASSERT_TRUE(state->Commit());
    ASSERT_TRUE(state->Begin());
    ASSERT_TRUE(state->outbox().Enqueue(Message("g", "2")));
  }
  auto state = file.Open();
  EXPECT_EQ(state->outbox().Figures("siem")->pending, 1u);
}

TEST(OutboxTable, RemembersDisabledEndpoints) {
  StateFile file;
  {
    ASSERT_TRUE(file.Open()->outbox().SetDisabled("siem", true, "HTTP 410"));
  }
  auto state = file.Open();
  EXPECT_TRUE(*state->outbox().Disabled("siem"));
  EXPECT_FALSE(*state->outbox().Disabled("other"));
  ASSERT_TRUE(state->outbox().SetDisabled("siem", false, ""));
  EXPECT_FALSE(*state->outbox().Disabled("siem"));
}

}  // namespace
}  // namespace spanwatch::state
