// IPv4 (RFC 791), IPv6 (RFC 8200), extension headers, AH (RFC 4302), and the choice of what follows. Used by Decoder.
#pragma once

#include "decode/frame.h"

namespace spanwatch::decode {

void DecodeIp(Frame& frame) noexcept;  // by the version nibble
void DecodeIpv4(Frame& frame) noexcept;
void DecodeIpv6(Frame& frame) noexcept;
void DecodeIpProtocol(Frame& frame) noexcept;
void DecodeIpv6Extension(Frame& frame) noexcept;
void DecodeAuthentication(Frame& frame) noexcept;

}  // namespace spanwatch::decode
