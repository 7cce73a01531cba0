#include "alert/alert_book.h"

#include "unit/alert/alert_fixtures.h"

namespace spanwatch::alert {
namespace {

using Transitions = std::vector<AlertTransition>;

class AlertBookTest : public testing::Test {
 protected:
  AlertBookTest() { EXPECT_TRUE(book.Load()); }

  Transitions See(PacketTime time, std::uint64_t flow, std::vector<std::uint32_t> items,
                  std::vector<RuleMatch> matches) {
    const std::string event_id = fmt::format("event-{}", ++events);
    auto transitions =
        book.OnVerdict(event_id, MakeSighting(time, flow, std::move(items)), MakeVerdict(std::move(matches)));
    EXPECT_TRUE(transitions.has_value());
    return transitions ? *transitions : Transitions{};
  }

  config::Limits limits;
  Counters counters;
  MemoryAlertStore store;
  AlertBook book{"edge-1", limits, store, counters};
  int events = 0;
};

TEST_F(AlertBookTest, OpensAtOnce) {
  const auto told = See(At(0s), 1, {1, 2}, {MakeMatch("r1", Severity::kHigh)});
  ASSERT_EQ(told.size(), 1u);
  const Alert& alert = told[0].alert;
  EXPECT_EQ(alert.state, AlertState::kOpened);
  EXPECT_EQ(alert.transition, 1u);
  EXPECT_EQ(alert.severity, Severity::kHigh);
  EXPECT_EQ(alert.totals,
            (AlertTotals{.events = 1, .items = 2, .plates = 0, .flows = 1, .destinations = 1, .bytes = 1000}));
  EXPECT_EQ(alert.rules.front().id, "r1");
  EXPECT_EQ(alert.collections, std::vector<std::string>{"lanes"});
  EXPECT_EQ(alert.examples.size(), 2u);
  EXPECT_EQ(alert.opening_event_id, "event-1");
  EXPECT_EQ(alert.crossing, Crossing::kEgress);
}

TEST_F(AlertBookTest, AReplayIntoTheStateOfALiveSensorLeavesItsAlertsAlone) {
  See(At(0s), 1, {1, 2}, {MakeMatch("r1", Severity::kHigh)});
  ASSERT_TRUE(book.Save());
  AlertBook replay("edge-1", limits, store, counters, false);
  ASSERT_TRUE(replay.Load());
  EXPECT_EQ(replay.open_count(), 0u);
  const PacketTime far = At(24h * 365 * 80);
  EXPECT_TRUE(replay.Advance(far)->empty());
  const auto told =
      replay.OnVerdict("event-9", MakeSighting(far, 9, {3}), MakeVerdict({MakeMatch("r1", Severity::kHigh)}));
  ASSERT_EQ(told->size(), 1u);
  EXPECT_EQ(told->front().alert.totals.items, 1u);
  ASSERT_TRUE(replay.Save());
  AlertBook again("edge-1", limits, store, counters);
  ASSERT_TRUE(again.Load());
  EXPECT_EQ(again.open_count(), 1u) << "that of the replay is not its own";
  const auto more =
      again.OnVerdict("event-10", MakeSighting(At(1s), 2, {3}), MakeVerdict({MakeMatch("r2", Severity::kCritical)}));
  ASSERT_EQ(more->size(), 1u);
  EXPECT_EQ(more->front().alert.state, AlertState::kUpdated);
  EXPECT_EQ(more->front().alert.totals.items, 3u);
}

TEST_F(AlertBookTest, AnEventWithoutMatchesIsNoAlert) {
  EXPECT_TRUE(See(At(0s), 1, {1}, {}).empty());
  EXPECT_EQ(book.open_count(), 0u);
}

TEST_F(AlertBookTest, OneGroupIsOneAlertAndAnotherIsAnother) {
  See(At(0s), 1, {1}, {MakeMatch("r1", Severity::kHigh, "10.0.0.1")});
  EXPECT_TRUE(See(At(1s), 2, {2}, {MakeMatch("r1", Severity::kHigh, "10.0.0.1")}).empty());
  EXPECT_EQ(See(At(2s), 3, {3}, {MakeMatch("r1", Severity::kHigh, "10.0.0.2")}).size(), 1u);
  EXPECT_EQ(book.open_count(), 2u);
}

TEST_F(AlertBookTest, TwoRulesOfOneGroupAreOneAlertNamedByTheHigher) {
  const auto told = See(At(0s), 1, {1}, {MakeMatch("low", Severity::kLow), MakeMatch("top", Severity::kCritical)});
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].alert.severity, Severity::kCritical);
  ASSERT_EQ(told[0].alert.rules.size(), 2u);
  EXPECT_EQ(told[0].alert.rules.front().id, "top");
  EXPECT_EQ(told[0].alert.totals.events, 1u);
}

TEST_F(AlertBookTest, CountsAreToldAtABoundedRate) {
  See(At(0s), 1, {1}, {MakeMatch("r1", Severity::kHigh)});
  std::size_t told = 0;
  for (int second = 1; second <= 1200; ++second) {
    told += See(At(1s * second), 1, {static_cast<std::uint32_t>(second)}, {MakeMatch("r1", Severity::kHigh)}).size();
  }
  EXPECT_EQ(told, 1200 / limits.alert_update_interval_seconds);
}

