// Link layers: Ethernet, VLAN tags, MPLS, PPPoE, PPP, Cisco HDLC, Linux cooked, null and loopback. Used by Decoder.
#pragma once

#include "decode/frame.h"

namespace spanwatch::decode {

// Whether frames of this link type (pcap-linktype(7)) are read. Also for whoever tells what is not.
bool ReadsLinkType(int link_type) noexcept;
// Names the first layer of a frame of this link type (pcap-linktype(7)), or fails.
void DecodeLinkType(Frame& frame, int link_type) noexcept;
void DecodeEthernet(Frame& frame) noexcept;
void DecodeEtherType(Frame& frame) noexcept;
void DecodeMpls(Frame& frame) noexcept;
void DecodePppoe(Frame& frame) noexcept;
void DecodePpp(Frame& frame) noexcept;
void DecodeHdlc(Frame& frame) noexcept;
void DecodeLinuxCooked(Frame& frame) noexcept;
void DecodeLinuxCooked2(Frame& frame) noexcept;
void DecodeNull(Frame& frame) noexcept;

}  // namespace spanwatch::decode
