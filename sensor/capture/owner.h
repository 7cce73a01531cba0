// The owner function (design.md section 2): which inspector a frame belongs to. It hashes the innermost address pair,
// unordered, without ports or VLAN, so that both directions of everything between two hosts meet in one inspector.
//
// `owner = hash % members`. The same function runs in the kernel as the classic BPF program of fanout_program.h, whose
// arithmetic is 32 bits wide; owner and program change together, and a test compares them over real captures.
// Looks through at most kMaxVlanTags tags, kMaxMplsLabels labels, PPPoE, and one tunnel header: VXLAN, GENEVE, GTP-U,
// GRE (IP, Ethernet, ERSPAN I-III), IP in IP, 6in4, an Ethernet pseudo-wire. A fragment is owned by the outermost pair.
// Once it is joined, OwnerHashOfDatagram says whose it would have been whole (inspector/handover.h).
// A frame without an address pair, or that ends before it, has hash 0. Pure functions, safe from any thread.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "model/ip_address.h"

namespace spanwatch::capture {

inline constexpr int kMaxVlanTags = 4;  // outside; as many again inside a tunnel
inline constexpr int kMaxMplsLabels = 4;
inline constexpr int kMaxGtpExtensions = 2;

// OwnerHash(a, b) == OwnerHash(b, a).
std::uint32_t OwnerHash(const IpAddress& a, const IpAddress& b);
// `link_type` is libpcap's DLT_ value; a link type that is not looked into gives 0.
std::uint32_t OwnerHashOfFrame(int link_type, ByteView frame);
// Of an IP datagram that is no fragment, by its header's fields and its content.
std::uint32_t OwnerHashOfDatagram(const IpAddress& source, const IpAddress& destination, std::uint8_t protocol,
                                  ByteView content);

}  // namespace spanwatch::capture
