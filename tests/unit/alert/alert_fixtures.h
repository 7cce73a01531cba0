// What the alert's tests share: a store in memory, and made-up sightings and verdicts.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "alert/alert_book.h"

namespace spanwatch::alert {

using namespace std::chrono_literals;

inline PacketTime At(Duration since_start) {
  return PacketTime(std::chrono::sys_days(std::chrono::year(2019) / 5 / 13)) + since_start;
}

inline ItemId Item(std::uint32_t number) {
  ItemId id{};
  for (std::size_t i = 0; i < 4; ++i) id[i] = static_cast<std::uint8_t>(number >> (8 * i));
  return id;
}

// AlertStore without a file: what a book saved is what the next book loads.
class MemoryAlertStore : public AlertStore {
 public:
  Result<std::vector<Alert>> OpenAlerts() override {
    std::vector<Alert> open;
    for (const auto& [id, alert] : alerts) {
      if (alert.state != AlertState::kClosed) open.push_back(alert);
    }
    return open;
  }
  Status Save(const Alert& alert) override {
    ++saves;
    alerts[alert.id] = alert;
    return {};
  }
  Result<std::uint64_t> AddDistinct(const std::string& id, AlertSet set, std::span<const std::string> values) override {
    for (const auto& value : values) amounts[{id, set}].emplace(value, 1);
    return amounts[{id, set}].size();
  }
  Result<std::uint64_t> AddAmount(const std::string& id, AlertSet set, const std::string& key,
                                  std::uint64_t amount) override {
    auto& kept = amounts[{id, set}][key];
    kept = std::max(kept, amount);
    std::uint64_t sum = 0;
    for (const auto& [name, value] : amounts[{id, set}]) sum += value;
    return sum;
  }

  std::map<std::string, Alert> alerts;
  std::map<std::pair<std::string, AlertSet>, std::map<std::string, std::uint64_t>> amounts;
  int saves = 0;
};

inline Sighting MakeSighting(PacketTime time, std::uint64_t flow, std::vector<std::uint32_t> items,
                             Method method = Method::kExact) {
  Sighting sighting;
  sighting.time = time;
  sighting.flow.flow_id = flow;
  sighting.flow.source = {*ParseIpAddress("10.20.0.9"), 51514};
  sighting.flow.destination = {*ParseIpAddress("198.51.100.7"), 443};
  sighting.flow.crossing = Crossing::kEgress;
  sighting.flow.facts.protocol = "http";
  sighting.object_id = 1;
  sighting.object_size = 1000;
  sighting.collection = "lanes";
  sighting.provenance = {"http POST /up", "zip lane3/AAA9999_1.jpg"};
  sighting.method = method;
  for (const std::uint32_t number : items) sighting.items.push_back({.id = Item(number), .method = method});
  return sighting;
}

inline RuleMatch MakeMatch(const std::string& rule, Severity severity, const std::string& source = "10.20.0.9") {
  return {.rule_id = rule,
          .rule_name = "Rule " + rule,
          .severity = severity,
          .rule_signed = true,
          .count = 0,
          .tags = {},
          .group = {{"source.ip", source}}};
}

inline Verdict MakeVerdict(std::vector<RuleMatch> matches) {
  Verdict verdict;
  verdict.matches = std::move(matches);
  return verdict;
}

}  // namespace spanwatch::alert
