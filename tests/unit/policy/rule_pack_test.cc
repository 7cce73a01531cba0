// The rules that come with the program, against the severity model: 10 and more sure images, 100 and more plates, or a
// sure image with evasion are critical; 1 to 9 sure images, 10 to 99 plates, 3 and more archive entries high; 3 weak
// images, 3 to 9 plates, 1 or 2 archive entries, plate-reader structure, an encrypted archive medium; one weak image, a
// plate inside a plate reader's structure, bulk ciphertext low; authorised informational.
#include <gtest/gtest.h>

#include "policy/policy.h"
#include "support/memory_correlation_store.h"
#include "support/shared_data.h"

namespace spanwatch::policy {
namespace {

using Fields = std::vector<std::pair<std::string, EventValue>>;

std::string Text(const char* text) { return text; }

// A sighting of items first .. first + count - 1 that leaves for `destination`.
FlatEvent Sighting(const char* method, const char* confidence, int first, int count, const Fields& more = {},
                   const char* destination = "198.51.100.7") {
  FlatEvent event;
  event.fields["event.dataset"] = {Text("spanwatch.sighting")};
  event.fields["network.direction"] = {Text("outbound")};
  event.fields["source.ip"] = {Text("10.20.0.9")};
  event.fields["destination.ip"] = {Text(destination)};
  event.fields["spanwatch.collection"] = {Text("lanes")};
  event.fields["spanwatch.method"] = {Text(method)};
  event.fields["spanwatch.confidence"] = {Text(confidence)};
  event.fields["spanwatch.evasive"] = {false};
  for (int i = 0; i < count; ++i) event.fields["spanwatch.items"].emplace_back(fmt::format("{:032x}", first + i));
  for (const auto& [name, value] : more) event.fields[name] = {value};
  return event;
}

// One more picture by its looks, the `alike`-th, that chance explains so far.
FlatEvent Looks(int item, int alike, double probability) {
  return Sighting("perceptual", "weak", item, 1,
                  {{"spanwatch.pictures.alike", std::int64_t{alike}}, {"spanwatch.pictures.probability", probability}});
}

FlatEvent Transfer(const Fields& more) {
  FlatEvent event;
  event.fields["event.dataset"] = {Text("spanwatch.transfer")};
  event.fields["network.direction"] = {Text("outbound")};
  event.fields["source.ip"] = {Text("10.20.0.9")};
  event.fields["destination.ip"] = {Text("198.51.100.7")};
  event.fields["spanwatch.visibility"] = {Text("clear")};
  event.fields["spanwatch.lpr_structure"] = {false};
  event.fields["spanwatch.encrypted_archive"] = {false};
  event.fields["source.bytes"] = {std::int64_t{50'000}};
  for (const auto& [name, value] : more) event.fields[name] = {value};
  return event;
}

std::vector<FlatEvent> Repeat(int times, const char* method, const char* confidence) {
  std::vector<FlatEvent> events;
  for (int i = 0; i < times; ++i) events.push_back(Sighting(method, confidence, i, 1));
  return events;
}

// The highest level over all events, by a policy of its own; "none" when nothing was met.
std::string LevelOf(std::vector<FlatEvent> events) {
  test::MemoryCorrelationStore store;
  const auto policy = Policy::Load({}, store);
  EXPECT_TRUE(policy.has_value()) << policy.error().message;
  std::string level = "none";
  Severity highest = Severity::kInformational;
  PacketTime time = ParseRfc3339("2019-05-13T02:00:00Z").value();
  for (std::size_t i = 0; i < events.size(); ++i) {
    events[i].id = fmt::format("event-{}", i);
    events[i].time = time += std::chrono::minutes(1);
    const auto verdict = (*policy)->Evaluate(events[i]);
    EXPECT_TRUE(verdict.has_value());
    for (const RuleMatch& match : verdict->matches) {
      EXPECT_TRUE(match.rule_signed) << "what came with the program is trusted with it";
      EXPECT_FALSE(match.tags.empty()) << match.rule_id;
      highest = std::max(highest, match.severity);
      level = ToString(highest);
    }
  }
  return level;
}

struct RulePackCase {
  const char* description;
  std::vector<FlatEvent> events;
  const char* level;
};

TEST(RulePack, MeetsTheSeverityModel) {
  const Fields evasive{{"spanwatch.evasive", true}};
  const Fields inbound{{"network.direction", Text("inbound")}};
  const Fields internal{{"network.direction", Text("internal")}};
  const RulePackCase cases[] = {
      {"one image, exact", {Sighting("exact", "sure", 0, 1)}, "high"},
      {"one image, by fragments", {Sighting("fragment", "sure", 0, 1)}, "high"},
      {"one image, by its looks", {Sighting("perceptual", "sure", 0, 1)}, "high"},
      {"nine images at once", {Sighting("exact", "sure", 0, 9)}, "high"},
      {"ten images at once", {Sighting("exact", "sure", 0, 10)}, "critical"},
      {"nine images one by one", Repeat(9, "exact", "sure"), "high"},
      {"ten images one by one", Repeat(10, "perceptual", "sure"), "critical"},
      {"the same image ten times", std::vector<FlatEvent>(10, Sighting("exact", "sure", 0, 1)), "high"},
      {"ten images to ten destinations",
       {Sighting("exact", "sure", 0, 5), Sighting("exact", "sure", 5, 5, {}, "198.51.100.8")},
       "critical"},
      {"one image with evasion", {Sighting("exact", "sure", 0, 1, evasive)}, "critical"},
      {"one weak image", {Sighting("fragment", "weak", 0, 1)}, "low"},
      {"two weak images", Repeat(2, "fragment", "weak"), "low"},
      {"three weak images", Repeat(3, "fragment", "weak"), "medium"},
      {"thirty weak images stay medium", Repeat(30, "fragment", "weak"), "medium"},
      {"a weak image with evasion", {Sighting("fragment", "weak", 0, 1, evasive)}, "low"},
      {"one picture that looks like a registered one", {Looks(0, 1, 0.01)}, "low"},
      {"two that chance does not explain", {Looks(0, 1, 1e-6), Looks(1, 2, 1e-9)}, "low"},
      {"three that chance does not explain", {Looks(0, 1, 1e-3), Looks(1, 2, 1e-6), Looks(2, 3, 1e-9)}, "medium"},
      {"three, of which the first alone might be chance",
       {Looks(0, 1, 0.1), Looks(1, 2, 0.01), Looks(2, 3, 1e-3)},
       "medium"},
      {"one picture that looks like three registered ones",
       {Looks(0, 1, 1e-4), Looks(1, 1, 1e-4), Looks(2, 1, 1e-4)},
       "low"},
      {"three among so many that chance explains them", {Looks(0, 1, 0.2), Looks(1, 2, 0.5), Looks(2, 8, 0.4)}, "none"},
      {"three plates", {Sighting("record", "sure", 0, 3)}, "medium"},
      {"nine plates", {Sighting("record", "sure", 0, 9)}, "medium"},
      {"ten plates", {Sighting("record", "sure", 0, 10)}, "high"},
      {"ninety-nine plates", {Sighting("record", "sure", 0, 99)}, "high"},
      {"a hundred plates", {Sighting("record", "sure", 0, 100)}, "critical"},
      {"a hundred plates in ten goes",
       [] {
         std::vector<FlatEvent> events;
         for (int i = 0; i < 10; ++i) events.push_back(Sighting("record", "sure", i * 10, 10));
         return events;
       }(),
       "critical"},
      {"one plate in a plate reader's structure", {Sighting("record", "weak", 0, 1)}, "low"},
      {"two plates in a plate reader's structure", Repeat(2, "record", "weak"), "low"},
      {"plates one by one", Repeat(3, "record", "weak"), "medium"},
      {"one entry of an encrypted archive", {Sighting("archive-entry", "sure", 0, 1)}, "medium"},
      {"two entries of an encrypted archive", {Sighting("archive-entry", "sure", 0, 2)}, "medium"},
      {"three entries of an encrypted archive", {Sighting("archive-entry", "sure", 0, 3)}, "high"},
      {"a plate reader's structure", {Transfer({{"spanwatch.lpr_structure", true}})}, "medium"},
      {"an encrypted archive", {Transfer({{"spanwatch.encrypted_archive", true}})}, "medium"},
      {"a gigabyte of ciphertext",
       {Transfer({{"spanwatch.visibility", Text("encrypted")}, {"source.bytes", std::int64_t{1'000'000'000}}})},
       "low"},
      {"a little ciphertext", {Transfer({{"spanwatch.visibility", Text("encrypted")}})}, "none"},
      {"a gigabyte in clear", {Transfer({{"source.bytes", std::int64_t{1'000'000'000}}})}, "none"},
      {"an ordinary transfer", {Transfer({})}, "none"},
      {"images that come in", {Sighting("exact", "sure", 0, 50, inbound)}, "none"},
      {"images that stay inside", {Sighting("exact", "sure", 0, 50, internal)}, "none"},
      {"an encrypted archive that comes in",
       {Transfer({{"spanwatch.encrypted_archive", true}, {"network.direction", Text("inbound")}})},
       "none"},
  };
  for (const auto& test : cases) EXPECT_EQ(LevelOf(test.events), test.level) << test.description;
}

TEST(RulePack, WhatIsAuthorisedIsRecordedAndNoMore) {
  test::MemoryCorrelationStore store;
  PolicySource source;
  source.directory = test::SourceTree() / "rules";
  const auto unsigned_pack = Policy::Load(source, store);
  ASSERT_TRUE(unsigned_pack.has_value()) << unsigned_pack.error().message;
  EXPECT_EQ((*unsigned_pack)->facts().authorisations, 0u) << "the pack permits nothing by itself";
  EXPECT_FALSE((*unsigned_pack)->facts().all_signed) << "a folder is signed by an owner, not by where it lies";

  FlatEvent event = Sighting("exact", "sure", 0, 50, {{"spanwatch.authorized", true}});
  event.id = "e";
  const auto verdict = (*unsigned_pack)->Evaluate(event);
  ASSERT_TRUE(verdict.has_value());
  EXPECT_FALSE(verdict->authorised) << "an event cannot authorise itself";
}

}  // namespace
}  // namespace spanwatch::policy
