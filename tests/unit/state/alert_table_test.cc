#include "state/alert_table.h"

#include "unit/state/state_fixtures.h"

namespace spanwatch::state {
namespace {

Alert MakeAlert() {
  Alert alert;
  alert.id = "0123456789abcdef0123456789abcdef";
  alert.sensor = "edge-1";
  alert.group = {{"source.ip", "10.20.0.9"}, {"spanwatch.collection", "lanes"}};
  alert.transition = 3;
  alert.severity = Severity::kHigh;
  alert.opened = alert.first = At(1s);
  alert.last = At(9s);
  alert.told = At(5s);
  alert.opening_event_id = "e1";
  alert.rules = {{"r1", "Rule \xff one", Severity::kHigh, true, 12, {"attack.t1048"}}};
  alert.totals = {4, 3, 2, 1, 1, 99};
  alert.collections = {"lanes"};
  alert.methods = {Method::kExact, Method::kRecord};
  alert.authorised = false;
  alert.near_miss = "expired";
  alert.weak_only = false;
  alert.untold = true;
  alert.source = {*ParseIpAddress("10.20.0.9"), 1};
  alert.destination = {*ParseIpAddress("2001:db8::7"), 443};
  alert.server_name = "files.example";
  alert.protocol = "http";
  alert.crossing = Crossing::kEgress;
  alert.examples = {{"e1", "00", Method::kExact, Confidence::kSure, {"http POST /up", "zip a/1.jpg"}}};
  return alert;
}

TEST(AlertTable, GivesBackEveryFieldAfterARestart) {
  StateFile file;
  const Alert saved = MakeAlert();
  {
    ASSERT_TRUE(file.Open()->alerts().Save(saved));
  }
  auto state = file.Open();
  const auto alerts = state->alerts().OpenAlerts();
  ASSERT_TRUE(alerts.has_value());
  ASSERT_EQ(alerts->size(), 1u);
  const Alert& alert = alerts->front();
  EXPECT_EQ(alert.id, saved.id);
  EXPECT_EQ(alert.sensor, saved.sensor);
  EXPECT_EQ(alert.group, saved.group);
  EXPECT_EQ(alert.transition, 3u);
  EXPECT_EQ(alert.severity, Severity::kHigh);
  EXPECT_EQ(alert.opened, saved.opened);
  EXPECT_EQ(alert.last, saved.last);
  EXPECT_EQ(alert.told, saved.told);
  EXPECT_EQ(alert.rules.front().count, 12u);
  EXPECT_EQ(alert.rules.front().tags, saved.rules.front().tags);
  EXPECT_EQ(alert.totals, saved.totals);
  EXPECT_EQ(alert.methods, saved.methods);
  EXPECT_FALSE(alert.authorised);
  EXPECT_FALSE(alert.weak_only);
  EXPECT_TRUE(alert.untold);
  EXPECT_EQ(alert.destination, saved.destination);
  EXPECT_EQ(alert.crossing, Crossing::kEgress);
  EXPECT_EQ(alert.examples.front().provenance, saved.examples.front().provenance);
}

TEST(AlertTable, AlertsOfTheThirdVersionAreTakenOver) {
  StateFile file;
  Alert alert = MakeAlert();
  {
    auto state = file.Open();
    ASSERT_TRUE(state->alerts().Save(alert));
    ASSERT_TRUE(state->database().Execute(
        "CREATE TABLE third(id TEXT PRIMARY KEY, group_key TEXT NOT NULL, state TEXT NOT NULL, severity TEXT NOT NULL, "
        "opened INTEGER NOT NULL, last INTEGER NOT NULL, document TEXT NOT NULL, touched INTEGER NOT NULL DEFAULT 5) "
        "WITHOUT ROWID; INSERT INTO third SELECT * FROM alerts; DROP TABLE alerts; ALTER TABLE third RENAME TO alerts; "
        "CREATE INDEX alerts_state ON alerts(state); PRAGMA user_version=3"));
  }
  auto state = file.Open();
  ASSERT_NE(state, nullptr);
  const auto found = state->alerts().Find(alert.id);
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->group, alert.group);
  alert.totals.events = 99;
  ASSERT_TRUE(state->alerts().Save(alert));
  EXPECT_EQ(state->alerts().List(10)->size(), 1u);  // one row of one alert, as before
}

TEST(AlertTable, SetsCountDistinctValuesOverRestarts) {
  StateFile file;
  const std::vector<std::string> first = {"a", "b", "a"}, second = {"b", "c"};
  {
    auto state = file.Open();
    ASSERT_TRUE(state->Begin());
    EXPECT_EQ(*state->alerts().AddDistinct("x", AlertSet::kItems, first), 2u);
    EXPECT_EQ(*state->alerts().AddDistinct("x", AlertSet::kPlates, first), 2u);
    EXPECT_EQ(*state->alerts().AddDistinct("y", AlertSet::kItems, {}), 0u);
    ASSERT_TRUE(state->Commit());
  }
  auto state = file.Open();
  ASSERT_TRUE(state->Begin());
  EXPECT_EQ(*state->alerts().AddDistinct("x", AlertSet::kItems, second), 3u);
}

TEST(AlertTable, AmountsKeepTheGreatestPerKey) {
  StateFile file;
  {
    auto state = file.Open();
    ASSERT_TRUE(state->Begin());
    EXPECT_EQ(*state->alerts().AddAmount("x", AlertSet::kObjectBytes, "o1", 100), 100u);
    EXPECT_EQ(*state->alerts().AddAmount("x", AlertSet::kObjectBytes, "o1", 50), 100u);
    EXPECT_EQ(*state->alerts().AddAmount("x", AlertSet::kObjectBytes, "o2", 10), 110u);
    ASSERT_TRUE(state->Commit());
  }
  auto state = file.Open();
  ASSERT_TRUE(state->Begin());
  EXPECT_EQ(*state->alerts().AddAmount("x", AlertSet::kObjectBytes, "o1", 150), 160u);
}

TEST(AlertTable, AClosedAlertLeavesNoSetsBehindAndStaysListed) {
  StateFile file;
  auto state = file.Open();
  Alert alert = MakeAlert();
  const std::vector<std::string> values = {"a"};
  ASSERT_TRUE(state->Begin());
  ASSERT_TRUE(state->alerts().AddDistinct(alert.id, AlertSet::kItems, values));
  alert.state = AlertState::kClosed;
  ASSERT_TRUE(state->alerts().Save(alert));
  ASSERT_TRUE(state->Commit());
  auto rows = state->database().Prepare("SELECT COUNT(*) FROM alert_values");
  ASSERT_TRUE(*rows->Step());
  EXPECT_EQ(rows->Integer(0), 0);
  rows->Reset();
  EXPECT_TRUE(state->alerts().OpenAlerts()->empty());
  EXPECT_EQ(state->alerts().List(10)->size(), 1u);
  EXPECT_TRUE(state->alerts().Find(alert.id)->has_value());
  ASSERT_TRUE(state->Purge(BothAt(24h * 500)));
  EXPECT_TRUE(state->alerts().List(10)->empty());
}

TEST(AlertTable, ADamagedAlertIsAnErrorNotACrash) {
  StateFile file;
  auto state = file.Open();
  ASSERT_TRUE(state->alerts().Save(MakeAlert()));
  for (const char* damage : {"'{}'", "'not json'", "replace(document,'\"severity\":3','\"severity\":9')"}) {
    ASSERT_TRUE(state->database().Execute(fmt::format("UPDATE alerts SET document={}", damage).c_str()));
    const auto alerts = state->alerts().OpenAlerts();
    ASSERT_FALSE(alerts.has_value()) << damage;
    EXPECT_EQ(alerts.error().code, ErrorCode::kCorrupt);
    ASSERT_TRUE(state->alerts().Save(MakeAlert()));
  }
}

TEST(AlertTable, AFullSetRefusesAndSaysSo) {
  StateFile file;
  file.limits.state_alert_set_values = 2;
  auto state = file.Open();
  const std::vector<std::string> values = {"a", "b", "c"};
  ASSERT_TRUE(state->Begin());
  EXPECT_EQ(*state->alerts().AddDistinct("x", AlertSet::kItems, values), 2u);
  EXPECT_EQ(file.counters.Get(Counter::alert_values_refused), 1u);
}

}  // namespace
}  // namespace spanwatch::state
