#include "policy/rule_engine.h"

#include <gtest/gtest.h>

#include <set>

#include "support/memory_correlation_store.h"

namespace spanwatch::policy {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr const char* kUpload = R"(
title: Upload
id: upload-id
name: upload
detection: {s: {action: upload}, condition: s}
level: low
)";

// An engine over rules (and authorisations) as text, and events for it.
class Engine {
 public:
  // Those with a title of `signed_titles` are signed.
  explicit Engine(const std::string& rules, const std::string& authorisations = "authorisations: []",
                  const std::set<std::string>& signed_titles = {}) {
    auto documents = ParseRuleDocuments(rules, "rules.yml");
    EXPECT_TRUE(documents.has_value()) << documents.error().message;
    auto permissions = ParseAuthorisations(authorisations, "authorisations.yml");
    EXPECT_TRUE(permissions.has_value()) << permissions.error().message;
    for (RuleDocument& document : *documents) document.document_signed = signed_titles.contains(document.title);
    auto made = RuleEngine::Make({.documents = std::move(*documents),
                                  .authorisations = std::move(*permissions),
                                  .allow_unsigned_authorisations = true,
                                  .facts = {}},
                                 store_);
    if (made) {
      policy_ = std::move(*made);
    } else {
      refusal_ = made.error().message;
    }
  }

  Verdict Tell(std::vector<std::pair<std::string, std::vector<std::string>>> fields,
               Duration after = Duration::zero()) {
    FlatEvent event;
    event.id = fmt::format("event-{}", ++events_);
    event.time = ParseRfc3339("2024-03-04T12:00:00Z").value() + after;
    for (const auto& [name, values] : fields) {
      for (const std::string& value : values) event.fields[name].emplace_back(value);
    }
    auto verdict = policy_->Evaluate(event);
    EXPECT_TRUE(verdict.has_value());
    return *verdict;
  }

  // The rules an event met, as `title(count)`, sorted by their place in the text.
  std::string Met(std::vector<std::pair<std::string, std::vector<std::string>>> fields,
                  Duration after = Duration::zero()) {
    std::string met;
    for (const RuleMatch& match : Tell(std::move(fields), after).matches) {
      met += fmt::format("{}{}", met.empty() ? "" : ", ", match.rule_name);
      if (match.count > 0) met += fmt::format("({})", match.count);
      if (match.muted) met += " muted";
    }
    return met;
  }

  const std::string& refusal() const { return refusal_; }
  Policy& policy() { return *policy_; }

 private:
  test::MemoryCorrelationStore store_;
  std::unique_ptr<Policy> policy_;
  std::string refusal_;
  int events_ = 0;
};

std::string Correlation(const std::string& title, const std::string& body, const std::string& more = "") {
  return fmt::format("---\ntitle: {}\nid: {}-id\nname: {}\ncorrelation: {}\nlevel: high\n{}", title, title, title, body,
                     more);
}

TEST(RuleEngine, CountsEventsOfOneGroupWithinTheTimespan) {
  Engine engine(
      kUpload +
      Correlation("Many", "{type: event_count, rules: [upload], group-by: [host], timespan: 1h, condition: {gte: 3}}"));
  EXPECT_EQ(engine.Met({{"action", {"upload"}}, {"host", {"a"}}}), "Upload");
  EXPECT_EQ(engine.Met({{"action", {"upload"}}, {"host", {"a"}}}, minutes(10)), "Upload");
  EXPECT_EQ(engine.Met({{"action", {"upload"}}, {"host", {"b"}}}, minutes(20)), "Upload");
  EXPECT_EQ(engine.Met({{"action", {"upload"}}, {"host", {"a"}}}, minutes(30)), "Upload, Many(3)");
  EXPECT_EQ(engine.Met({{"action", {"upload"}}, {"host", {"a"}}}, minutes(65)), "Upload, Many(3)")
      << "the first has left the window";
  EXPECT_EQ(engine.Met({{"action", {"upload"}}, {"host", {"a"}}}, hours(5)), "Upload");
}

TEST(RuleEngine, CountsDistinctValuesOfAFieldThatHoldsSeveral) {
  Engine engine(kUpload + Correlation("Distinct",
                                      "{type: value_count, rules: [upload-id], group-by: [host], timespan: 1d, "
                                      "condition: {field: items, gte: 4}}"));
  EXPECT_EQ(engine.Met({{"action", {"upload"}}, {"host", {"a"}}, {"items", {"1", "2", "3"}}}), "Upload");
  EXPECT_EQ(engine.Met({{"action", {"upload"}}, {"host", {"a"}}, {"items", {"3", "2", "1"}}}), "Upload")
      << "repeats add nothing";
  EXPECT_EQ(engine.Met({{"action", {"upload"}}, {"host", {"a"}}}), "Upload") << "no value, nothing to count";
  EXPECT_EQ(engine.Met({{"action", {"upload"}}, {"host", {"a"}}, {"items", {"3", "4", "5"}}}), "Upload, Distinct(5)");
}

