#include "supervisor/metrics_exporter.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <set>
#include <sstream>

namespace spanwatch::supervisor {
namespace {

bool Has(const std::string& text, const std::string& line) {
  return text.find("\n" + line + "\n") != std::string::npos;
}

SupervisorFigures SomeFigures() {
  SupervisorFigures figures;
  figures.webhooks = {{.endpoint = "soc", .pending = 2, .attempts = {3, 0, 1}}, {.endpoint = "old", .disabled = true}};
  process::HashSetFacts agency, other;
  agency.name = "cbp";
  agency.digest = "0000000000ff77777777";
  agency.serial = 42;
  agency.created = 1'600'000'000'000'000'000;
  agency.loaded_at = 1'700'000'000'000'000'000;
  agency.images = 10;
  agency.records = 20;
  agency.files = 5;
  other.name = "other";
  other.records = other.unsearched_records = 7;
  figures.hashsets = {agency, other};
  return figures;
}

TEST(MetricsExporter, EverySeriesExistsFromTheStart) {
  MetricsExporter exporter("abc", [] { return SupervisorFigures{}; });
  const std::string text = exporter.Render();
  EXPECT_TRUE(Has(
      text, R"(spanwatch_sightings_total{authorized="false",confidence="sure",direction="outbound",method="exact"} 0)"))
      << text;
  for (const char* severity : {"informational", "low", "medium", "high", "critical"}) {
    EXPECT_TRUE(Has(text, std::string("spanwatch_alerts_total{severity=\"") + severity + "\"} 0")) << severity;
  }
  EXPECT_TRUE(Has(text, R"(spanwatch_webhook_deliveries_total{endpoint="",status="4xx"} 0)"));
  EXPECT_TRUE(Has(text, R"(spanwatch_decode_dropped_packets_total{reason="truncated"} 0)"));
  for (const auto& counter : kCounters) {
    EXPECT_NE(text.find("spanwatch_" + std::string(counter.metric)), std::string::npos) << counter.id;
  }
}

TEST(MetricsExporter, SumsBlocksAndKeepsWhatARetiredOneCounted) {
  MetricsExporter exporter("abc", [] { return SupervisorFigures{}; });
  Counters one, two;
  one.Add(Counter::packets_captured, 5);
  two.Add(Counter::packets_captured, 7);
  exporter.AddCounters(one);
  exporter.AddCounters(two);
  exporter.RetireCounters(one);
  two.Add(Counter::packets_captured, 1);
  EXPECT_TRUE(Has(exporter.Render(), "spanwatch_capture_packets_total 13"));
}

TEST(MetricsExporter, TellsWhatThePagesOfInspectorsHold) {
  MetricsExporter exporter("abc", [] { return SupervisorFigures{}; });
  process::SharedBlock one{}, two{};
  one.counters.Add(Counter::packets_captured, 5);
  two.counters.Add(Counter::packets_captured, 2);
  one.anomalies[static_cast<std::size_t>(AnomalyCode::http_malformed)] = 3;
  two.anomalies[static_cast<std::size_t>(AnomalyCode::http_malformed)] = 4;
  two.forbidden_calls = 2;
  one.last_packet_time = 1'500'000'000;
  two.last_packet_time = 1'000'000'000;
  exporter.AddInspector(one);
  exporter.AddInspector(two);
  const std::string text = exporter.Render();
  EXPECT_TRUE(Has(text, "spanwatch_capture_packets_total 7"));
  EXPECT_TRUE(Has(text, R"(spanwatch_anomalies_total{code="http_malformed"} 7)"));
  EXPECT_TRUE(Has(text, R"(spanwatch_anomalies_total{code="content_too_deep"} 0)"));
  EXPECT_TRUE(Has(text, "spanwatch_sandbox_forbidden_calls_total 2"));
  EXPECT_TRUE(Has(text, "spanwatch_last_packet_timestamp_seconds 1.5")) << "the latest, never a sum";
}

TEST(MetricsExporter, CountsAndFigures) {
  MetricsExporter exporter("abc", SomeFigures);
  exporter.CountSighting(Method::kRecord, Confidence::kSure, true, Crossing::kEgress);
  exporter.CountAlert(Severity::kCritical);
  exporter.CountEvent(EventDataset::kTransfer);
  const std::string text = exporter.Render();
  EXPECT_TRUE(
      Has(text,
          R"(spanwatch_sightings_total{authorized="true",confidence="sure",direction="outbound",method="record"} 1)"));
  EXPECT_TRUE(Has(text, R"(spanwatch_alerts_total{severity="critical"} 1)"));
  EXPECT_TRUE(Has(text, R"(spanwatch_events_total{dataset="spanwatch.transfer"} 1)"));
  EXPECT_TRUE(Has(text, R"(spanwatch_webhook_deliveries_total{endpoint="soc",status="2xx"} 3)"));
  EXPECT_TRUE(Has(text, R"(spanwatch_webhook_deliveries_total{endpoint="soc",status="4xx"} 1)"));
  EXPECT_TRUE(Has(text, R"(spanwatch_webhook_queue_length{endpoint="soc"} 2)"));
  EXPECT_TRUE(Has(text, R"(spanwatch_webhook_disabled{endpoint="old"} 1)"));
  EXPECT_TRUE(Has(text, R"(spanwatch_hashset_items{kind="record"} 27)"));
  EXPECT_TRUE(Has(text, "spanwatch_hashset_unsearched_records 7"));
  EXPECT_NE(text.find(R"(spanwatch_hashset_loaded_timestamp_seconds{hashset="cbp"} 1700000000)"), std::string::npos);
  EXPECT_NE(text.find(R"(spanwatch_hashset_created_timestamp_seconds{hashset="cbp"} 1600000000)"), std::string::npos);
  EXPECT_TRUE(Has(text, R"(spanwatch_hashset_serial{hashset="cbp"} 42)"));
  EXPECT_TRUE(Has(text, R"(spanwatch_hashset_digest{hashset="cbp"} 255)")) << "the first 48 bits";
  EXPECT_NE(text.find(R"(revision="abc")"), std::string::npos);
}

TEST(MetricsExporter, AMetricIsDescribedOnce) {
  MetricsExporter exporter("abc", SomeFigures);
  std::istringstream lines(exporter.Render());
  std::set<std::string> described;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("# TYPE ")) continue;
    EXPECT_TRUE(described.insert(line).second) << line;
  }
  EXPECT_GT(described.size(), 20u);
}

