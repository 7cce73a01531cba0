#include "alert/outbox.h"

#include <boost/asio/post.hpp>

#include "unit/alert/delivery_fixtures.h"

namespace spanwatch::alert {
namespace {

// Answers as told, message by message; then delivers everything.
class ScriptedSink : public AlertSink {
 public:
  ScriptedSink(boost::asio::io_context& io, std::string name) : io_(io), name_(std::move(name)) {}
  const std::string& name() const override { return name_; }
  void Deliver(const OutboxMessage& message, Done done) override {
    attempts.push_back(message.message_id);
    if (hold) {
      held.push_back(std::move(done));
      return;
    }
    Delivery delivery{.outcome = DeliveryOutcome::kDelivered, .status = 204};
    if (message.message_id == refused) {
      delivery = {.outcome = DeliveryOutcome::kRetry, .status = 400, .detail = "HTTP 400"};
    } else if (!script.empty()) {
      delivery = script.front();
      script.erase(script.begin());
    }
    boost::asio::post(io_, [done = std::move(done), delivery] { done(delivery); });
  }
  Status Reload() override { return {}; }

  std::vector<std::string> attempts;
  std::vector<Delivery> script;
  std::vector<Done> held;
  std::string refused;  // the message that never goes through
  bool hold = false;

 private:
  boost::asio::io_context& io_;
  std::string name_;
};

using Ids = std::vector<std::string>;

class OutboxTest : public testing::Test {
 protected:
  ScriptedSink& AddSink(const std::string& name) {
    auto sink = std::make_unique<ScriptedSink>(io, name);
    ScriptedSink& reference = *sink;
    outbox.Add(std::move(sink));
    return reference;
  }
  void Put(const std::string& endpoint, const std::string& group, const std::string& id) {
    OutboxMessage message;
    message.endpoint = endpoint;
    message.group = group;
    message.message_id = id;
    message.created = message.next_attempt = WallClockNow() - 10s;
    ASSERT_TRUE(store.Enqueue(message));
  }
  bool RunUntilIdle() {
    return RunUntil(io, [&] { return outbox.Idle(); });
  }

