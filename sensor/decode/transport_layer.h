// TCP (RFC 9293), UDP (RFC 768), ICMP (RFC 792, RFC 4443), SCTP (RFC 9260). Used by Decoder.
#pragma once

#include "decode/frame.h"

namespace spanwatch::decode {

void DecodeTcp(Frame& frame) noexcept;
// Goes on into VXLAN, GENEVE and GTP-U by their ports.
void DecodeUdp(Frame& frame) noexcept;
void DecodeIcmp(Frame& frame) noexcept;
void DecodeSctp(Frame& frame) noexcept;

}  // namespace spanwatch::decode
