// ClassicBpf: runs a fan-out program in user space as the kernel runs it on a received Ethernet frame: negative offsets
// address the link layer or the ancillary data, the outermost VLAN tag has been stripped, a load beyond the frame
// returns 0.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.h"

namespace spanwatch::testing {

// What the kernel makes of a frame of the wire before the program sees it.
struct ReceivedFrame {
  Bytes link_layer;
  bool tag_stripped = false;
};
ReceivedFrame StripOutermostVlanTag(ByteView frame);

// The program's result; nothing when it is not one that the kernel would take (unknown instruction, jump beyond the
// end, scratch memory read before it is written, no return).
std::optional<std::uint32_t> RunClassicBpf(std::span<const sock_filter> program, const ReceivedFrame& frame);

}  // namespace spanwatch::testing
