// The owner function (owner.h) as a classic BPF program for PACKET_FANOUT_CBPF. Made by whoever sets up the fan-out
// group.
//
// The program reduces modulo `members` by itself: the kernel's own reduction would change with the number of live
// members. Offsets are relative to SKF_LL_OFF, since offset 0 is the network header on received frames. The kernel has
// stripped the outermost VLAN tag. A load beyond the frame makes the program return 0, like the owner function's hash.
#pragma once

#include <linux/filter.h>

#include <span>
#include <vector>

#include "base/result.h"

namespace spanwatch::capture {

// `member_of_bucket`, when given, has `members` entries: the kernel's index of the socket that serves each bucket. It
// is needed after the interface went down and up, which renumbers the members. Fails for a link type other than
// Ethernet and raw IP, for no member at all, and for a table of another length.
Result<std::vector<sock_filter>> BuildFanoutProgram(int link_type, std::uint32_t members,
                                                    std::span<const std::uint32_t> member_of_bucket = {});

}  // namespace spanwatch::capture
