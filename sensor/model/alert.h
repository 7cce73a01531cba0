// Alert, AlertTransition, AlertStore: what a rule says about one or more sightings or transfers, over its life
// (design.md section 6). Made by `alert`, kept by `state`. Values own their content; no plate, pixel or payload byte is
// in one. Supervisor thread only.
#pragma once

#include <algorithm>
#include <span>

#include "model/sighting.h"
#include "model/verdict.h"

namespace spanwatch {

enum class AlertState : std::uint8_t { kOpened, kUpdated, kClosed };
template <>
inline constexpr std::size_t kCountOf<AlertState> = 3;

constexpr std::string_view ToString(AlertState state) {
  constexpr std::string_view kNames[] = {"opened", "updated", "closed"};
  static_assert(std::size(kNames) == kCountOf<AlertState>);
  return kNames[static_cast<std::size_t>(state)];
}

// Distinct numbers over the alert's life. `bytes`: of the objects that held registered material, or of the matched
// transfers, whichever is more (both may tell of the same bytes).
struct AlertTotals {
  std::uint64_t events = 0;
  std::uint64_t items = 0;
  std::uint64_t plates = 0;  // of the items: recognised by record
  std::uint64_t flows = 0;
  std::uint64_t destinations = 0;  // addresses
  std::uint64_t bytes = 0;
  friend bool operator==(const AlertTotals&, const AlertTotals&) = default;
};

struct AlertRule {
  std::string id;
  std::string name;
  Severity severity = Severity::kLow;
  bool rule_signed = false;
  std::uint64_t count = 0;  // correlations: the most it counted in a window
  std::vector<std::string> tags;
  bool muted = false;  // in each of its matches (RuleMatch::muted)
};

struct AlertExample {
  std::string event_id;
  std::string item;  // lower-case hex; empty for a transfer
  Method method = Method::kExact;
  Confidence confidence = Confidence::kWeak;
  Provenance provenance;
};

struct Alert {
  std::string id;  // hash of sensor, group and opening event: the same in every replay
  std::string sensor;
  std::vector<std::pair<std::string, std::string>> group;
  AlertState state = AlertState::kOpened;
  std::uint32_t transition = 1;                  // counts the transitions told; with `id` it is the idempotency key
  Severity severity = Severity::kInformational;  // the highest of its rules
  PacketTime opened;                             // packet time of the opening event
  PacketTime first;                              // packet times of the first and the last event
  PacketTime last;
  PacketTime told;  // packet time of the last transition
  std::string opening_event_id;
  std::string close_reason;      // "quiet", "operator", "end", "limit"; empty while open
  std::vector<AlertRule> rules;  // the one of the highest severity first
  AlertTotals totals;
  std::vector<std::string> collections;
  std::vector<Method> methods;  // best first
  bool authorised = true;       // every event was; one that was not makes it false
  std::string near_miss;        // the first reason given why an authorisation did not hold
  bool weak_only = true;        // no sure sighting in it
  bool untold = false;          // something was added since the last transition
  bool live = true;             // raised by a live sensor, whose packet time goes with the clock
  Endpoint source;              // of the opening event
  Endpoint destination;
  std::string server_name;
  std::string protocol;
  Crossing crossing = Crossing::kInternal;
  std::vector<AlertExample> examples;
};

// Whose sinks an alert is for (design.md section 2, Who is trusted): the operator's hear what no filter of theirs keeps
// from them, the owner's hear what signed rules say.
inline bool OperatorHears(const Alert& alert) {
  return alert.rules.empty() || std::ranges::any_of(alert.rules, [](const AlertRule& rule) { return !rule.muted; });
}
inline bool OwnerHears(const Alert& alert) { return std::ranges::any_of(alert.rules, &AlertRule::rule_signed); }

// Equal for equal groups only; also the order key of deliveries.
inline std::string GroupKey(const std::vector<std::pair<std::string, std::string>>& group) {
  std::string key;
  for (const auto& [field, value] : group) key += fmt::format("{}:{}={}:{};", field.size(), field, value.size(), value);
  return key;
}

// The same before and after a crash, so that a receiver can drop repeats (Standard Webhooks: no full stop in an id).
inline std::string IdempotencyKey(const Alert& alert) { return fmt::format("msg_{}_{}", alert.id, alert.transition); }

// One change that leaves the sensor: the alert as it is at that moment.
struct AlertTransition {
  PacketTime time;
  Alert alert;  // alert.state says which: opened, updated, closed
};

// Sets that are too large for the alert itself.
enum class AlertSet : std::uint8_t { kItems, kPlates, kFlows, kDestinations, kObjectBytes, kTransferBytes };

// Keeps alerts over restarts. Implemented by `state`; everything between Begin and Commit of a batch is kept or lost
// as a whole, with the outbox rows of its transitions.
class AlertStore {
 public:
  virtual ~AlertStore() = default;
  virtual Result<std::vector<Alert>> OpenAlerts() = 0;
  virtual Status Save(const Alert& alert) = 0;
  // Adds the values to one of the alert's sets; returns how many distinct values the set has now.
  virtual Result<std::uint64_t> AddDistinct(const std::string& alert_id, AlertSet set,
                                            std::span<const std::string> values) = 0;
  // `key` keeps the greatest amount it was given; returns the sum over all keys.
  virtual Result<std::uint64_t> AddAmount(const std::string& alert_id, AlertSet set, const std::string& key,
                                          std::uint64_t amount) = 0;
};

}  // namespace spanwatch
