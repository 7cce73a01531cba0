#include "supervisor/flood_quarantine.h"

#include <xxhash.h>

#include <algorithm>

namespace spanwatch::supervisor {
namespace {

constexpr std::string_view kRuleId = "6b0f2d0e-5c1f-4c3a-9d55-6e3c5a1d00f1";
constexpr std::string_view kRuleName =
    "A registered item matches everywhere: quarantined, further alerts about it are held";

state::FollowedItem Followed(const SightedItem& item) { return {item.id, item.method, item.confidence}; }

std::uint64_t NumberOf(const IpAddress& address) { return XXH3_64bits(address.bytes.data(), address.length); }

}  // namespace

std::vector<SightedItem> FloodQuarantine::HeldOf(const Sighting& sighting) const {
  std::vector<SightedItem> held;
  for (const SightedItem& item : sighting.items) {
    if (table_.Find(Followed(item), sighting.time) != nullptr) held.push_back(item);
  }
  return held;
}

std::optional<QuarantineAlert> FloodQuarantine::OnSighting(const Sighting& sighting,
                                                           const std::vector<SightedItem>& held,
                                                           const Verdict& verdict) {
  if (verdict.authorised) return std::nullopt;
  std::vector<SightedItem> told = held;
  Severity severity = Severity::kInformational;
  for (const SightedItem& item : held) {
    severity = std::max(severity, table_.Find(Followed(item), sighting.time)->severity);
    table_.CountHeld(Followed(item));
  }
  Severity raised = Severity::kInformational;
  for (const RuleMatch& match : verdict.matches) raised = std::max(raised, match.severity);
  if (raised > Severity::kInformational) {
    const state::AlertedPlace place{sighting.flow.flow_id, NumberOf(sighting.flow.destination.address), sighting.time};
    for (const SightedItem& item : sighting.items) {
      const state::FollowedItem followed = Followed(item);
      if (table_.Find(followed, sighting.time) != nullptr) continue;
      if (!table_.Observe(followed, sighting.collection, raised, place)) continue;
      told.push_back(item);
      severity = std::max(severity, raised);
    }
  }
  if (told.empty()) return std::nullopt;
  QuarantineAlert alert{sighting, {}};
  alert.sighting.items = std::move(told);
  alert.verdict.matches.push_back({std::string(kRuleId),
                                   std::string(kRuleName),
                                   severity,
                                   true,
                                   0,
                                   {},
                                   {{"spanwatch.quarantine", "flood"}, {"spanwatch.collection", sighting.collection}}});
  return alert;
}

}  // namespace spanwatch::supervisor
