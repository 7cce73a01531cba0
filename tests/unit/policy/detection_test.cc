#include "policy/detection.h"

#include <gtest/gtest.h>

namespace spanwatch::policy {
namespace {

FlatEvent Event(std::initializer_list<std::pair<const char*, std::vector<EventValue>>> fields) {
  FlatEvent event;
  for (const auto& [name, values] : fields) event.fields[name] = values;
  return event;
}

struct DetectionCase {
  const char* description;
  const char* detection;  // the search identifier `s` and what else; the condition is added
  const char* condition;
  FlatEvent event;
  bool holds;
};

const FlatEvent kEvent = Event({{"name", {std::string("Lane3\\Frame 17.JPG")}},
                                {"source.ip", {std::string("10.20.0.9")}},
                                {"other.ip", {std::string("10.20.0.9")}},
                                {"bytes", {std::int64_t{1500}}},
                                {"ok", {true}},
                                {"items", {std::string("a1"), std::string("b2")}},
                                {"empty", {std::monostate()}},
                                {"command", {std::string("tool /upload now")}},
                                {"blob", {std::string("xxaGVsbG8gd29ybGQ=")}}});

TEST(Detection, MeetsWhatTheModifiersSay) {
  const DetectionCase cases[] = {
      {"equality ignores case", "s: {source.ip: 10.20.0.9, name: 'lane3\\frame 17.jpg'}", "s", kEvent, true},
      {"cased does not", "s: {name|cased: 'lane3\\frame 17.jpg'}", "s", kEvent, false},
      {"wildcards", "s: {name: 'lane?\\\\*.jpg'}", "s", kEvent, true},
      {"an escaped wildcard is a character", "s: {name: 'lane3\\*'}", "s", kEvent, false},
      {"contains", "s: {name|contains: 'FRAME'}", "s", kEvent, true},
      {"startswith and endswith", "s: {name|startswith: 'lane', name|endswith: '.jpg'}", "s", kEvent, true},
      {"a list is any", "s: {name|contains: [nothing, frame]}", "s", kEvent, true},
      {"all wants every one", "s: {name|contains|all: [nothing, frame]}", "s", kEvent, false},
      {"cidr", "s: {source.ip|cidr: [192.168.0.0/16, 10.20.0.0/16]}", "s", kEvent, true},
      {"cidr of another network", "s: {source.ip|cidr: 10.21.0.0/16}", "s", kEvent, false},
      {"numbers", "s: {bytes|gte: 1500, bytes|lt: 1501, bytes: 1500}", "s", kEvent, true},
      {"numbers that are not", "s: {bytes|gt: 1500}", "s", kEvent, false},
      {"booleans", "s: {ok: true}", "s", kEvent, true},
      {"null meets a missing field", "s: {missing: null, empty: null}", "s", kEvent, true},
      {"null does not meet a value", "s: {ok: null}", "s", kEvent, false},
      {"exists", "s: {ok|exists: true, missing|exists: false}", "s", kEvent, true},
      {"exists in other spellings of YAML", "s: {ok|exists: True, missing|exists: no}", "s", kEvent, true},
      {"neq", "s: {bytes|neq: 1}", "s", kEvent, true},
      {"a field of several values", "s: {items: B2}", "s", kEvent, true},
      {"regular expression", "s: {name|re: 'Lane\\d\\\\Frame \\d+'}", "s", kEvent, true},
      {"regular expressions know case", "s: {name|re: 'lane\\d'}", "s", kEvent, false},
      {"unless told otherwise", "s: {name|re|i: 'lane\\d'}", "s", kEvent, true},
      {"fieldref", "s: {source.ip|fieldref: other.ip}", "s", kEvent, true},
      {"windash", "s: {command|windash|contains: ' -upload '}", "s", kEvent, true},
      {"base64offset", "s: {blob|base64offset|contains: 'hello wor'}", "s", kEvent, true},
      {"a list of mappings is any", "s: [{ok: false}, {bytes: 1500}]", "s", kEvent, true},
      {"keywords look everywhere", "s: [nothing, 'frame 17']", "s", kEvent, true},
      {"not binds before and", "s: {ok: false}\n  t: {ok: true}", "not s and t", kEvent, true},
      {"and binds before or", "s: {ok: true}\n  t: {ok: false}", "s or t and t", kEvent, true},
      {"parentheses", "s: {ok: true}\n  t: {ok: false}", "(s or t) and t", kEvent, false},
      {"one of a pattern", "sel_a: {ok: false}\n  sel_b: {ok: true}", "1 of sel_*", kEvent, true},
      {"all of them leaves out underscores", "s: {ok: true}\n  _t: {ok: false}", "all of them", kEvent, true},
  };
  for (const auto& test : cases) {
    const auto node = YAML::Load(std::string("d:\n  ") + test.detection + "\n  condition: " + test.condition)["d"];
    const auto detection = Detection::Parse(node, "test.yml");
    ASSERT_TRUE(detection.has_value()) << test.description << ": " << detection.error().message;
    EXPECT_EQ(detection->Holds(test.event), test.holds) << test.description;
  }
}

TEST(Detection, RefusesWithLineAndReason) {
  const std::pair<const char*, const char*> cases[] = {
      {"{s: {a: 1}, condition: t}", "names 't'"},
      {"{s: {a: 1}, condition: s and}", "ends where"},
      {"{s: {a: 1}, condition: (s}", "without its ')'"},
      {"{s: {a: 1}, condition: s)}", "without its '('"},
      {"{s: {a: 1}, condition: s | count() > 3}", "correlation"},
      {"{s: {a|upside: 1}, condition: s}", "'upside'"},
      {"{s: {a|re: '('}, condition: s}", "regular expression"},
      {"{s: {a|cidr: nowhere}, condition: s}", "not a network"},
      {"{s: {a|lt: many}, condition: s}", "not a number"},
      {"{s: {a|exists: perhaps}, condition: s}", "'perhaps'"},
      {"{s: {a: 1}}", "no condition"},
  };
  for (const auto& [yaml, reason] : cases) {
    const auto detection = Detection::Parse(YAML::Load(yaml), "test.yml");
    ASSERT_FALSE(detection.has_value()) << yaml;
    EXPECT_TRUE(detection.error().message.starts_with("test.yml:1: ")) << detection.error().message;
    EXPECT_NE(detection.error().message.find(reason), std::string::npos) << detection.error().message;
  }
}

TEST(Detection, AHostileExpressionEndsAtTheMatchLimit) {
  const auto detection = Detection::Parse(YAML::Load("{s: {a|re: '^(a+)+$'}, condition: s}"), "test.yml");
  ASSERT_TRUE(detection.has_value());
  EXPECT_FALSE(detection->Holds(Event({{"a", {std::string(64, 'a') + "b"}}})));
}

}  // namespace
}  // namespace spanwatch::policy