TEST(MetricsExporter, TheSameTextServesAScrapeStorm) {
  int asked = 0;
  MetricsExporter exporter("abc", [&] {
    ++asked;
    return SupervisorFigures{};
  });
  for (int i = 0; i < 100; ++i) exporter.Render();
  EXPECT_EQ(asked, 1);
}

TEST(MetricsExporter, PrometheusItselfAcceptsTheText) {
  if (std::system("command -v promtool >/dev/null") != 0) GTEST_SKIP() << "promtool is not installed";
  MetricsExporter exporter("abc", SomeFigures);
  FILE* check = ::popen("promtool check metrics >/dev/null 2>&1", "w");
  ASSERT_NE(check, nullptr);
  const std::string text = exporter.Render();
  std::fwrite(text.data(), 1, text.size(), check);
  EXPECT_EQ(::pclose(check), 0);
}

TEST(MetricsExporter, EachNameOfAHashSetIsToldOnceAndALaterDeltaSpeaksForItsChain) {
  SupervisorFigures figures;
  process::HashSetFacts base, delta, newer;
  base.name = delta.name = newer.name = "cbp";
  base.serial = 1;
  base.created = 10'000'000'000;
  base.superseded = true;
  delta.serial = 2;
  delta.created = 20'000'000'000;
  newer.serial = 9;
  newer.created = 30'000'000'000;
  figures.hashsets = {base, newer, delta};
  MetricsExporter exporter("abc", [&] { return figures; });
  const std::string text = exporter.Render();
  EXPECT_TRUE(Has(text, R"(spanwatch_hashset_serial{hashset="cbp"} 2)")) << "the age is that of the older one";
  EXPECT_FALSE(Has(text, R"(spanwatch_hashset_serial{hashset="cbp"} 9)"));
  EXPECT_FALSE(Has(text, R"(spanwatch_hashset_serial{hashset="cbp"} 1)"));
}

}  // namespace
}  // namespace spanwatch::supervisor
