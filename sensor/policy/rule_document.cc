#include "policy/rule_document.h"

#include <algorithm>
#include <charconv>

#include "policy/document_place.h"

namespace spanwatch::policy {
namespace {

constexpr std::size_t kDocumentsMax = 10'000;

std::vector<std::string> TextsIn(const YAML::Node& node) {
  std::vector<std::string> texts;
  if (node && node.IsScalar()) texts.push_back(node.Scalar());
  if (node && node.IsSequence()) {
    for (const auto& entry : node) {
      if (entry.IsScalar()) texts.push_back(entry.Scalar());
    }
  }
  return texts;
}

Result<Severity> ParseLevel(const DocumentPlace& place) {
  const std::string& level = place.node.Scalar();
  for (const Severity severity : Enumerators<Severity>()) {
    if (ToString(severity) == level) return severity;
  }
  return place.Refuse(fmt::format("level '{}' is not one of informational, low, medium, high, critical", level));
}

Result<CorrelationRule> ParseCorrelation(const DocumentPlace& place) {
  constexpr std::pair<const char*, CorrelationType> kTypes[] = {
      {"event_count", CorrelationType::kEventCount},
      {"value_count", CorrelationType::kValueCount},
      {"temporal", CorrelationType::kTemporal},
      {"temporal_ordered", CorrelationType::kTemporalOrdered},
      {"value_sum", CorrelationType::kValueSum},
      {"value_avg", CorrelationType::kValueAverage},
      {"value_percentile", CorrelationType::kValuePercentile}};
  const YAML::Node& node = place.node;
  CorrelationRule rule;
  const std::string type = node["type"] ? node["type"].Scalar() : "";
  const auto known = std::ranges::find_if(kTypes, [&](const auto& entry) { return type == entry.first; });
  if (known == std::end(kTypes)) return place.Refuse(fmt::format("'{}' is not a correlation type", type));
  rule.type = known->second;
  rule.rules = TextsIn(node["rules"]);
  if (rule.rules.empty()) return place.Refuse("the correlation names no rules");
  rule.group_by = TextsIn(node["group-by"]);
  const auto timespan = ParseTimespan(node["timespan"] ? node["timespan"].Scalar() : "");
  if (!timespan) return place.Refuse(timespan.error().message);
  rule.timespan = *timespan;
  if (const YAML::Node aliases = node["aliases"]; aliases && aliases.IsMap()) {
    for (const auto& alias : aliases) {
      for (const auto& field : alias.second)
        rule.aliases[alias.first.Scalar()][field.first.Scalar()] = field.second.Scalar();
    }
  }
  if (const YAML::Node condition = node["condition"]; condition && condition.IsMap()) {
    for (const auto& pair : condition) {
      const std::string name = pair.first.Scalar();
      if (name == "field") {
        rule.fields = TextsIn(pair.second);
        continue;
      }
      std::int64_t number = 0;
      const std::string& text = pair.second.Scalar();
      if (std::from_chars(text.data(), text.data() + text.size(), number).ec != std::errc() ||
          (name != "gt" && name != "gte" && name != "lt" && name != "lte" && name != "eq" && name != "neq")) {
        return DocumentPlace{place.file, pair.second}.Refuse(
            fmt::format("'{}: {}' is no condition of a correlation", name, text));
      }
      rule.condition.emplace_back(name, number);
    }
  }
  const bool temporal = rule.type == CorrelationType::kTemporal || rule.type == CorrelationType::kTemporalOrdered;
  if (rule.condition.empty() && !temporal) return place.Refuse("the correlation has no condition");
  const bool counts_values = !temporal && rule.type != CorrelationType::kEventCount;
  if (counts_values && rule.fields.empty()) return place.Refuse("the condition of the correlation needs a 'field'");
  return rule;
}

Status ParseOwnAttributes(RuleDocument& document, const DocumentPlace& place) {
  for (const auto& pair : place.node) {
    const std::string key = pair.first.Scalar();
    if (key == "group_by") {
      document.alert_group_by = TextsIn(pair.second);
    } else if (key == "alert") {
      document.generates_alert = pair.second.Scalar() != "false";
    } else {
      return DocumentPlace{place.file, pair.second}.Refuse(
          fmt::format("unknown key 'spanwatch.{}'; there are group_by and alert", key));
    }
  }
  return {};
}

Result<RuleDocument> ParseDocument(const DocumentPlace& place) {
  const YAML::Node& node = place.node;
  if (!node.IsMap()) return place.Refuse("a rule is a mapping with 'title' and 'detection', 'correlation' or 'filter'");
  RuleDocument document;
  document.file = place.file;
  document.line = node.Mark().line + 1;
  const auto text = [&](const char* key) {
    return node[key] && node[key].IsScalar() ? node[key].Scalar() : std::string();
  };
  document.title = text("title");
  document.id = text("id");
  document.name = text("name");
  document.status = text("status");
  if (document.title.empty()) return place.Refuse("the rule has no title");
  document.tags = TextsIn(node["tags"]);
  if (node["level"]) {
    const auto level = ParseLevel({place.file, node["level"]});
    if (!level) return Fail(level.error());
    document.severity = *level;
  }
  if (const YAML::Node own = node["spanwatch"]; own && own.IsMap()) {
    if (Status status = ParseOwnAttributes(document, {place.file, own}); !status) return Fail(status.error());
  }
  if (node["correlation"]) {
    auto correlation = ParseCorrelation({place.file, node["correlation"]});
    if (!correlation) return Fail(correlation.error());
    correlation->silences_rules = text("generate") == "false";
    document.body = std::move(*correlation);
    return document;
  }
  const char* section = node["filter"] ? "filter" : "detection";
  if (!node[section]) return place.Refuse("the rule has neither 'detection', 'correlation' nor 'filter'");
  auto detection = Detection::Parse(node[section], place.file);
  if (!detection) return Fail(detection.error());
  if (node["filter"]) {
    auto rules = TextsIn(node["filter"]["rules"]);
    if (rules.size() == 1 && rules.front() == "any") rules.clear();
    document.body = FilterRule{std::move(rules), std::move(*detection)};
  } else {
    document.body = DetectionRule{std::move(*detection)};
  }
  return document;
}

}  // namespace

bool CorrelationRule::Meets(std::uint64_t count) const {
  const auto number = static_cast<std::int64_t>(count);
  if (condition.empty()) return count >= rules.size();  // temporal: every rule was met
  return std::ranges::all_of(condition, [&](const auto& entry) {
    const auto& [name, bound] = entry;
    if (name == "gt") return number > bound;
    if (name == "gte") return number >= bound;
    if (name == "lt") return number < bound;
    if (name == "lte") return number <= bound;
    return name == "eq" ? number == bound : number != bound;
  });
}

Result<Duration> ParseTimespan(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, text.data() + text.size());
  constexpr std::pair<const char*, std::int64_t> kUnits[] = {{"s", 1},      {"m", 60},      {"h", 3600},
                                                             {"d", 86'400}, {"w", 604'800}, {"M", 2'592'000}};
  for (const auto& [name, seconds] : kUnits) {
    if (error == std::errc() && unit == name && number > 0 && number <= 100'000)
      return std::chrono::seconds(number * seconds);
  }
  return Fail(ErrorCode::kInvalid, "'{}' is not a timespan; write it like 15m, 24h or 7d", text);
}

Result<std::vector<RuleDocument>> ParseRuleDocuments(const std::string& yaml, const std::string& file) {
  std::vector<RuleDocument> documents;
  try {
    for (const YAML::Node& node : YAML::LoadAll(yaml)) {
      if (node.IsNull()) continue;
      if (documents.size() == kDocumentsMax)
        return Fail(ErrorCode::kLimit, "{}: more than {} rules", file, kDocumentsMax);
      auto document = ParseDocument({file, node});
      if (!document) return Fail(document.error());
      documents.push_back(std::move(*document));
    }
  } catch (const YAML::Exception& error) {
    return Fail(ErrorCode::kInvalid, "{}:{}: not YAML: {}", file, error.mark.line + 1, error.msg);
  }
  return documents;
}

}  // namespace spanwatch::policy
