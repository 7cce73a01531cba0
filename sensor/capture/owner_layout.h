// The numbers that the owner function shares with the BPF program that computes it: protocol values and hash factors.
#pragma once

#include <cstdint>

namespace spanwatch::capture {

// DLT_ values of libpcap on Linux (pcap-linktype(7)).
inline constexpr int kDltNull = 0, kDltEthernet = 1, kDltPpp = 9, kDltRaw = 12, kDltRawOpenBsd = 14, kDltPppSerial = 50,
                     kDltPppEther = 51, kDltHdlc = 104, kDltLoop = 108, kDltLinuxCooked = 113, kDltIpv4 = 228,
                     kDltIpv6 = 229, kDltLinuxCooked2 = 276;

inline constexpr std::uint32_t kVlanTypes[] = {0x8100, 0x88a8, 0x9100, 0x9200};
constexpr bool IsVlanType(std::uint32_t type) {
  return type == kVlanTypes[0] || type == kVlanTypes[1] || type == kVlanTypes[2] || type == kVlanTypes[3];
}
inline constexpr std::uint32_t kEtherTypeIpv4 = 0x0800, kEtherTypeIpv6 = 0x86dd, kEtherTypeMpls = 0x8847,
                               kEtherTypePppoe = 0x8864, kEtherTypeEthernet = 0x6558, kEtherTypeErspanTwo = 0x88be,
                               kEtherTypeErspanThree = 0x22eb;
inline constexpr std::uint32_t kPppIpv4 = 0x21, kPppIpv6 = 0x57;
inline constexpr std::uint32_t kProtocolIpv4 = 4, kProtocolUdp = 17, kProtocolIpv6 = 41, kProtocolGre = 47;
inline constexpr std::uint32_t kPortVxlan = 4789, kPortVxlanLinux = 8472, kPortGeneve = 6081, kPortGtpU = 2152;

// Odd constants; their products are taken modulo 2^32, as classic BPF computes.
inline constexpr std::uint32_t kFoldFactor = 0x01000193, kSumFactor = 0x9e3779b1, kXorFactor = 0x85ebca77,
                               kFinalFactor = 0xc2b2ae3d;

}  // namespace spanwatch::capture
