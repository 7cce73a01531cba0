// A CorrelationStore in memory, for tests of rules: exact, unbounded, forgotten with the test.
#pragma once

#include <algorithm>
#include <map>

#include "model/verdict.h"

namespace spanwatch::test {

class MemoryCorrelationStore : public CorrelationStore {
 public:
  Result<std::uint64_t> Observe(const std::string& rule_id, const std::string& group_key,
                                std::span<const std::string> values, PacketTime time, Duration window) override {
    auto& group = groups_[{rule_id, group_key}];
    for (const std::string& value : values) {
      auto& latest = group.try_emplace(value, time).first->second;
      latest = std::max(latest, time);
    }
    PacketTime newest = PacketTime::min();
    for (const auto& [value, seen] : group) newest = std::max(newest, seen);
    return static_cast<std::uint64_t>(
        std::ranges::count_if(group, [&](const auto& entry) { return entry.second > newest - window; }));
  }

 private:
  std::map<std::pair<std::string, std::string>, std::map<std::string, PacketTime>> groups_;
};

}  // namespace spanwatch::test
