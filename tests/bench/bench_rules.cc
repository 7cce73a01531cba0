// bench_rules [--check]: processor time to judge one event when 100, 1,000 and 10,000 Sigma rules are loaded, by the
// engine and by a walk over all of them. The rules ask for values, beginnings, ends and parts of values, numbers and
// keywords; each is another. --check (a test) fails where 10,000 cost the engine ten times what 100 do, or a walk finds
// other rules.
#include <time.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "policy/rule_engine.h"
#include "support/memory_correlation_store.h"

namespace spanwatch {
namespace {

constexpr double kDearest = 10;
constexpr std::size_t kKinds = 5;  // of rules

double Now() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

std::string Rule(std::size_t number) {
  const std::string n = std::to_string(number / kKinds);
  const std::string of_kind[kKinds] = {
      "{event.dataset: spanwatch.sighting, spanwatch.collection: lanes" + n + "}",
      "{event.dataset: spanwatch.sighting, url.path|contains: [/part" + n + "/, /piece" + n + "/]}",
      "{destination.domain|endswith: .host" + n + ".example, network.protocol: http}",
      "{destination.port: " + std::to_string(1024 + number / kKinds) + ", event.kind: event}",
      "['word " + n + " of many']",
  };
  return "---\ntitle: Rule " + std::to_string(number) + "\nid: r" + std::to_string(number) +
         "\nlevel: low\ndetection:\n  s: " + of_kind[number % kKinds] + "\n  n: {user.name|startswith: backup" + n +
         "}\n  condition: s and not n\n";
}

FlatEvent Event() {
  FlatEvent event;
  event.id = "1";
  event.time = PacketTimeFromNanoseconds(1'557'713'500'000'000'000);
  const std::pair<const char*, EventValue> fields[] = {
      {"event.kind", "event"},
      {"event.dataset", "spanwatch.sighting"},
      {"event.category", "network"},
      {"network.protocol", "http"},
      {"spanwatch.collection", "lanes7"},
      {"spanwatch.method", "exact"},
      {"url.path", "/upload/2019/05/part3/IMG_20190513_074512_lane4.jpg"},
      {"url.domain", "files.example"},
      {"destination.domain", "www.host11.example"},
      {"destination.ip", "198.51.100.7"},
      {"destination.port", std::int64_t{443}},
      {"source.ip", "10.20.0.9"},
      {"source.port", std::int64_t{50123}},
      {"source.bytes", std::int64_t{171'234}},
      {"user_agent.original", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0"},
      {"file.name", "IMG_20190513_074512_lane4.jpg"},
      {"file.mime_type", "image/jpeg"},
      {"message", "one registered item left, word 5 of many"},
  };
  for (const auto& [name, value] : fields) event.fields[name] = {value};
  return event;
}

// Nanoseconds of one run of `work`, which is repeated for a tenth of a second.
template <typename Work>
double Each(Work&& work) {
  const double begun = Now();
  std::size_t rounds = 0;
  while (Now() - begun < 1e8) {
    work();
    ++rounds;
  }
  return (Now() - begun) / static_cast<double>(rounds);
}

struct Cost {
  double engine = 0, walk = 0, load = 0;
  bool same = false;
};

Cost Measure(std::size_t count) {
  std::string yaml;
  for (std::size_t i = 0; i < count; ++i) yaml += Rule(i);
  auto documents = policy::ParseRuleDocuments(yaml, "rules.yml");
  if (!documents) std::exit(2);
  const std::vector<policy::RuleDocument> walked = *documents;
  test::MemoryCorrelationStore store;
  Cost cost;
  const double begun = Now();
  auto engine =
      policy::RuleEngine::Make({.documents = std::move(*documents), .authorisations = {}, .facts = {}}, store);
  cost.load = Now() - begun;
  if (!engine) std::exit(2);
  FlatEvent event = Event();
  std::vector<std::string> found, expected;
  cost.engine = Each([&] {
    const auto verdict = (*engine)->Evaluate(event);
    if (!verdict) std::exit(2);
    found.clear();
    for (const RuleMatch& match : verdict->matches) found.push_back(match.rule_id);
  });
  cost.walk = Each([&] {
    expected.clear();
    for (const policy::RuleDocument& document : walked) {
      if (std::get<policy::DetectionRule>(document.body).detection.Holds(event)) expected.push_back(document.id);
    }
  });
  cost.same = found == expected && !found.empty();
  return cost;
}

int Run(bool check) {
  std::printf("%-10s%16s%16s%16s\n", "rules", "engine us", "walk us", "index ms");
  double few = 0;
  for (const std::size_t count : {100u, 1'000u, 10'000u}) {
    const Cost cost = Measure(count);
    if (few == 0) few = cost.engine;
    std::printf("%-10zu%16.1f%16.1f%16.1f\n", count, cost.engine / 1e3, cost.walk / 1e3, cost.load / 1e6);
    if (!cost.same || (check && cost.engine > kDearest * few)) return 1;
  }
  return 0;
}

}  // namespace
}  // namespace spanwatch

int main(int argc, char** argv) { return spanwatch::Run(argc > 1 && std::strcmp(argv[1], "--check") == 0); }
