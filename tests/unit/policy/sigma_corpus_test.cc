// Real rules and real events of the public Sigma rule set (see support/shared_data.h): every event's rule is met by it,
// and every rule loads or is refused with file, line and a reason.
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "policy/rule_document.h"
#include "support/shared_data.h"

namespace spanwatch::policy {
namespace {

namespace fs = std::filesystem;

std::string TextOfFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

FlatEvent EventOf(const nlohmann::json& object) {
  FlatEvent event;
  for (const auto& [name, value] : object.items()) {
    auto& values = event.fields[name];
    if (value.is_string()) values.emplace_back(value.get<std::string>());
    if (value.is_boolean()) values.emplace_back(value.get<bool>());
    if (value.is_number_integer()) values.emplace_back(value.get<std::int64_t>());
    if (value.is_number_float()) values.emplace_back(value.get<double>());
    if (value.is_null()) values.emplace_back(std::monostate());
  }
  return event;
}

const fs::path kSigma = test::SharedData() / "sigma";

TEST(SigmaCorpus, EveryRecordedEventIsMetByItsRule) {
  std::ifstream lines(kSigma / "events.jsonl");
  if (!lines) GTEST_SKIP() << "no " << kSigma;
  std::size_t rules = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto entry = nlohmann::json::parse(line);
    const std::string path = entry["rule"];
    const fs::path file = fs::exists(kSigma / path) ? kSigma / path : kSigma / "rules" / path;
    const auto documents = ParseRuleDocuments(TextOfFile(file), path);
    ASSERT_TRUE(documents.has_value()) << documents.error().message;
    const auto* rule = std::get_if<DetectionRule>(&documents->front().body);
    ASSERT_NE(rule, nullptr) << path;
    const bool met =
        std::ranges::any_of(entry["events"], [&](const auto& event) { return rule->detection.Holds(EventOf(event)); });
    EXPECT_TRUE(met) << path;
    ++rules;
  }
  EXPECT_EQ(rules, 97u);
}

TEST(SigmaCorpus, RulesAreMetByFewOfTheOtherEvents) {
  std::ifstream lines(kSigma / "events.jsonl");
  if (!lines) GTEST_SKIP() << "no " << kSigma;
  std::vector<nlohmann::json> entries;
  for (std::string line; std::getline(lines, line);) entries.push_back(nlohmann::json::parse(line));
  std::size_t crossings = 0;
  for (const auto& entry : entries) {
    const std::string path = entry["rule"];
    const fs::path file = fs::exists(kSigma / path) ? kSigma / path : kSigma / "rules" / path;
    const auto documents = ParseRuleDocuments(TextOfFile(file), path);
    ASSERT_TRUE(documents.has_value());
    const auto& detection = std::get<DetectionRule>(documents->front().body).detection;
    for (const auto& other : entries) {
      if (other["rule"] == entry["rule"]) continue;
      if (std::ranges::any_of(other["events"], [&](const auto& event) { return detection.Holds(EventOf(event)); })) {
        std::printf("met too: %s by events of %s\n", path.c_str(), other["rule"].get<std::string>().c_str());
        ++crossings;
      }
    }
  }
  // Rules of the same behaviour do overlap; more than a few would mean that something matches everything.
  EXPECT_LE(crossings, 23u);
}

TEST(SigmaCorpus, EveryRuleLoadsOrIsRefusedForAReasonOutsideTheSpecification) {
  if (!fs::exists(kSigma / "rules")) GTEST_SKIP() << "no " << kSigma;
  std::size_t loaded = 0, refused = 0;
  for (const auto& entry : fs::recursive_directory_iterator(kSigma / "rules")) {
    if (entry.path().extension() != ".yml") continue;
    const std::string name = fs::relative(entry.path(), kSigma / "rules").string();
    const auto documents = ParseRuleDocuments(TextOfFile(entry.path()), name);
    if (documents) {
      ++loaded;
      continue;
    }
    ++refused;
    const std::string& reason = documents.error().message;
    EXPECT_TRUE(reason.starts_with(name + ":")) << reason;
    // Aggregations and timeframe of Sigma 1, or a condition that names what its rule does not define.
    const bool outside = reason.find("Sigma 2") != std::string::npos ||
                         reason.find("does not define") != std::string::npos ||
                         reason.find("no search identifier") != std::string::npos;
    EXPECT_TRUE(outside) << reason;
  }
  std::printf("%zu rules loaded, %zu refused\n", loaded, refused);
  EXPECT_GT(loaded, 1880u);
}

TEST(SigmaCorpus, EveryDocumentOfTheSpecificationLoads) {
  const fs::path folder = kSigma / "specification" / "tests" / "schema";
  if (!fs::exists(folder)) GTEST_SKIP() << "no " << folder;
  std::size_t documents_loaded = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".yml") continue;
    const auto documents = ParseRuleDocuments(TextOfFile(entry.path()), entry.path().filename().string());
    EXPECT_TRUE(documents.has_value()) << documents.error().message;
    ++documents_loaded;
  }
  EXPECT_EQ(documents_loaded, 12u);
}

}  // namespace
}  // namespace spanwatch::policy
