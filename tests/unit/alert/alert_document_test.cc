#include "alert/alert_document.h"

#include "unit/alert/alert_fixtures.h"

namespace spanwatch::alert {
namespace {

AlertTransition MakeTransition(std::size_t rules = 1) {
  config::Limits limits;
  Counters counters;
  MemoryAlertStore store;
  AlertBook book("edge-1", limits, store, counters);
  std::vector<RuleMatch> matches;
  for (std::size_t i = 0; i < rules; ++i) matches.push_back(MakeMatch(fmt::format("rule-{}", i), Severity::kHigh));
  return book.OnVerdict("event-1", MakeSighting(At(7920s), 1, {1, 2, 3}), MakeVerdict(matches))->front();
}

TEST(AlertDocument, SpeaksEcs) {
  const auto document = AlertDocument(MakeTransition(), At(9000s));
  EXPECT_EQ(document["@timestamp"], "2019-05-13T02:12:00.000Z");
  EXPECT_EQ(document["event"]["kind"], "alert");
  EXPECT_EQ(document["event"]["dataset"], "spanwatch.alert");
  EXPECT_EQ(document["event"]["severity"], 73);
  EXPECT_EQ(document["event"]["created"], "2019-05-13T02:30:00.000Z");
  EXPECT_EQ(document["rule"]["id"], "rule-0");
  EXPECT_EQ(document["source"]["ip"], "10.20.0.9");
  EXPECT_EQ(document["destination"]["port"], 443);
  EXPECT_EQ(document["network"]["direction"], "outbound");
  EXPECT_EQ(document["spanwatch"]["alert"]["state"], "opened");
  EXPECT_EQ(document["spanwatch"]["alert"]["totals"]["items"], 3);
  EXPECT_EQ(document["spanwatch"]["alert"]["group"]["source.ip"], "10.20.0.9");
  EXPECT_EQ(document["spanwatch"]["authorized"], false);
  EXPECT_FALSE(document["spanwatch"]["alert"].contains("close_reason"));
}

TEST(AlertDocument, WebhookBodyHasTypeTimestampAndData) {
  const auto body = nlohmann::json::parse(WebhookBody(MakeTransition(), At(9000s)));
  EXPECT_EQ(body.size(), 3u);
  EXPECT_EQ(body["type"], "spanwatch.alert.opened");
  EXPECT_EQ(body["timestamp"], "2019-05-13T02:12:00.000Z");
  EXPECT_EQ(body["data"]["event"]["id"], "msg_" + MakeTransition().alert.id + "_1");
}

TEST(AlertDocument, WebhookBodyStaysUnder20kBWhateverTheAlertHolds) {
  AlertTransition transition = MakeTransition(32);
  for (auto& example : transition.alert.examples) example.provenance.assign(16, std::string(256, 'x'));
  for (auto& rule : transition.alert.rules) rule.tags.assign(32, std::string(100, 't'));
  std::string text = WebhookBody(transition, At(9000s));
  EXPECT_LT(text.size(), 20'000u);
  EXPECT_EQ(nlohmann::json::parse(text)["data"]["spanwatch"]["alert"]["shortened"], true);
  transition.alert.group = {{"field", std::string(30'000, 'g')}};
  text = WebhookBody(transition, At(9000s));
  EXPECT_LT(text.size(), 20'000u);
  EXPECT_EQ(nlohmann::json::parse(text)["data"]["spanwatch"]["alert"]["totals"]["items"], 3);
}

TEST(AlertDocument, BytesThatAreNotUtf8AreReplaced) {
  AlertTransition transition = MakeTransition();
  transition.alert.server_name = "files\xff.example";
  const auto body = nlohmann::json::parse(WebhookBody(transition, At(9000s)));
  EXPECT_EQ(body["data"]["destination"]["domain"], "files\xef\xbf\xbd.example");
}

TEST(AlertDocument, SeverityNumbersRise) {
  EXPECT_LT(SeverityNumber(Severity::kInformational), SeverityNumber(Severity::kLow));
  EXPECT_LT(SeverityNumber(Severity::kHigh), SeverityNumber(Severity::kCritical));
}

}  // namespace
}  // namespace spanwatch::alert
