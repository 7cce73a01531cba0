// Detection: the `detection` section of a Sigma rule (or the `filter` section of a filter): search identifiers and
// condition, compiled; says whether a flat event meets it. Made when rules load, then only read.
//
// Modifiers: contains, startswith, endswith, all, re (i, m, s), cidr, lt, lte, gt, gte, exists, cased, neq, fieldref,
// windash, wide, utf16, utf16le, utf16be, base64, base64offset, expand.
#pragma once

#include <yaml-cpp/yaml.h>

#include <memory>

#include "policy/condition.h"
#include "policy/value_pattern.h"

namespace spanwatch::policy {

// One `field|modifiers: values` line, or a keyword list (no field: any value of the event may hold it).
struct DetectionItem {
  std::string field;
  std::vector<ValuePattern> patterns;
  std::vector<std::string> other_fields;  // fieldref
  bool all = false;                       // every pattern must hold, not one
  bool negated = false;                   // neq
  std::optional<bool> exists;
  ValuePattern::TextOptions reference_options;

  bool Holds(const FlatEvent& event) const;
  // As those of Detection.
  void CountKeys(EventKeyCounts& counts) const;
  Requirement Requires(const EventKeyCounts& counts) const;
};

class Detection {
 public:
  // `where` begins messages: the file's name. The node is the mapping under `detection`.
  static Result<Detection> Parse(const YAML::Node& node, const std::string& where);
  bool Holds(const FlatEvent& event) const;
  // Counts every key that a pattern asks for.
  void CountKeys(EventKeyCounts& counts) const;
  // What an event must have to meet it; where there is a choice, the keys that the fewest rules ask for. The keys refer
  // to this object.
  Requirement Requires(const EventKeyCounts& counts) const;

 private:
  // Any alternative holds; an alternative holds when all its items do.
  struct SearchIdentifier {
    std::vector<std::vector<DetectionItem>> alternatives;
    bool Holds(const FlatEvent& event) const;
    Requirement Requires(const EventKeyCounts& counts) const;
  };

  std::vector<SearchIdentifier> identifiers_;
  std::vector<Condition> conditions_;  // any
};

}  // namespace spanwatch::policy
