// Authorisations: standing permissions of the data owner, data apart from the rules (design.md section 6): collection,
// source, destination, protocol, schedule, expiry, reference. A match in all of them makes a sighting authorized; it is
// recorded all the same. Made when rules load, then only read.
//
//   authorisations:
//     - name: nightly-upload
//       reference: TICKET-1234
//       collections: [poe-anzalduas-lanes]        # or [any]
//       sources: [10.20.0.9, 10.20.1.0/24]
//       destinations: [203.0.113.10]
//       protocols: [http, tls]                    # of network.protocol; left out: any
//       schedule: {days: [mon, tue], from: "01:00", until: "05:00"}   # UTC; left out: always
//       not_before: 2019-01-01
//       expires: 2020-01-01                       # required: a permission without an end is none
#pragma once

#include <optional>

#include "model/ip_address.h"
#include "model/verdict.h"

namespace spanwatch::policy {

struct Schedule {
  std::uint8_t days = 0x7f;  // bit 0 is Monday
  std::chrono::minutes from{0};
  std::chrono::minutes until{24 * 60};  // before `from`: over midnight
  bool Covers(PacketTime time) const;
};

struct Authorisation {
  std::string name;
  std::string reference;
  std::vector<std::string> collections;
  std::vector<Network> sources;
  std::vector<Network> destinations;
  std::vector<std::string> protocols;
  Schedule schedule;
  PacketTime not_before = PacketTime::min();
  PacketTime expires = PacketTime::max();
  bool authorisation_signed = false;

  // Nothing: it permits the event. Else the first that does not agree of "collection", "destination", "source",
  // "protocol", "not-yet-valid", "expired", "schedule".
  std::optional<std::string> Disagrees(const FlatEvent& event) const;
};

// Refused whole with `file:line: reason`.
Result<std::vector<Authorisation>> ParseAuthorisations(const std::string& yaml, const std::string& file);

}  // namespace spanwatch::policy
