// CommunityId: the flow hash that other tools of the field print too, so that events can be joined with theirs.
// Community ID Flow Hashing version 1, seed 0 (github.com/corelight/community-id-spec). Pure; safe from any thread.
//
// Of ICMP echo a FlowInfo knows the identifier in both ports instead of type and code; such a flow is hashed as an echo
// request of the client. Type 3 code 3 (port unreachable) is taken for what it is rather than for identifier 3.
#pragma once

#include <string>

#include "model/flow.h"

namespace spanwatch::flow {

// "1:" and the SHA-1 in base64. Empty when the flow has no addresses.
std::string CommunityId(const FlowInfo& info);

// The same of bare values; ICMP: type and code in the ports.
std::string CommunityId(const Endpoint& source, const Endpoint& destination, std::uint8_t ip_protocol);

}  // namespace spanwatch::flow
