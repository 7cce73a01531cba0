// Frame: a packet on its way through the layers of the decoder: what is left of it, what comes next, what is known so
// far. Lives on the stack of Decoder::Decode. Each layer function reads its header from the front, and either advances
// and names the next layer, or fails.
#pragma once

#include <algorithm>

#include "decode/ip_reassembler.h"
#include "model/anomaly.h"
#include "model/packet.h"

namespace spanwatch::decode {

enum class Layer : std::uint8_t {
  kEthernet,
  kEtherType,
  kMpls,
  kPppoe,
  kPpp,
  kHdlc,
  kLinuxCooked,
  kLinuxCooked2,
  kNull,
  kIp,
  kIpv4,
  kIpv6,
  kIpProtocol,
  kIpv6Extension,
  kAuthentication,
  kFragment,
  kTcp,
  kUdp,
  kIcmp,
  kSctp,
  kGre,
  kVxlan,
  kGeneve,
  kGtpU,
  kDeliver,  // `packet` is complete
  kFailed,   // see `failure`
};

enum class Failure : std::uint8_t { kTruncated, kUnknown, kMalformed, kLayers };

struct Frame {
  AnomalySink& anomalies;
  DecodedPacket packet;      // of the innermost IP header so far
  ByteView bytes;            // not yet read, as captured
  std::uint32_t length = 0;  // the same on the wire: bytes.size() plus what the snap length cut
  Layer next = Layer::kFailed;
  Failure failure = Failure::kUnknown;
  std::uint16_t ether_type = 0;  // for kEtherType
  std::uint8_t ip_protocol = 0;  // for kIpProtocol
  Fragment fragment;             // for kFragment
  DecodedPacket tunnel;          // the innermost tunnel's own packet, when in_tunnel
  bool in_tunnel = false;
  // The owner function (capture/owner.h) reads no further than this: fragments from here on meet in one inspector, and
  // what they make stays with it.
  bool owner_decided = false;

  // REQUIRES: count <= bytes.size().
  void Advance(std::size_t count) {
    bytes = bytes.subspan(count);
    length -= static_cast<std::uint32_t>(count);
  }
  // Leaves at most `count` bytes, as a length field says; what follows is padding.
  void Cut(std::uint32_t count) {
    length = std::min(length, count);
    bytes = bytes.first(std::min<std::size_t>(bytes.size(), length));
  }
  void Fail(Failure why) {
    failure = why;
    next = Layer::kFailed;
  }
  void Deliver(Transport transport) {
    packet.transport = transport;
    packet.payload = bytes;
    packet.payload_length = length;
    next = Layer::kDeliver;
  }
  // What has been read is a tunnel's packet with the rest as its payload: handed over when the inside turns out
  // unusable.
  void EnterTunnel(Transport transport) {
    tunnel = packet;
    tunnel.transport = transport;
    tunnel.payload = bytes;
    tunnel.payload_length = length;
    in_tunnel = owner_decided = true;
  }
  void Push(Encapsulation encapsulation) {
    if (packet.encapsulation_count == packet.encapsulations.size()) return;
    packet.encapsulations[packet.encapsulation_count++] = encapsulation;
  }
};

}  // namespace spanwatch::decode