TEST(RuleEngine, BoundsOfAConditionMustAllHold) {
  Engine engine(
      kUpload +
      Correlation("Few", "{type: event_count, rules: [upload], timespan: 1d, condition: {gt: 1, lt: 4, neq: 3}}"));
  EXPECT_EQ(engine.Met({{"action", {"upload"}}}), "Upload");
  EXPECT_EQ(engine.Met({{"action", {"upload"}}}), "Upload, Few(2)");
  EXPECT_EQ(engine.Met({{"action", {"upload"}}}), "Upload");
  EXPECT_EQ(engine.Met({{"action", {"upload"}}}), "Upload");
}

TEST(RuleEngine, TemporalWantsEveryRuleInAnyOrder) {
  const std::string probe =
      "---\ntitle: Probe\nid: probe-id\nname: probe\ndetection: {s: {action: probe}, condition: s}\nlevel: low\n";
  Engine engine(kUpload + probe +
                Correlation("Both", "{type: temporal, rules: [upload, probe], group-by: [host], timespan: 15m}"));
  EXPECT_EQ(engine.Met({{"action", {"upload"}}, {"host", {"a"}}}), "Upload");
  EXPECT_EQ(engine.Met({{"action", {"upload"}}, {"host", {"a"}}}), "Upload") << "one rule twice is not two rules";
  EXPECT_EQ(engine.Met({{"action", {"probe"}}, {"host", {"b"}}}), "Probe") << "another group";
  EXPECT_EQ(engine.Met({{"action", {"probe"}}, {"host", {"a"}}}, minutes(10)), "Probe, Both(2)");
  EXPECT_EQ(engine.Met({{"action", {"probe"}}, {"host", {"a"}}}, minutes(40)), "Probe") << "the upload is long ago";
}

TEST(RuleEngine, AliasesJoinFieldsOfDifferentNames) {
  const std::string probe =
      "---\ntitle: Probe\nid: probe-id\nname: probe\ndetection: {s: {action: probe}, condition: s}\nlevel: low\n";
  Engine engine(kUpload + probe +
                Correlation("Both",
                            "{type: temporal, rules: [upload, probe], group-by: [who], timespan: 15m, "
                            "aliases: {who: {upload: source, probe: sender}}}"));
  EXPECT_EQ(engine.Met({{"action", {"upload"}}, {"source", {"x"}}}), "Upload");
  EXPECT_EQ(engine.Met({{"action", {"probe"}}, {"sender", {"y"}}}), "Probe");
  EXPECT_EQ(engine.Met({{"action", {"probe"}}, {"sender", {"x"}}}), "Probe, Both(2)");
}

TEST(RuleEngine, ACorrelationFeedsAnother) {
  Engine engine(
      kUpload +
      Correlation("Burst",
                  "{type: event_count, rules: [upload], group-by: [host], timespan: 1h, condition: {gte: 2}}") +
      Correlation("Hosts", "{type: value_count, rules: [Burst], timespan: 1h, condition: {field: host, gte: 2}}"));
  EXPECT_EQ(engine.Met({{"action", {"upload"}}, {"host", {"a"}}}), "Upload");
  EXPECT_EQ(engine.Met({{"action", {"upload"}}, {"host", {"a"}}}), "Upload, Burst(2)");
  EXPECT_EQ(engine.Met({{"action", {"upload"}}, {"host", {"b"}}}), "Upload");
  EXPECT_EQ(engine.Met({{"action", {"upload"}}, {"host", {"b"}}}), "Upload, Burst(2), Hosts(2)");
}

TEST(RuleEngine, ACorrelationThatTwoRulesFeedIsOneMatch) {
  const std::string any =
      "---\ntitle: Any\nid: any-id\nname: any\ndetection: {s: {action|exists: true}, condition: s}\nlevel: low\n";
  Engine engine(
      kUpload + any +
      Correlation("Sum", "{type: value_count, rules: [upload, any], timespan: 1h, condition: {field: items, gte: 1}}"));
  EXPECT_EQ(engine.Met({{"action", {"upload"}}, {"items", {"1", "2"}}}), "Upload, Any, Sum(2)");
}