TEST_F(AlertBookTest, AnUpdateHeldBackIsToldWhenItsTimeComes) {
  See(At(0s), 1, {1}, {MakeMatch("r1", Severity::kHigh)});
  EXPECT_TRUE(See(At(1s), 1, {2}, {MakeMatch("r1", Severity::kHigh)}).empty());
  EXPECT_TRUE(book.Advance(At(299s))->empty());
  const auto told = *book.Advance(At(300s));
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].alert.state, AlertState::kUpdated);
  EXPECT_EQ(told[0].alert.totals.items, 2u);
  EXPECT_TRUE(book.Advance(At(900s))->empty()) << "nothing new, nothing told";
}

TEST_F(AlertBookTest, AHigherSeverityIsToldAtOnce) {
  See(At(0s), 1, {1}, {MakeMatch("r1", Severity::kMedium)});
  const auto told = See(At(1s), 1, {2}, {MakeMatch("r2", Severity::kCritical)});
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].alert.state, AlertState::kUpdated);
  EXPECT_EQ(told[0].alert.transition, 2u);
  EXPECT_EQ(told[0].alert.severity, Severity::kCritical);
  EXPECT_TRUE(See(At(2s), 1, {3}, {MakeMatch("r3", Severity::kLow)}).empty());
}

TEST_F(AlertBookTest, ClosesAfterQuietTimeWithItsFinalTotals) {
  See(At(0s), 1, {1}, {MakeMatch("r1", Severity::kHigh)});
  See(At(10s), 2, {2}, {MakeMatch("r1", Severity::kHigh)});
  EXPECT_EQ(book.Advance(At(3609s))->size(), 1u);
  const auto told = *book.Advance(At(5000s));
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].alert.state, AlertState::kClosed);
  EXPECT_EQ(told[0].alert.close_reason, "quiet");
  EXPECT_EQ(told[0].time, At(3610s)) << "when the quiet time was over, whenever that was noticed";
  EXPECT_EQ(told[0].alert.totals.items, 2u);
  EXPECT_EQ(book.open_count(), 0u);
}

TEST_F(AlertBookTest, TheSameGroupLaterIsANewAlert) {
  const auto first = See(At(0s), 1, {1}, {MakeMatch("r1", Severity::kHigh)});
  const auto second = See(At(5000s), 1, {1}, {MakeMatch("r1", Severity::kHigh)});
  ASSERT_EQ(second.size(), 2u);
  EXPECT_EQ(second[0].alert.state, AlertState::kClosed);
  EXPECT_EQ(second[1].alert.state, AlertState::kOpened);
  EXPECT_NE(second[1].alert.id, first[0].alert.id);
}

TEST_F(AlertBookTest, IdsAreTheSameInEveryReplay) {
  const auto first = See(At(0s), 1, {1}, {MakeMatch("r1", Severity::kHigh)});
  MemoryAlertStore other_store;
  AlertBook other("edge-1", limits, other_store, counters);
  const auto again =
      other.OnVerdict("event-1", MakeSighting(At(0s), 1, {1}), MakeVerdict({MakeMatch("r1", Severity::kHigh)}));
  EXPECT_EQ((*again)[0].alert.id, first[0].alert.id);
  AlertBook elsewhere("edge-2", limits, other_store, counters);
  const auto foreign =
      elsewhere.OnVerdict("event-1", MakeSighting(At(0s), 1, {1}), MakeVerdict({MakeMatch("r1", Severity::kHigh)}));
  EXPECT_NE((*foreign)[0].alert.id, first[0].alert.id);
}

TEST_F(AlertBookTest, CountsDistinctItemsPlatesFlowsDestinationsAndBytes) {
  const std::vector<RuleMatch> matches = {MakeMatch("r1", Severity::kHigh)};
  See(At(0s), 1, {1, 2}, matches);
  See(At(1s), 1, {2, 3}, matches);  // the same object once more
  Sighting records = MakeSighting(At(2s), 2, {4, 5}, Method::kRecord);
  records.flow.destination.address = *ParseIpAddress("203.0.113.5");
  records.object_size = 500;
  ASSERT_TRUE(book.OnVerdict("records", records, MakeVerdict(matches)));
  const auto closed = *book.CloseAll(At(10s));
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(closed[0].alert.totals,
            (AlertTotals{.events = 3, .items = 5, .plates = 2, .flows = 2, .destinations = 2, .bytes = 1500}));
  EXPECT_EQ(closed[0].alert.methods, (std::vector<Method>{Method::kExact, Method::kRecord}));
}

