// RuleIndex: which of many detections an event may meet. Each detection is filed under keys of which any event that
// meets it has one (Detection::Requires), those that the fewest rules ask for; an event is then judged by the
// detections that are filed under its own keys, and by the few that ask for nothing in particular.
//
// Made when rules load, then only read; one thread.
#pragma once

#include <array>
#include <unordered_map>
#include <vector>

#include "policy/detection.h"

namespace spanwatch::policy {

class RuleIndex {
 public:
  RuleIndex() = default;  // empty
  // `detections[i]` is that of number i, or null. They outlive the index and stay where they are.
  explicit RuleIndex(const std::vector<const Detection*>& detections);

  // Numbers of the detections that the event may meet, ascending; it meets none of the others.
  std::vector<std::uint32_t> Candidates(const FlatEvent& event) const;

 private:
  using Numbers = std::vector<std::uint32_t>;
  struct Field {
    std::array<bool, 4> asks{};  // by EventKeyKind
    bool Asks(EventKeyKind kind) const { return asks[static_cast<std::size_t>(kind)]; }
  };

  void Add(const EventKey& key, std::uint32_t number);
  void Collect(const EventKey& key, Numbers& found) const;
  void CollectValue(const Field& field, std::string_view name, const EventValue& value, Numbers& found) const;

  std::unordered_map<std::string_view, Field> fields_;
  Field any_field_;
  std::unordered_map<std::uint64_t, Numbers> numbers_;  // by hash of a key
  Numbers always_;
};

}  // namespace spanwatch::policy
