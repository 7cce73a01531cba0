// Zones: which side of the boundary an address is on, and what a byte crosses (design.md section 1, section 9.7).
// Built once from configuration or --inside, then only read; safe from any thread.
#pragma once

#include <vector>

#include "base/enumeration.h"
#include "model/ip_address.h"

namespace spanwatch {

// What the bytes of one direction of a flow cross. kEgress leaves `inside`; kIngress enters it.
enum class Crossing : std::uint8_t { kInternal, kEgress, kIngress, kExternal };
template <>
inline constexpr std::size_t kCountOf<Crossing> = 4;

constexpr std::string_view ToString(Crossing crossing) {
  switch (crossing) {
    case Crossing::kInternal:
      return "internal";
    case Crossing::kEgress:
      return "outbound";  // ECS network.direction
    case Crossing::kIngress:
      return "inbound";
    case Crossing::kExternal:
      return "external";
  }
  return "internal";
}

class Zones {
 public:
  // Default inside: RFC 1918, fc00::/7 and 100.64.0.0/10.
  static Zones Default() {
    Zones zones;
    for (const char* text : {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "100.64.0.0/10"}) {
      zones.inside_.push_back(*ParseNetwork(text));
    }
    return zones;
  }
  // `--inside any`: every byte counts as egress.
  static Zones Any() {
    Zones zones;
    zones.any_ = true;
    return zones;
  }
  static Zones Inside(std::vector<Network> networks) {
    Zones zones;
    zones.inside_ = std::move(networks);
    return zones;
  }

  bool any() const { return any_; }
  const std::vector<Network>& inside() const { return inside_; }
  bool IsInside(const IpAddress& address) const {
    return std::ranges::any_of(inside_, [&](const Network& network) { return network.Contains(address); });
  }
  Crossing CrossingOf(const IpAddress& source, const IpAddress& destination) const {
    if (any_) return Crossing::kEgress;
    const bool from = IsInside(source);
    const bool to = IsInside(destination);
    if (from) return to ? Crossing::kInternal : Crossing::kEgress;
    return to ? Crossing::kIngress : Crossing::kExternal;
  }

 private:
  std::vector<Network> inside_;
  bool any_ = false;
};

}  // namespace spanwatch