TEST_F(AlertBookTest, ATransferGivesItsBytes) {
  TransferSummary transfer;
  transfer.flow = MakeSighting(At(0s), 1, {}).flow;
  transfer.time = At(0s);
  transfer.counters.delivered_bytes = 5'000'000;
  const auto told = book.OnVerdict("t1", transfer, MakeVerdict({MakeMatch("r1", Severity::kMedium)}));
  EXPECT_EQ((*told)[0].alert.totals.bytes, 5'000'000u);
  transfer.counters.delivered_bytes = 8'000'000;  // the same conversation, later
  ASSERT_TRUE(book.OnVerdict("t2", transfer, MakeVerdict({MakeMatch("r1", Severity::kMedium)})));
  EXPECT_EQ((*book.CloseAll(At(1s)))[0].alert.totals.bytes, 8'000'000u);
}

TEST_F(AlertBookTest, ExamplesAreFewAndPreferSureOnes) {
  Sighting weak = MakeSighting(At(0s), 1, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
  for (auto& item : weak.items) item.confidence = Confidence::kWeak;
  weak.confidence = Confidence::kWeak;
  const auto told = book.OnVerdict("weak", weak, MakeVerdict({MakeMatch("r1", Severity::kLow)}));
  EXPECT_EQ((*told)[0].alert.examples.size(), 8u);
  EXPECT_TRUE((*told)[0].alert.weak_only);
  See(At(1s), 1, {50}, {MakeMatch("r1", Severity::kLow)});
  const auto closed = *book.CloseAll(At(2s));
  const auto& examples = closed[0].alert.examples;
  EXPECT_EQ(examples.size(), 8u);
  EXPECT_EQ(std::ranges::count(examples, Confidence::kSure, &AlertExample::confidence), 1);
  EXPECT_FALSE(closed[0].alert.weak_only);
}

TEST_F(AlertBookTest, OneUnauthorisedEventMakesTheAlertUnauthorised) {
  Verdict verdict = MakeVerdict({MakeMatch("r1", Severity::kInformational)});
  verdict.authorised = true;
  EXPECT_TRUE((*book.OnVerdict("a", MakeSighting(At(0s), 1, {1}), verdict))[0].alert.authorised);
  verdict.authorised = false;
  verdict.near_miss = "expired";
  ASSERT_TRUE(book.OnVerdict("b", MakeSighting(At(1s), 1, {1}), verdict));
  const auto closed = *book.CloseAll(At(2s));
  EXPECT_FALSE(closed[0].alert.authorised);
  EXPECT_EQ(closed[0].alert.near_miss, "expired");
}

TEST_F(AlertBookTest, GoesOnAfterARestartAsIfNothingHadBeen) {
  See(At(0s), 1, {1}, {MakeMatch("r1", Severity::kHigh)});
  See(At(1s), 2, {2}, {MakeMatch("r1", Severity::kHigh)});
  ASSERT_TRUE(book.Save());
  AlertBook next("edge-1", limits, store, counters);
  ASSERT_TRUE(next.Load());
  const auto told = *next.Advance(At(300s));
  ASSERT_EQ(told.size(), 1u) << "the update that was held back";
  EXPECT_EQ(told[0].alert.transition, 2u);
  EXPECT_EQ(told[0].alert.totals.items, 2u);
}

TEST_F(AlertBookTest, SaveWritesOnlyWhatChanged) {
  See(At(0s), 1, {1}, {MakeMatch("r1", Severity::kHigh)});
  ASSERT_TRUE(book.Save());
  ASSERT_TRUE(book.Save());
  EXPECT_EQ(store.saves, 1);
}

TEST_F(AlertBookTest, TheOperatorClosesOne) {
  const auto told = See(At(0s), 1, {1}, {MakeMatch("r1", Severity::kHigh)});
  EXPECT_TRUE(book.Close("no such alert", At(1s))->empty());
  const auto closed = *book.Close(told[0].alert.id, At(1s));
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(closed[0].alert.close_reason, "operator");
  EXPECT_EQ(store.alerts.at(told[0].alert.id).state, AlertState::kClosed);
}

TEST_F(AlertBookTest, AtTheLimitTheQuietestIsClosedAndCounted) {
  limits.alert_open_alerts = 10;
  for (int i = 0; i < 10; ++i) See(At(1s * i), 1, {1}, {MakeMatch("r", Severity::kHigh, fmt::format("10.0.0.{}", i))});
  const auto told = See(At(20s), 1, {1}, {MakeMatch("r", Severity::kHigh, "10.0.1.1")});
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0].alert.close_reason, "limit");
  EXPECT_EQ(told[0].alert.group[0].second, "10.0.0.0");
  EXPECT_EQ(book.open_count(), 10u);
  EXPECT_EQ(counters.Get(Counter::alerts_closed_at_limit), 1u);
}

TEST_F(AlertBookTest, LateEventsWidenTheTimesAndMoveNoTransitionBack) {
  See(At(100s), 1, {1}, {MakeMatch("r1", Severity::kLow)});
  const auto told = See(At(50s), 1, {2}, {MakeMatch("r2", Severity::kHigh)});
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].time, At(100s));
  EXPECT_EQ(told[0].alert.first, At(50s));
  EXPECT_EQ(told[0].alert.last, At(100s));
}

}  // namespace
}  // namespace spanwatch::alert
