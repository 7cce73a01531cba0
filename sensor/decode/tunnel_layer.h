// Tunnels: GRE (RFC 2784, RFC 2890) with ERSPAN I-III and PPTP's variant (RFC 2637), VXLAN (RFC 7348), GENEVE (RFC
// 8926), GTP-U (3GPP TS 29.281). Used by Decoder, after Frame::EnterTunnel.
#pragma once

#include "decode/frame.h"

namespace spanwatch::decode {

void DecodeGre(Frame& frame) noexcept;
void DecodeVxlan(Frame& frame) noexcept;
void DecodeGeneve(Frame& frame) noexcept;
void DecodeGtpU(Frame& frame) noexcept;

}  // namespace spanwatch::decode
