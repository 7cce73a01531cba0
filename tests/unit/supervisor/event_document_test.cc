#include "supervisor/event_document.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "model/alert.h"
#include "support/shared_data.h"

namespace spanwatch::supervisor {
namespace {

Sighting SomeSighting() {
  Sighting sighting;
  sighting.time = *ParseRfc3339("2019-05-13T02:11:40.120Z");
  sighting.flow.flow_id = 0xabc;
  sighting.flow.source = {*ParseIpAddress("10.20.0.9"), 51514};
  sighting.flow.destination = {*ParseIpAddress("198.51.100.7"), 80};
  sighting.flow.crossing = Crossing::kEgress;
  sighting.flow.vlan = {120, 0};
  sighting.flow.facts.protocol = "http";
  sighting.flow.facts.exchange.server_name = "files.example";
  sighting.collection = "lanes";
  sighting.object_name = "a.jpg";
  sighting.provenance = {"http POST /up"};
  for (std::uint8_t i = 0; i < 50; ++i) sighting.items.emplace_back().id[0] = i;
  return sighting;
}

TEST(EventDocument, ASightingSpeaksEcs) {
  const auto document = EventDocument("edge-1", SomeSighting(), PacketTime{});
  EXPECT_EQ(document["@timestamp"], "2019-05-13T02:11:40.120Z");
  EXPECT_EQ(document["event"]["dataset"], "spanwatch.sighting");
  EXPECT_EQ(document["observer"]["name"], "edge-1");
  EXPECT_EQ(document["observer"]["ingress"]["vlan"]["id"], "120");
  EXPECT_EQ(document["source"]["ip"], "10.20.0.9");
  EXPECT_EQ(document["destination"]["domain"], "files.example");
  EXPECT_EQ(document["network"]["direction"], "outbound");
  EXPECT_EQ(document["spanwatch"]["items"].size(), 32u);
  EXPECT_EQ(document["spanwatch"]["item_count"], 50);
}

TEST(EventDocument, AnArchiveEntrySightingShowsItsEvidence) {
  Sighting sighting = SomeSighting();
  sighting.method = Method::kArchiveEntry;
  sighting.archive = ArchiveEvidence{.entries_listed = 60, .entries_matched = 50, .probability = 1e-100};
  const auto document = EventDocument("edge-1", sighting, PacketTime{});
  EXPECT_EQ(document["spanwatch"]["method"], "archive-entry");
  EXPECT_EQ(document["spanwatch"]["archive"]["entries_listed"], 60);
  EXPECT_EQ(document["spanwatch"]["archive"]["entries_matched"], 50);
  EXPECT_EQ(document["spanwatch"]["archive"]["sizes_matched"], 0);
  EXPECT_EQ(document["spanwatch"]["archive"]["probability"], 1e-100);
}

TEST(EventDocument, AWeakPictureSightingShowsWhatElseWasSeen) {
  Sighting sighting = SomeSighting();
  sighting.method = Method::kPerceptual;
  sighting.pictures = PictureEvidence{.pictures_seen = 70, .pictures_alike = 8, .probability = 0.25};
  const auto document = EventDocument("edge-1", sighting, PacketTime{});
  EXPECT_EQ(document["spanwatch"]["pictures"]["seen"], 70);
  EXPECT_EQ(document["spanwatch"]["pictures"]["alike"], 8);
  EXPECT_EQ(document["spanwatch"]["pictures"]["probability"], 0.25);
}

TEST(EventDocument, ThePolicySeesAllItemsByFlatNames) {
  const Sighting sighting = SomeSighting();
  const FlatEvent event = Flatten(EventDocument("edge-1", sighting, PacketTime{}), sighting);
  EXPECT_EQ(event.Find("spanwatch.items")->size(), 50u);
  EXPECT_EQ(std::get<std::string>(event.Find("source.ip")->front()), "10.20.0.9");
  EXPECT_EQ(std::get<std::int64_t>(event.Find("destination.port")->front()), 80);
  EXPECT_EQ(event.time, sighting.time);
}

// The lists of names in the schema, wherever they stand.
std::vector<std::vector<std::string>> ListsOfNames(const nlohmann::json& schema) {
  std::vector<std::vector<std::string>> lists;
  const nlohmann::json flat = schema.flatten();
  for (const auto& [path, value] : flat.items()) {
    const std::size_t end = path.rfind("/enum/");
    if (end == std::string::npos || !value.is_string()) continue;
    if (path.ends_with("/enum/0")) {
      lists.push_back(schema.at(nlohmann::json::json_pointer(path.substr(0, end + 5))).get<std::vector<std::string>>());
    }
  }
  return lists;
}

template <typename Enum>
void ExpectAllNamedIn(const std::vector<std::vector<std::string>>& lists) {
  std::set<std::string> names;
  for (const Enum value : Enumerators<Enum>()) names.emplace(ToString(value));
  const auto same = [&](const auto& list) { return std::set(list.begin(), list.end()) == names; };
  EXPECT_TRUE(std::ranges::any_of(lists, same)) << *names.begin();
}

TEST(EventSchema, KnowsTheNameOfEveryEnumerator) {
  const auto lists =
      ListsOfNames(nlohmann::json::parse(std::ifstream(test::SourceTree() / "rules" / "event.schema.json")));
  ExpectAllNamedIn<Method>(lists);
  ExpectAllNamedIn<Confidence>(lists);
  ExpectAllNamedIn<View>(lists);
  ExpectAllNamedIn<Severity>(lists);
  ExpectAllNamedIn<AlertState>(lists);
  ExpectAllNamedIn<Crossing>(lists);
  ExpectAllNamedIn<Transport>(lists);
  ExpectAllNamedIn<Visibility>(lists);
}

TEST(EventId, IsTheSameForTheSameEventAndDiffersInEachPart) {
  const Sighting one = SomeSighting();
  EXPECT_EQ(EventId("edge-1", one), EventId("edge-1", SomeSighting()));
  std::vector<std::string> ids{EventId("edge-1", one), EventId("edge-2", one)};
  const auto add = [&](auto change) {
    Sighting changed = SomeSighting();
    change(changed);
    ids.push_back(EventId("edge-1", changed));
  };
  add([](Sighting& s) { s.flow.flow_id = 1; });
  add([](Sighting& s) { s.object_id = 9; });
  add([](Sighting& s) { s.phase = SightingPhase::kFirst; });
  add([](Sighting& s) { s.method = Method::kFragment; });
  add([](Sighting& s) { s.confidence = Confidence::kWeak; });
  add([](Sighting& s) { s.items.pop_back(); });
  std::ranges::sort(ids);
  EXPECT_EQ(std::ranges::unique(ids).begin(), ids.end());
}

TEST(EventDocument, TheVerdictIsPartOfTheEvent) {
  auto document = EventDocument("edge-1", SomeSighting(), PacketTime{});
  Verdict verdict;
  verdict.authorised = true;
  verdict.authorisations.push_back({"TICKET-1", "nightly", false});
  verdict.matches.push_back({.rule_id = "r1", .severity = Severity::kHigh});
  AddVerdict(document, verdict);
  EXPECT_EQ(document["spanwatch"]["authorized"], true);
  EXPECT_EQ(document["spanwatch"]["authorization"]["signed"], false);
  EXPECT_EQ(document["spanwatch"]["rules"][0]["level"], "high");
}

}  // namespace
}  // namespace spanwatch::supervisor
