// The index of rules finds every rule that an event meets, whatever the rules ask for, and few others.
#include "policy/rule_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include "policy/rule_document.h"
#include "support/shared_data.h"

namespace spanwatch::policy {
namespace {

// Rules under their numbers, and what the plain walk over them says.
class IndexedRules {
 public:
  bool Add(const std::string& yaml) {
    auto documents = ParseRuleDocuments(yaml, "rules.yml");
    if (!documents) return false;
    for (RuleDocument& document : *documents) {
      if (std::holds_alternative<DetectionRule>(document.body))
        detections_.push_back(std::make_unique<Detection>(std::get<DetectionRule>(document.body).detection));
    }
    return true;
  }
  void Index() {
    std::vector<const Detection*> all;
    for (const auto& detection : detections_) all.push_back(detection.get());
    index_ = RuleIndex(all);
  }
  std::vector<std::uint32_t> Candidates(const FlatEvent& event) const { return index_.Candidates(event); }
  std::vector<std::uint32_t> MetByWalk(const FlatEvent& event) const {
    std::vector<std::uint32_t> met;
    for (std::uint32_t i = 0; i < detections_.size(); ++i) {
      if (detections_[i]->Holds(event)) met.push_back(i);
    }
    return met;
  }
  std::vector<std::uint32_t> MetByIndex(const FlatEvent& event) const {
    std::vector<std::uint32_t> met = Candidates(event);
    std::erase_if(met, [&](std::uint32_t i) { return !detections_[i]->Holds(event); });
    return met;
  }
  std::size_t size() const { return detections_.size(); }

 private:
  std::vector<std::unique_ptr<Detection>> detections_;
  RuleIndex index_;
};

std::string RuleWith(const std::string& detection) { return "title: T\ndetection:\n" + detection; }

// One of a few, so that rules and events meet often.
class RandomPolicy {
 public:
  explicit RandomPolicy(std::uint32_t seed) : random_(seed) {}

  std::string Rule() {
    std::string detection;
    const std::size_t identifiers = 1 + Below(3);
    for (std::size_t i = 0; i < identifiers; ++i) detection += "  s" + std::to_string(i) + ":\n" + Body();
    return RuleWith(detection + "  condition: " + ConditionOver(identifiers) + "\n");
  }
  FlatEvent Event() {
    FlatEvent event;
    for (const std::string& field : kFields) {
      if (Below(3) == 0) continue;
      std::vector<EventValue>& values = event.fields[field];
      for (std::size_t i = Below(3); i > 0; --i) values.push_back(Value());
    }
    return event;
  }

 private:
  inline static const std::vector<std::string> kFields{"a", "b.c", "d"};
  inline static const std::vector<std::string> kWords{"upload", "UPLOAD", "up",    "load", "file.exe", "x",
                                                      "",       "4",      "4.5",   "true", "10.1.2.3", "\u00c4rger",
                                                      "a*d",    "-0",     "false", "null"};
  std::size_t Below(std::size_t limit) { return random_() % limit; }
  template <typename Choices>
  const auto& OneOf(const Choices& choices) {
    return choices[Below(std::size(choices))];
  }

  EventValue Value() {
    switch (Below(6)) {
      case 0:
        return std::monostate();
      case 1:
        return Below(2) == 0;
      case 2:
        return static_cast<std::int64_t>(Below(6));
      case 3:
        return static_cast<double>(Below(12)) / 2;
      default:
        return OneOf(kWords) + (Below(3) == 0 ? OneOf(kWords) : "");
    }
  }
  std::string Quoted() { return "'" + OneOf(kWords) + (Below(4) == 0 ? "*" : "") + (Below(6) == 0 ? "?d" : "") + "'"; }
  std::string Item() {
    static const std::vector<std::string> kText{"",       "|contains",     "|startswith",    "|endswith",
                                                "|cased", "|contains|all", "|all",           "|neq",
                                                "|re",    "|endswith|neq", "|contains|cased"};
    const std::string& field = OneOf(kFields);
    switch (Below(8)) {
      case 0:
        return field + "|exists: " + (Below(2) == 0 ? "true" : "false");
      case 1:
        return field + "|gte: " + std::to_string(Below(5));
      case 2:
        return field + ": " + (Below(2) == 0 ? "null" : "4");
      case 3:
        return field + "|cidr: 10.1.0.0/16";
      case 4:
        return field + "|fieldref: " + OneOf(kFields);
      case 5:
        return field + ": " + (Below(2) == 0 ? "true" : "4.5");
      default:
        break;
    }
    std::string item = field + OneOf(kText) + ": [";
    for (std::size_t i = 1 + Below(3); i > 0; --i) item += (item.back() == '[' ? "" : ", ") + Quoted();
    return item + "]";
  }
  std::string Body() {
    std::string body;
    if (Below(5) == 0) {  // keywords
      for (std::size_t i = 1 + Below(2); i > 0; --i) body += "    - " + Quoted() + "\n";
      return body;
    }
    if (Below(3) > 0) return "    " + Item() + "\n";
    for (std::size_t i = 1 + Below(2); i > 0; --i) body += "    - " + Item() + "\n";
    return body;
  }
  std::string ConditionOver(std::size_t identifiers) {
    static const std::vector<std::string> kOverAll{"1 of them", "all of them", "not 1 of s*", "2 of them"};
    if (Below(3) == 0) return OneOf(kOverAll);
    std::string condition;
    for (std::size_t i = 0; i < identifiers; ++i) {
      if (i > 0) condition += Below(2) == 0 ? " and " : " or ";
      condition += std::string(Below(4) == 0 ? "not " : "") + "s" + std::to_string(i);
    }
    return condition;
  }