  boost::asio::io_context io;
  config::Limits limits;
  MemoryOutboxStore store;
  Outbox outbox{io, store, limits};
};

TEST_F(OutboxTest, SendsWhatTheLastRunLeft) {
  ScriptedSink& sink = AddSink("siem");
  Put("siem", "g", "1");
  store.messages[0].next_attempt = WallClockNow() + 5h;
  ASSERT_TRUE(outbox.Start());
  EXPECT_TRUE(RunUntilIdle());
  EXPECT_EQ(sink.attempts, Ids{"1"});
}

TEST_F(OutboxTest, KeepsTheOrderOfAGroupOneAtATime) {
  ScriptedSink& sink = AddSink("siem");
  sink.hold = true;
  for (const char* id : {"1", "2", "3"}) Put("siem", "g", id);
  Put("siem", "h", "other");
  ASSERT_TRUE(outbox.Start());
  io.run_for(20ms);
  EXPECT_EQ(sink.attempts, (Ids{"1", "other"})) << "2 waits for 1";
  sink.hold = false;
  for (const auto& done : sink.held) done({.outcome = DeliveryOutcome::kDelivered});
  EXPECT_TRUE(RunUntilIdle());
  EXPECT_EQ(sink.attempts, (Ids{"1", "other", "2", "3"}));
}

TEST_F(OutboxTest, AFailureIsTriedAgainUnderTheSameIdAndHoldsItsGroup) {
  ScriptedSink& sink = AddSink("siem");
  sink.script = {{.outcome = DeliveryOutcome::kRetry, .status = 503, .detail = "HTTP 503"}};
  Put("siem", "g", "1");
  Put("siem", "g", "2");
  ASSERT_TRUE(outbox.Start());
  io.run_for(50ms);
  EXPECT_EQ(sink.attempts, Ids{"1"});
  EXPECT_EQ(store.messages[0].attempts, 1u);
  const Duration wait = store.messages[0].next_attempt - WallClockNow();
  EXPECT_GT(wait, 3500ms);
  EXPECT_LT(wait, 6100ms);
  ASSERT_TRUE(store.MakeDue("siem", WallClockNow()));
  outbox.Wake();
  EXPECT_TRUE(RunUntilIdle());
  EXPECT_EQ(sink.attempts, (Ids{"1", "1", "2"}));
}

TEST_F(OutboxTest, TheTimerWakesForARetry) {
  ScriptedSink& sink = AddSink("siem");
  sink.script = {{.outcome = DeliveryOutcome::kRetry}};
  Put("siem", "g", "1");
  ASSERT_TRUE(outbox.Start());
  io.run_for(20ms);
  store.messages[0].next_attempt = WallClockNow() + 50ms;
  outbox.Wake();
  EXPECT_TRUE(RunUntilIdle());
  EXPECT_EQ(sink.attempts, (Ids{"1", "1"}));
}

TEST_F(OutboxTest, ADeadEndpointBlocksNobody) {
  ScriptedSink& dead = AddSink("dead");
  ScriptedSink& alive = AddSink("alive");
  dead.hold = true;
  Put("dead", "g", "1");
  for (const char* id : {"1", "2", "3"}) Put("alive", "g", id);
  ASSERT_TRUE(outbox.Start());
  EXPECT_TRUE(RunUntil(io, [&] { return alive.attempts.size() == 3; }));
  EXPECT_EQ(dead.attempts.size(), 1u);
  EXPECT_FALSE(outbox.Idle());
}

TEST_F(OutboxTest, WhateverIsAnsweredIsTriedAgainForADay) {
  ScriptedSink& sink = AddSink("siem");
  const Delivery refusal{.outcome = DeliveryOutcome::kRetry, .status = 404, .detail = "HTTP 404"};
  sink.script = {refusal, refusal};
  Put("siem", "g", "1");
  store.messages[0].attempts = 20;
  store.messages[0].failing_since = WallClockNow() - 23h;
  ASSERT_TRUE(outbox.Start());
  EXPECT_TRUE(RunUntil(io, [&] { return store.messages[0].attempts == 21; }));
  EXPECT_EQ(store.messages.size(), 1u) << "not yet a day";
  store.messages[0].failing_since = WallClockNow() - 25h;
  store.messages[0].next_attempt = WallClockNow();
  outbox.Wake();
  EXPECT_TRUE(RunUntilIdle());
  ASSERT_EQ(store.dead.size(), 1u);
  EXPECT_EQ(store.dead[0].last_error, "HTTP 404");
  EXPECT_EQ(outbox.Figures()[0].attempts[static_cast<std::size_t>(AttemptResult::k4xx)], 2u);
  // The operator has it sent again.
  EXPECT_EQ(*outbox.Resend("", ""), 1u);
  EXPECT_TRUE(RunUntil(io, [&] { return store.messages.empty(); }));
  EXPECT_EQ(sink.attempts, (Ids{"1", "1", "1"}));
}

TEST_F(OutboxTest, AClockThatWasSetForwardGivesNothingUp) {
  ScriptedSink& sink = AddSink("siem");
  sink.script = {{.outcome = DeliveryOutcome::kRetry, .status = 503}};
  Put("siem", "g", "1");
  store.messages[0].attempts = 3;
  store.messages[0].failing_since = WallClockNow() - 24h * 365;
  ASSERT_TRUE(outbox.Start());
  EXPECT_TRUE(RunUntil(io, [&] { return sink.script.empty() && store.messages[0].attempts == 4; }));
  EXPECT_TRUE(store.dead.empty());
}

TEST_F(OutboxTest, AnEndpointThatAnswersAgainGetsAllThatWaitsAtOnce) {
  ScriptedSink& sink = AddSink("siem");
  sink.script = {{.outcome = DeliveryOutcome::kRetry, .status = 503}, {.outcome = DeliveryOutcome::kRetry}};
  Put("siem", "g", "1");
  Put("siem", "h", "2");
  ASSERT_TRUE(outbox.Start());
  EXPECT_TRUE(RunUntil(io, [&] { return sink.script.empty() && store.messages[1].attempts == 1; }));
  for (auto& message : store.messages) message.next_attempt = WallClockNow() + 1h;
  Put("siem", "i", "3");
  outbox.Wake();
  EXPECT_TRUE(RunUntilIdle());
  EXPECT_EQ(sink.attempts, (Ids{"1", "2", "3", "1", "2"}));
}

TEST_F(OutboxTest, AMessageThatIsAlwaysRefusedHoldsUpNoOther) {
  ScriptedSink& sink = AddSink("siem");
  sink.refused = "poison";
  limits.alert_deliveries_per_endpoint = 1;
  Put("siem", "g", "poison");
  for (int i = 0; i < 20; ++i) Put("siem", fmt::format("h{}", i), fmt::format("{}", i));
  ASSERT_TRUE(outbox.Start());
  EXPECT_TRUE(RunUntil(io, [&] { return store.messages.size() == 1; }));
  EXPECT_LE(std::ranges::count(sink.attempts, "poison"), 3) << "nor is it tried with each of them";
  EXPECT_EQ(store.messages[0].message_id, "poison");
}

TEST_F(OutboxTest, GoneDisablesTheEndpointUntilReload) {
  ScriptedSink& sink = AddSink("siem");
  sink.script = {{.outcome = DeliveryOutcome::kDisabled, .status = 410}};
  Put("siem", "g", "1");
  Put("siem", "h", "2");
  limits.alert_deliveries_per_endpoint = 1;
  ASSERT_TRUE(outbox.Start());
  EXPECT_TRUE(RunUntilIdle());
  EXPECT_EQ(sink.attempts, Ids{"1"});
  EXPECT_TRUE(store.disabled.contains("siem"));
  EXPECT_TRUE(outbox.Figures()[0].disabled);
  EXPECT_EQ(store.messages.size(), 2u) << "nothing is lost";
  ASSERT_TRUE(outbox.Reload());
  EXPECT_TRUE(RunUntil(io, [&] { return store.messages.empty(); }));
}

TEST_F(OutboxTest, RetryAfterHoldsTheWholeEndpoint) {
  ScriptedSink& sink = AddSink("siem");
  limits.alert_deliveries_per_endpoint = 1;
  sink.script = {{.outcome = DeliveryOutcome::kRetry, .status = 429, .retry_after = 3600s}};
  Put("siem", "g", "1");
  Put("siem", "h", "2");
  ASSERT_TRUE(outbox.Start());
  io.run_for(50ms);
  EXPECT_EQ(sink.attempts, Ids{"1"});
  EXPECT_GT(store.messages[0].next_attempt - WallClockNow(), 3500s);
}

TEST_F(OutboxTest, AStoreThatFailsIsNoBusyLoop) {
  ScriptedSink& sink = AddSink("siem");
  store.fail_marks = 1;
  Put("siem", "g", "1");
  ASSERT_TRUE(outbox.Start());
  io.run_for(100ms);
  EXPECT_EQ(sink.attempts, Ids{"1"});
  EXPECT_TRUE(RunUntilIdle());
  EXPECT_EQ(sink.attempts, Ids{"1"}) << "what went out is remembered while the store cannot";
}

TEST_F(OutboxTest, FiguresTellQueueAgeAndOutcomes) {
  ScriptedSink& sink = AddSink("siem");
  sink.script = {{.outcome = DeliveryOutcome::kDelivered}, {.outcome = DeliveryOutcome::kRetry}};
  limits.alert_deliveries_per_endpoint = 1;
  Put("siem", "g", "1");
  Put("siem", "g", "2");
  ASSERT_TRUE(outbox.Start());
  EXPECT_TRUE(RunUntil(io, [&] { return sink.script.empty() && store.messages[0].attempts == 1; }));
  const EndpointFigures figures = outbox.Figures()[0];
  EXPECT_EQ(figures.endpoint, "siem");
  EXPECT_EQ(figures.pending, 1u);
  EXPECT_EQ(figures.attempts[static_cast<std::size_t>(AttemptResult::kOther)], 1u);
  EXPECT_EQ(figures.attempts[static_cast<std::size_t>(AttemptResult::kNoAnswer)], 1u);
  EXPECT_GT(figures.oldest_pending_age_seconds, 9);
}

TEST_F(OutboxTest, EntersEachTransitionForEachEndpoint) {
  AddSink("a");
  AddSink("b");
  AlertTransition transition;
  transition.alert.id = "0123";
  transition.alert.transition = 2;
  transition.alert.state = AlertState::kUpdated;
  transition.alert.group = {{"source.ip", "10.0.0.1"}};
  transition.alert.rules.resize(1);
  ASSERT_TRUE(outbox.Enter({&transition, 1}, At(0s)));
  ASSERT_EQ(store.messages.size(), 2u);
  EXPECT_EQ(store.messages[0].endpoint, "a");
  EXPECT_EQ(store.messages[1].endpoint, "b");
  EXPECT_EQ(store.messages[0].message_id, "msg_0123_2");
  EXPECT_EQ(store.messages[0].type, "spanwatch.alert.updated");
}

TEST(RetryDelay, DoublesToFiveMinutes) {
  EXPECT_EQ(RetryDelay(0), 0s);
  EXPECT_EQ(RetryDelay(1), 5s);
  EXPECT_EQ(RetryDelay(2), 10s);
  EXPECT_EQ(RetryDelay(6), 160s);
  EXPECT_EQ(RetryDelay(7), 300s);
  EXPECT_EQ(RetryDelay(4'000'000'000), 300s);
}

}  // namespace
}  // namespace spanwatch::alert
