// Which addresses a webhook must not be led to by a name or a mistake: link-local, cloud metadata, unspecified,
// multicast. Loopback and private networks are allowed: receivers live there. Pure; safe from any thread.
#pragma once

#include "model/ip_address.h"

namespace spanwatch::alert {

// IPv6 addresses that carry an IPv4 address (mapped, NAT64) are judged by that one.
bool IsDeniedDestination(const IpAddress& address);

}  // namespace spanwatch::alert