TEST(RuleEngine, AFilterLeavesAloneWhatItNames) {
  const std::string filter = "---\ntitle: Printers\nfilter: {rules: [upload], s: {host: printer}, condition: s}\n";
  const std::string probe =
      "---\ntitle: Probe\nname: probe\ndetection: {s: {action|exists: true}, condition: s}\nlevel: low\n";
  Engine engine(kUpload + probe + filter +
                Correlation("Many", "{type: event_count, rules: [upload], timespan: 1h, condition: {gte: 1}}"));
  EXPECT_EQ(engine.Met({{"action", {"upload"}}, {"host", {"printer"}}}), "Probe") << "nor does it feed a correlation";
  EXPECT_EQ(engine.Met({{"action", {"upload"}}, {"host", {"other"}}}), "Upload, Probe, Many(1)");
  Engine every(kUpload + probe + "---\ntitle: All\nfilter: {rules: any, s: {host: printer}, condition: s}\n");
  EXPECT_EQ(every.Met({{"action", {"upload"}}, {"host", {"printer"}}}), "");
}

TEST(RuleEngine, ASilentRuleOnlyFeedsCorrelations) {
  const std::string counted = "{type: event_count, rules: [upload], timespan: 1h, condition: {gte: 2}}";
  Engine own(std::string(kUpload) + "spanwatch: {alert: false}\n" + Correlation("Many", counted));
  EXPECT_EQ(own.Met({{"action", {"upload"}}}), "");
  EXPECT_EQ(own.Met({{"action", {"upload"}}}), "Many(2)");
  Engine generated(kUpload + Correlation("Many", counted, "generate: false\n"));
  EXPECT_EQ(generated.Met({{"action", {"upload"}}}), "");
  EXPECT_EQ(generated.Met({{"action", {"upload"}}}), "Many(2)");
}

TEST(RuleEngine, AMatchCarriesWhatTheAlertIsGroupedBy) {
  Engine engine(std::string(kUpload) + "spanwatch: {group_by: [host, missing]}\ntags: [attack.t1048]\n");
  const Verdict verdict = engine.Tell({{"action", {"upload"}}, {"host", {"a", "b"}}});
  ASSERT_EQ(verdict.matches.size(), 1u);
  const std::vector<std::pair<std::string, std::string>> expected{{"host", "a"}, {"missing", ""}};
  EXPECT_EQ(verdict.matches[0].group, expected);
  EXPECT_EQ(verdict.matches[0].tags, std::vector<std::string>{"attack.t1048"});
  EXPECT_FALSE(verdict.matches[0].rule_signed);
}

TEST(RuleEngine, ANearMissIsOneLevelLower) {
  const std::string permission =
      "authorisations: [{name: n, reference: r, collections: [any], sources: [10.0.0.1], "
      "destinations: [192.0.2.1], expires: 2024-03-05}]";
  const auto rules = [](const char* level) {
    return fmt::format("title: T\nid: t\ndetection: {{s: {{action: upload}}, condition: s}}\nlevel: {}\n", level);
  };
  const std::pair<const char*, Severity> cases[] = {{"critical", Severity::kHigh},
                                                    {"high", Severity::kMedium},
                                                    {"medium", Severity::kLow},
                                                    {"low", Severity::kLow},
                                                    {"informational", Severity::kInformational}};
  for (const auto& [level, lowered] : cases) {
    Engine engine(rules(level), permission);
    const Verdict near =
        engine.Tell({{"action", {"upload"}}, {"source.ip", {"10.0.0.2"}}, {"destination.ip", {"192.0.2.1"}}});
    EXPECT_EQ(near.near_miss, "wrong-source");
    ASSERT_EQ(near.matches.size(), 1u);
    EXPECT_EQ(near.matches[0].severity, lowered) << level;
    const Verdict expired = engine.Tell(
        {{"action", {"upload"}}, {"source.ip", {"10.0.0.1"}}, {"destination.ip", {"192.0.2.1"}}}, hours(24));
    EXPECT_EQ(expired.near_miss, "expired");
    const Verdict far =
        engine.Tell({{"action", {"upload"}}, {"source.ip", {"10.0.0.1"}}, {"destination.ip", {"192.0.2.2"}}});
    EXPECT_EQ(far.near_miss, "");
    ASSERT_EQ(far.matches.size(), 1u);
    EXPECT_EQ(ToString(far.matches[0].severity), level);
  }
}

TEST(RuleEngine, RefusesWhatDoesNotLink) {
  const std::string count = "timespan: 1h, condition: {gte: 2}}";
  const std::pair<std::string, const char*> cases[] = {
      {kUpload + Correlation("A", "{type: event_count, rules: [nothing], " + count),
       "no rule has the id or name 'nothing'"},
      {kUpload + std::string("---") + kUpload, "is taken"},
      {Correlation("A", "{type: event_count, rules: [B], " + count) +
           Correlation("B", "{type: event_count, rules: [A], " + count),
       "by a circle"},
      {kUpload + Correlation("A", "{type: temporal_ordered, rules: [upload], timespan: 1h}"), "read but not evaluated"},
      {kUpload + Correlation("A", "{type: value_sum, rules: [upload], timespan: 1h, condition: {field: n, gte: 2}}"),
       "read but not evaluated"},
      {kUpload + std::string("---\ntitle: F\nname: f\nfilter: {rules: any, s: {a: 1}, condition: s}\n") +
           Correlation("A", "{type: event_count, rules: [f], " + count),
       "is a filter"},
      {kUpload + Correlation("A", "{type: event_count, rules: [upload], " + count) +
           "---\ntitle: F\nfilter: {rules: [A], s: {a: 1}, condition: s}\n",
       "is a correlation"},
  };
  for (const auto& [rules, reason] : cases) {
    const Engine engine(rules);
    EXPECT_NE(engine.refusal().find(reason), std::string::npos) << reason << ": '" << engine.refusal() << "'";
    EXPECT_TRUE(engine.refusal().starts_with("rules.yml:")) << engine.refusal();
  }
}

