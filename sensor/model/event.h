// FlatEvent: an event as the policy sees it, field names to values. Any flat event will do, ours included: the
// supervisor flattens its ECS document, tests flatten other products' events.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/time.h"

namespace spanwatch {

using EventValue = std::variant<std::monostate, bool, std::int64_t, double, std::string>;  // monostate: null

// Owns its content. A field with several values (an ECS array) holds them all; a rule is met when one of them is.
struct FlatEvent {
  std::string id;   // event.id: idempotency key of everything counted from it
  PacketTime time;  // packet time
  std::unordered_map<std::string, std::vector<EventValue>> fields;

  const std::vector<EventValue>* Find(const std::string& name) const {
    const auto found = fields.find(name);
    return found == fields.end() ? nullptr : &found->second;
  }
};

}  // namespace spanwatch
