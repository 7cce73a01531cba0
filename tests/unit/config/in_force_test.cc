#include "config/in_force.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>

namespace spanwatch::config {
namespace {

Config Of(const std::string& yaml) { return *ParseConfig(yaml, "test.yaml"); }

TEST(InForce, TakesWhatCanTakeEffectAndNamesTheRest) {
  std::vector<std::string> needs_restart;
  const Config running = Of("capture: {interface: eth1}\nzones: {inside: [10.0.0.0/8]}\n");
  const Config config = InForce(running,
                                Of("capture: {interface: eth2, inspectors: 4}\nzones: {inside: any}\nflow: "
                                   "{flows_count: 16}\nsensor: {names: tagged}\n"
                                   "webhooks: [{name: a, url: \"https://a.example/\"}]\nevents: {file: other.jsonl}\n"),
                                needs_restart);
  EXPECT_EQ(needs_restart, (std::vector<std::string>{"capture.interface", "capture.inspectors", "flow.flows_count"}));
  EXPECT_EQ(config.interface, "eth1");
  EXPECT_EQ(config.inspectors, 1u);
  EXPECT_EQ(config.limits.flow_flows_count, running.limits.flow_flows_count);
  EXPECT_TRUE(config.zones.any());
  EXPECT_TRUE(config.tag_names);
  EXPECT_EQ(config.webhooks.size(), 1u);
  EXPECT_EQ(config.events_file, "other.jsonl");
}

TEST(InForce, AnEqualConfigurationNeedsNoRestart) {
  std::vector<std::string> needs_restart;
  (void)InForce(Config(), Config(), needs_restart);
  EXPECT_TRUE(needs_restart.empty());
}

TEST(Describe, HoldsEveryKeyOfTheReferenceOnceAndTellsValuesApart) {
  std::set<std::string> described;
  const std::string text = Describe(Config());
  for (std::size_t begin = 0; begin < text.size(); begin = text.find('\n', begin) + 1) {
    EXPECT_TRUE(described.insert(text.substr(begin, text.find('=', begin) - begin)).second);
  }
  std::set<std::string> known;
  std::string section;
  const std::string page = ConfigReference();
  const std::regex heading("## (\\w+)|\\| `(\\w+)` \\|");
  for (std::sregex_iterator match(page.begin(), page.end(), heading), end; match != end; ++match) {
    if ((*match)[1].matched)
      section = (*match)[1] == "Lists" ? "" : (*match)[1].str() + ".";
    else
      known.insert(section + (*match)[2].str());
  }
  EXPECT_EQ(described, known);
  EXPECT_NE(Describe(Of("zones: {inside: any}")), text);
  EXPECT_NE(Describe(Of("zones: {inside: [10.0.0.0/9]}")), Describe(Of("zones: {inside: [10.0.0.0/8]}")));
  EXPECT_NE(Describe(Of("webhooks: [{name: a, url: \"https://a/\"}]")),
            Describe(Of("webhooks: [{name: a, url: \"https://a/\", owner: true}]")));
}

}  // namespace
}  // namespace spanwatch::config