TEST(RuleEngine, TellsItsFacts) {
  Engine engine(kUpload + Correlation("A", "{type: event_count, rules: [upload], timespan: 1h, condition: {gte: 2}}") +
                "---\ntitle: F\nfilter: {rules: any, s: {a: 1}, condition: s}\n");
  const PolicyFacts facts = engine.policy().facts();
  EXPECT_EQ(facts.detections, 1u);
  EXPECT_EQ(facts.correlations, 1u);
  EXPECT_EQ(facts.filters, 1u);
  EXPECT_EQ(facts.authorisations, 0u);
  EXPECT_FALSE(facts.all_signed);
}

constexpr const char* kSignedAndLocal = R"(
title: Local exception
filter: {rules: any, s: {action: upload}, condition: not s}
---
title: Owner
id: owner
detection: {s: {action: upload}, condition: s}
level: high
---
title: Owner count
id: owner-count
correlation: {type: event_count, rules: [owner], timespan: 1h, condition: {gte: 2}}
level: critical
---
title: Local
id: local
detection: {s: {action: upload}, condition: s}
level: low
---
title: Local count
id: local-count
correlation: {type: event_count, rules: [owner], timespan: 1h, condition: {gte: 1}}
level: low
)";

std::string WithFilter(const std::string& condition) {
  std::string rules = kSignedAndLocal;
  return rules.replace(rules.find("not s"), 5, condition);
}

TEST(RuleEngine, AnUnsignedFilterTakesNothingFromSignedRulesAndWhatTheyFeed) {
  const std::set<std::string> owners{"Owner", "Owner count"};
  Engine mutes(WithFilter("s"), "authorisations: []", owners);
  ASSERT_EQ(mutes.refusal(), "");
  EXPECT_EQ(mutes.Met({{"action", {"upload"}}}), "Owner muted") << "the unsigned rule and correlation see nothing";
  EXPECT_EQ(mutes.Met({{"action", {"upload"}}}), "Owner muted, Owner count(2) muted");
  Engine passes(WithFilter("not s"), "authorisations: []", owners);
  EXPECT_EQ(passes.Met({{"action", {"upload"}}}), "Owner, Local, Local count(1)");
}

TEST(RuleEngine, ASignedFilterTakesEventsAwayFromAllRules) {
  Engine engine(WithFilter("s"), "authorisations: []", {"Owner", "Owner count", "Local exception"});
  EXPECT_EQ(engine.Met({{"action", {"upload"}}}), "");
}

TEST(RuleEngine, AnUnsignedFilterWorksOnUnsignedRules) {
  Engine engine(WithFilter("s"));
  EXPECT_EQ(engine.Met({{"action", {"upload"}}}), "");
}

TEST(RuleEngine, AnUnsignedCorrelationSilencesASignedRuleForTheOperatorAlone) {
  const std::string rules = R"(
title: Owner
id: owner
detection: {s: {action: upload}, condition: s}
---
title: Silencer
id: silencer
generate: false
correlation: {type: event_count, rules: [owner], timespan: 1h, condition: {gte: 1000}}
)";
  EXPECT_EQ(Engine(rules, "authorisations: []", {"Owner"}).Met({{"action", {"upload"}}}), "Owner muted");
  EXPECT_EQ(Engine(rules, "authorisations: []", {"Owner", "Silencer"}).Met({{"action", {"upload"}}}), "");
  EXPECT_EQ(Engine(rules).Met({{"action", {"upload"}}}), "");
}

TEST(RuleEngine, NoCorrelationCountsInTheWindowsOfAnother) {
  const std::string rules = R"(
title: Rule
id: rule
detection: {s: {action: upload}, condition: s}
---
title: Counted
id: counted
correlation: {type: event_count, rules: [rule], timespan: 7d, condition: {gte: 2}}
---
title: counted
correlation: {type: event_count, rules: [rule], timespan: 1s, condition: {gte: 2}}
)";
  EXPECT_NE(Engine(rules).refusal().find("another correlation has its id"), std::string::npos);
}

}  // namespace
}  // namespace spanwatch::policy
