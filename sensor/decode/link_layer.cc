#include "decode/link_layer.h"

#include <bit>

#include "base/byte_reader.h"
#include "telemetry/anomaly_codes.h"

namespace spanwatch::decode {
namespace {

// DLT_ values of libpcap on Linux, and the LINKTYPE_ values of raw IP in files (pcap-linktype(7)).
constexpr int kDltNull = 0, kDltEthernet = 1, kDltPpp = 9, kDltRaw = 12, kDltRawOpenBsd = 14, kDltPppSerial = 50,
              kDltPppEther = 51, kLinktypeRaw = 101, kDltHdlc = 104, kDltLoop = 108, kDltLinuxCooked = 113,
              kDltIpv4 = 228, kDltIpv6 = 229, kDltLinuxCooked2 = 276;

constexpr std::uint16_t kEtherTypeIpv4 = 0x0800, kEtherTypeIpv6 = 0x86dd, kEtherTypeVlan = 0x8100,
                        kEtherTypeProviderVlan = 0x88a8, kEtherTypeOldQinq = 0x9100, kEtherTypeOldQinq2 = 0x9200,
                        kEtherTypeMpls = 0x8847, kEtherTypeMplsMulticast = 0x8848, kEtherTypePppoe = 0x8864,
                        kEtherTypePpp = 0x880b, kEtherTypeBackbone = 0x88e7, kEtherTypeTransparentEthernet = 0x6558;
constexpr std::uint16_t kLongestEthernetLength = 1500;

// Control protocols that every network carries: no anomaly, only counted.
bool IsLinkControl(std::uint16_t ether_type) {
  switch (ether_type) {
    case 0x0806:
    case 0x8035:  // ARP, RARP
    case 0x8809:
    case 0x8902:
    case 0x88cc:  // slow protocols, connectivity fault management, LLDP
    case 0x888e:
    case 0x88f7:
    case 0x8863:  // 802.1X, PTP, PPPoE discovery
    case 0x9000:
      return true;  // loopback test
    default:
      return false;
  }
}

void FailUnknownType(Frame& frame) {
  if (!IsLinkControl(frame.ether_type)) frame.anomalies.OnAnomaly(AnomalyCode::packet_unknown_link);
  frame.Fail(Failure::kUnknown);
}

void GoToEtherType(Frame& frame, std::uint16_t ether_type) {
  frame.ether_type = ether_type;
  frame.next = Layer::kEtherType;
}

void GoToInnerEthernet(Frame& frame) {
  frame.owner_decided = true;
  frame.next = Layer::kEthernet;
}

// 802.3: a length instead of a type, then LLC (802.2), perhaps SNAP.
void DecodeLlc(Frame& frame, std::uint16_t length) {
  frame.owner_decided = true;
  frame.Cut(length);
  ByteReader reader(frame.bytes);
  const std::uint32_t llc = reader.U24Be();
  if (!reader.ok()) return frame.Fail(Failure::kTruncated);
  if (llc == 0x060603) {  // IP's own service access point
    frame.Advance(3);
    frame.next = Layer::kIp;
    return;
  }
  const std::uint32_t organisation = reader.U24Be();
  const std::uint16_t ether_type = reader.U16Be();
  if (llc != 0xaaaa03 || !reader.ok() || organisation != 0) return frame.Fail(Failure::kUnknown);  // spanning tree, CDP
  frame.Advance(reader.position());
  GoToEtherType(frame, ether_type);
}

void DecodeVlan(Frame& frame) {
  ByteReader reader(frame.bytes);
  const std::uint16_t tag = reader.U16Be();
  const std::uint16_t ether_type = reader.U16Be();
  if (!reader.ok()) return frame.Fail(Failure::kTruncated);
  auto& vlan = frame.packet.vlan;
  const std::uint16_t id = tag & 0x0fff;
  if (vlan[0] == 0) {
    vlan[0] = id;
  } else if (vlan[1] == 0) {
    vlan[1] = id;
  }
  frame.Push(Encapsulation::kVlan);
  frame.Advance(4);
  if (ether_type <= kLongestEthernetLength) return DecodeLlc(frame, ether_type);
  GoToEtherType(frame, ether_type);
}

// kFailed: not read.
Layer FirstLayer(int link_type) {
  switch (link_type) {
    case kDltEthernet:
      return Layer::kEthernet;
    case kDltLinuxCooked:
      return Layer::kLinuxCooked;
    case kDltLinuxCooked2:
      return Layer::kLinuxCooked2;
    case kDltNull:
    case kDltLoop:
      return Layer::kNull;
    case kDltPpp:
    case kDltPppSerial:
      return Layer::kPpp;
    case kDltPppEther:
      return Layer::kPppoe;
    case kDltHdlc:
      return Layer::kHdlc;
    case kDltRaw:
    case kDltRawOpenBsd:
    case kLinktypeRaw:
    case kDltIpv4:
    case kDltIpv6:
      return Layer::kIp;
    default:
      return Layer::kFailed;
  }
}

}  // namespace

bool ReadsLinkType(int link_type) noexcept { return FirstLayer(link_type) != Layer::kFailed; }

void DecodeLinkType(Frame& frame, int link_type) noexcept {
  frame.next = FirstLayer(link_type);
  if (frame.next == Layer::kIp) frame.Push(Encapsulation::kRawIp);
  if (frame.next != Layer::kFailed) return;
  frame.anomalies.OnAnomaly(AnomalyCode::packet_unknown_link);
  frame.Fail(Failure::kUnknown);
}

//  destination (6) | source (6) | type or length (2)
void DecodeEthernet(Frame& frame) noexcept {
  ByteReader reader(frame.bytes);
  reader.Skip(12);
  const std::uint16_t type = reader.U16Be();
  if (!reader.ok()) return frame.Fail(Failure::kTruncated);
  frame.Advance(14);
  if (type <= kLongestEthernetLength) return DecodeLlc(frame, type);
  GoToEtherType(frame, type);
}

void DecodeEtherType(Frame& frame) noexcept {
  switch (frame.ether_type) {
    case kEtherTypeIpv4:
      frame.next = Layer::kIpv4;
      return;
    case kEtherTypeIpv6:
      frame.next = Layer::kIpv6;
      return;
    case kEtherTypeVlan:
    case kEtherTypeProviderVlan:
    case kEtherTypeOldQinq:
    case kEtherTypeOldQinq2:
      return DecodeVlan(frame);
    case kEtherTypeMpls:
    case kEtherTypeMplsMulticast:
      frame.next = Layer::kMpls;
      return;
    case kEtherTypePppoe:
      frame.next = Layer::kPppoe;
      return;
    case kEtherTypePpp:  // seen in GRE of version 0
      frame.next = Layer::kPpp;
      return;
    case kEtherTypeTransparentEthernet:
      GoToInnerEthernet(frame);
      return;
    case kEtherTypeBackbone:  // 802.1ah: a service tag, then the customer's frame
      if (frame.bytes.size() < 4) return frame.Fail(Failure::kTruncated);
      frame.Advance(4);
      GoToInnerEthernet(frame);
      return;
    default:
      FailUnknownType(frame);
  }
}

// One label (RFC 3032): label (20 bits) | traffic class (3) | bottom of stack (1) | time to live (8)
void DecodeMpls(Frame& frame) noexcept {
  ByteReader reader(frame.bytes);
  const std::uint32_t entry = reader.U32Be();
  const std::uint8_t first = reader.U8();
  if (!reader.ok()) return frame.Fail(Failure::kTruncated);
  const bool outermost = frame.packet.encapsulation_count == 0 ||
                         frame.packet.encapsulations[frame.packet.encapsulation_count - 1u] != Encapsulation::kMpls;
  if (outermost) frame.Push(Encapsulation::kMpls);  // one word for the whole stack
  frame.Advance(4);
  if ((entry & 0x100) == 0) return;  // the next label
  if (first >> 4 == 4 || first >> 4 == 6) {
    frame.next = Layer::kIp;
    return;
  }
  // A pseudo-wire (RFC 4448), with its control word when the first nibble is 0.
  if (first >> 4 == 0 && frame.bytes.size() >= 4) frame.Advance(4);
  GoToInnerEthernet(frame);
}

// Session stage (RFC 2516): version and type | code | session (2) | length (2)
void DecodePppoe(Frame& frame) noexcept {
  ByteReader reader(frame.bytes);
  reader.Skip(4);  // an odd code does not hide what is inside
  const std::uint16_t length = reader.U16Be();
  if (!reader.ok()) return frame.Fail(Failure::kTruncated);
  frame.Advance(6);
  frame.Cut(length);
  frame.Push(Encapsulation::kPppoe);
  frame.next = Layer::kPpp;
}

// RFC 1661, RFC 1662: address and control may be left out, the protocol may be one byte when it is odd.
void DecodePpp(Frame& frame) noexcept {
  const bool within_pppoe = frame.packet.encapsulation_count > 0 &&
                            frame.packet.encapsulations[frame.packet.encapsulation_count - 1u] == Encapsulation::kPppoe;
  if (!within_pppoe) frame.Push(Encapsulation::kPpp);
  ByteReader reader(frame.bytes);
  std::uint32_t protocol = reader.U8();
  if (protocol == 0xff) {
    reader.Skip(1);
    protocol = reader.U8();
  }
  if ((protocol & 1) == 0) protocol = protocol << 8 | reader.U8();
  if (!reader.ok()) return frame.Fail(Failure::kTruncated);
  frame.Advance(reader.position());
  switch (protocol) {
    case 0x0021:
      frame.next = Layer::kIpv4;
      return;
    case 0x0057:
      frame.next = Layer::kIpv6;
      return;
    case 0x0281:
      frame.owner_decided = true;
      frame.next = Layer::kMpls;
      return;
    default:
      frame.Fail(Failure::kUnknown);  // link control, authentication, compressed data
  }
}

// address | control | EtherType (2)
void DecodeHdlc(Frame& frame) noexcept {
  ByteReader reader(frame.bytes);
  reader.Skip(2);
  const std::uint16_t type = reader.U16Be();
  if (!reader.ok()) return frame.Fail(Failure::kTruncated);
  frame.Push(Encapsulation::kHdlc);
  frame.Advance(4);
  GoToEtherType(frame, type);
}

// packet type (2) | device type (2) | address length (2) | address (8) | protocol (2)
void DecodeLinuxCooked(Frame& frame) noexcept {
  ByteReader reader(frame.bytes);
  reader.Skip(14);
  const std::uint16_t protocol = reader.U16Be();
  if (!reader.ok()) return frame.Fail(Failure::kTruncated);
  frame.Push(Encapsulation::kLinuxCooked);
  frame.Advance(16);
  GoToEtherType(frame, protocol);
}

// protocol (2) | reserved (2) | interface (4) | device type (2) | packet type | address length | address (8)
void DecodeLinuxCooked2(Frame& frame) noexcept {
  ByteReader reader(frame.bytes);
  const std::uint16_t protocol = reader.U16Be();
  reader.Skip(18);
  if (!reader.ok()) return frame.Fail(Failure::kTruncated);
  frame.Push(Encapsulation::kLinuxCooked);
  frame.Advance(20);
  GoToEtherType(frame, protocol);
}

// The address family of the machine that captured, in its byte order: 2 is IPv4, and each BSD numbers IPv6 differently.
void DecodeNull(Frame& frame) noexcept {
  ByteReader reader(frame.bytes);
  std::uint32_t family = reader.U32Be();
  if (!reader.ok()) return frame.Fail(Failure::kTruncated);
  if (family > 0xffff) family = std::byteswap(family);
  frame.Push(Encapsulation::kNullLoopback);
  frame.Advance(4);
  switch (family) {
    case 2:
      frame.next = Layer::kIpv4;
      return;
    case 10:
    case 24:
    case 28:
    case 30:
      frame.next = Layer::kIpv6;
      return;
    default:
      if (family > kLongestEthernetLength) return GoToEtherType(frame, static_cast<std::uint16_t>(family));
      frame.Fail(Failure::kUnknown);
  }
}

}  // namespace spanwatch::decode
