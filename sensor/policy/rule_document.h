// RuleDocument: one YAML document of a rules folder, read: a Sigma detection rule, correlation or filter
// (specification 2.1). Public so that `rules check` and tests load documents one by one; Policy links them by id and
// name.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <variant>

#include "model/verdict.h"
#include "policy/detection.h"

namespace spanwatch::policy {

// Field names that alerts are grouped by, unless a rule's `spanwatch: {group_by: [...]}` says otherwise.
inline const std::vector<std::string> kDefaultGroupBy{"source.ip", "destination.ip", "spanwatch.collection"};

struct DetectionRule {
  Detection detection;
};

enum class CorrelationType : std::uint8_t {
  kEventCount,
  kValueCount,
  kTemporal,
  kTemporalOrdered,
  kValueSum,
  kValueAverage,
  kValuePercentile
};

struct CorrelationRule {
  CorrelationType type = CorrelationType::kEventCount;
  std::vector<std::string> rules;  // ids or names of other rules
  std::vector<std::string> group_by;
  std::map<std::string, std::map<std::string, std::string>> aliases;  // alias -> rule -> field
  Duration timespan{};
  std::vector<std::string> fields;                              // of value_* types
  std::vector<std::pair<std::string, std::int64_t>> condition;  // gt, gte, lt, lte, eq, neq; all must hold
  bool silences_rules = false;  // `generate: false`: the rules it counts raise no alert of their own

  bool Meets(std::uint64_t count) const;
};

struct FilterRule {
  std::vector<std::string> rules;  // ids or names; empty: any
  Detection detection;
};

struct RuleDocument {
  std::string file;
  int line = 1;
  std::string title;
  std::string id;
  std::string name;  // short reference of correlations
  Severity severity = Severity::kMedium;
  std::string status;
  std::vector<std::string> tags;
  std::vector<std::string> alert_group_by = kDefaultGroupBy;
  bool generates_alert = true;  // `spanwatch: {alert: false}`: only feeds correlations
  bool document_signed = false;
  std::variant<DetectionRule, CorrelationRule, FilterRule> body;
};

// Every document of one file's text. Refused whole with `file:line: reason`.
Result<std::vector<RuleDocument>> ParseRuleDocuments(const std::string& yaml, const std::string& file);
// `15m`, `24h`, `7d`, `1w`, `1M` (30 days), `30s`.
Result<Duration> ParseTimespan(std::string_view text);

}  // namespace spanwatch::policy