  std::mt19937 random_;
};

TEST(RuleIndex, FindsWhatThePlainWalkFinds) {
  std::size_t met = 0, judged = 0, pairs = 0;
  for (std::uint32_t seed = 0; seed < 40; ++seed) {
    RandomPolicy random(seed);
    IndexedRules rules;
    while (rules.size() < 60) rules.Add(random.Rule());
    rules.Index();
    for (int i = 0; i < 60; ++i) {
      const FlatEvent event = random.Event();
      const auto by_walk = rules.MetByWalk(event);
      ASSERT_EQ(rules.MetByIndex(event), by_walk) << "seed " << seed << ", event " << i;
      met += by_walk.size();
      judged += rules.Candidates(event).size();
      pairs += rules.size();
    }
  }
  EXPECT_GT(met * 10, pairs) << "the events met rules";
  EXPECT_LT(judged * 10, pairs * 9) << "the index left rules out";
}

TEST(RuleIndex, OfTenThousandRulesFewAreJudged) {
  IndexedRules rules;
  for (int i = 0; i < 2000; ++i) {
    const std::string n = std::to_string(i);
    ASSERT_TRUE(rules.Add(RuleWith("  s: {event.action: transfer, spanwatch.collection: c" + n + "}\n  condition: s")));
    ASSERT_TRUE(
        rules.Add(RuleWith("  s: {event.action: transfer, url.path|contains: 'part" + n + "x'}\n  condition: s")));
    ASSERT_TRUE(rules.Add(RuleWith("  s: {destination.domain|endswith: '.host" + n + ".example'}\n  condition: s")));
    ASSERT_TRUE(
        rules.Add(RuleWith("  s: {destination.port: " + n + "}\n  n: {event.kind: alert}\n  condition: s and not n")));
    ASSERT_TRUE(rules.Add(RuleWith("  s: ['word" + n + " of many']\n  condition: s")));
  }
  rules.Index();
  FlatEvent event;
  event.fields["event.action"] = {std::string("transfer")};
  event.fields["spanwatch.collection"] = {std::string("C17")};
  event.fields["url.path"] = {std::string("/a/part1234x/b")};
  event.fields["destination.domain"] = {std::string("www.host99.example")};
  event.fields["destination.port"] = {std::int64_t{443}};
  event.fields["message"] = {std::string("here is word7 of many")};
  EXPECT_EQ(rules.MetByIndex(event), rules.MetByWalk(event));
  EXPECT_EQ(rules.MetByIndex(event).size(), 5u);
  EXPECT_LT(rules.Candidates(event).size(), 100u);
}

TEST(RuleIndex, OfThePublicRulesFewAreJudgedAndTheSameAreMet) {
  const std::filesystem::path sigma = test::SharedData() / "sigma";
  std::ifstream lines(sigma / "events.jsonl");
  if (!lines) GTEST_SKIP() << "no " << sigma;
  IndexedRules rules;
  for (const auto& found : std::filesystem::recursive_directory_iterator(sigma / "rules")) {
    if (found.path().extension() != ".yml") continue;
    std::ifstream file(found.path(), std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    rules.Add(text.str());
  }
  ASSERT_GT(rules.size(), 1880u);
  rules.Index();
  std::size_t events = 0, judged = 0, met = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto entry = nlohmann::json::parse(line);
    for (const auto& object : entry["events"]) {
      FlatEvent event;
      for (const auto& [name, value] : object.items()) {
        if (value.is_string()) event.fields[name].emplace_back(value.get<std::string>());
        if (value.is_number_integer()) event.fields[name].emplace_back(value.get<std::int64_t>());
        if (value.is_boolean()) event.fields[name].emplace_back(value.get<bool>());
      }
      const auto by_walk = rules.MetByWalk(event);
      ASSERT_EQ(rules.MetByIndex(event), by_walk);
      ++events;
      met += by_walk.size();
      judged += rules.Candidates(event).size();
    }
  }
  std::printf("%zu rules; of %zu events each was judged by %.1f and met %.1f\n", rules.size(), events,
              static_cast<double>(judged) / static_cast<double>(events),
              static_cast<double>(met) / static_cast<double>(events));
  EXPECT_GE(events, 97u);
  EXPECT_GE(met, 97u) << "a rule a line at least";
  EXPECT_LT(judged, events * rules.size() / 20);
}

}  // namespace
}  // namespace spanwatch::policy
