// What the policy says of an event, and the store its correlations count in. Supervisor thread only.
#pragma once

#include <span>

#include "base/enumeration.h"
#include "model/event.h"

namespace spanwatch {

enum class Severity : std::uint8_t { kInformational, kLow, kMedium, kHigh, kCritical };  // Sigma `level`
template <>
inline constexpr std::size_t kCountOf<Severity> = 5;

constexpr std::string_view ToString(Severity severity) {
  constexpr std::string_view kNames[] = {"informational", "low", "medium", "high", "critical"};
  static_assert(std::size(kNames) == kCountOf<Severity>);
  return kNames[static_cast<std::size_t>(severity)];
}

// One rule (detection or correlation) that an event met.
struct RuleMatch {
  std::string rule_id;
  std::string rule_name;
  Severity severity = Severity::kLow;
  bool rule_signed = false;
  std::uint64_t count = 0;  // correlations: events or distinct values in the window
  std::vector<std::string> tags;
  // Alert grouping: rule's `spanwatch.group_by` fields with this event's values; alerts of equal groups are one.
  std::vector<std::pair<std::string, std::string>> group;
  bool muted = false;  // signed, but what nobody has signed keeps it from the operator's sinks
};

struct AuthorisationMatch {
  std::string reference;  // ticket or contract
  std::string name;
  bool authorisation_signed = false;
};

struct Verdict {
  std::vector<RuleMatch> matches;
  bool authorised = false;
  std::vector<AuthorisationMatch> authorisations;
  std::string near_miss;  // why an authorisation for this destination did not hold: "wrong-source", "expired"
};

// Counts for correlations over sliding windows of packet time, kept over restarts. Implemented by `state`.
class CorrelationStore {
 public:
  virtual ~CorrelationStore() = default;
  // Notes `values` for (rule, group) at `time` (idempotent: a value keeps its latest time) and returns how many
  // distinct values lie in (latest time - window, latest time].
  virtual Result<std::uint64_t> Observe(const std::string& rule_id, const std::string& group_key,
                                        std::span<const std::string> values, PacketTime time, Duration window) = 0;
};

}  // namespace spanwatch
