#include "decode/ip_layer.h"

#include "base/byte_reader.h"
#include "decode/internet_checksum.h"
#include "telemetry/anomaly_codes.h"

namespace spanwatch::decode {
namespace {

// IANA protocol numbers.
constexpr std::uint8_t kHopByHop = 0, kIcmp = 1, kIpv4InIp = 4, kTcp = 6, kUdp = 17, kIpv6InIp = 41, kRouting = 43,
                       kFragmentHeader = 44, kGre = 47, kAuthenticationHeader = 51, kIcmpv6 = 58,
                       kDestinationOptions = 60, kSctp = 132, kMobility = 135, kHostIdentity = 139, kShim6 = 140;

void SetAddresses(DecodedPacket& packet, ByteView source, ByteView destination) {
  packet.source = {IpAddress::From(source), 0};
  packet.destination = {IpAddress::From(destination), 0};
}

void GoToProtocol(Frame& frame, std::uint8_t protocol) {
  frame.ip_protocol = protocol;
  frame.packet.ip_protocol = protocol;
  frame.next = Layer::kIpProtocol;
}

// What stands after the header up to the length it gives; a longer length than the frame's is told, the frame's counts.
void CutToLength(Frame& frame, std::uint32_t length) {
  if (length > frame.length) {
    frame.anomalies.OnAnomaly(AnomalyCode::packet_truncated);
    frame.packet.overlong = true;
  }
  frame.Cut(length);
}

void EnterInnerIp(Frame& frame, Encapsulation encapsulation, Layer layer) {
  frame.EnterTunnel(Transport::kOther);
  frame.Push(encapsulation);
  frame.next = layer;
}

// RFC 8200 section 4.5: next header | reserved | offset (13 bits), reserved (2), more (1) | identification (4)
void DecodeFragmentHeader(Frame& frame) {
  ByteReader reader(frame.bytes);
  const std::uint8_t protocol = reader.U8();
  reader.Skip(1);
  const std::uint16_t offset_and_more = reader.U16Be();
  const std::uint32_t id = reader.U32Be();
  if (!reader.ok()) return frame.Fail(Failure::kTruncated);
  frame.Advance(8);
  const bool more = (offset_and_more & 1) != 0;
  const std::uint32_t offset = offset_and_more & 0xfff8u;
  if (offset == 0 && !more) return GoToProtocol(frame, protocol);  // atomic (RFC 6946)
  frame.fragment = {{frame.packet.source.address, frame.packet.destination.address, id, 0},
                    offset,
                    more,
                    protocol,
                    frame.owner_decided,
                    frame.bytes,
                    frame.length};
  frame.next = Layer::kFragment;
}

}  // namespace

void DecodeIp(Frame& frame) noexcept {
  if (frame.bytes.empty()) return frame.Fail(Failure::kTruncated);
  switch (frame.bytes[0] >> 4) {
    case 4:
      frame.next = Layer::kIpv4;
      return;
    case 6:
      frame.next = Layer::kIpv6;
      return;
    default:
      frame.Fail(Failure::kMalformed);
  }
}

//  version, header words | service | total length (2) | identification (2) | flags, fragment offset (2)
//  time to live | protocol | checksum (2) | source (4) | destination (4) | options
void DecodeIpv4(Frame& frame) noexcept {
  ByteReader reader(frame.bytes);
  const std::uint8_t version = reader.U8();
  reader.Skip(1);
  const std::uint16_t total_length = reader.U16Be();
  const std::uint16_t id = reader.U16Be();
  const std::uint16_t flags_and_offset = reader.U16Be();
  const std::uint8_t hop_limit = reader.U8();
  const std::uint8_t protocol = reader.U8();
  reader.Skip(2);
  const ByteView source = reader.Take(4);
  const ByteView destination = reader.Take(4);
  const std::uint32_t header_length = (version & 0x0fu) * 4;
  if (!reader.ok()) return frame.Fail(Failure::kTruncated);
  if (version >> 4 != 4 || header_length < 20) return frame.Fail(Failure::kMalformed);
  // A total length of 0 is a segment that the network card would have split: the frame's own length counts.
  if (total_length != 0 && total_length < header_length) return frame.Fail(Failure::kMalformed);
  if (frame.bytes.size() < header_length) return frame.Fail(Failure::kTruncated);
  if (total_length != 0) CutToLength(frame, total_length);
  SetAddresses(frame.packet, source, destination);
  frame.packet.ip_id = id;
  frame.packet.hop_limit = hop_limit;
  frame.packet.ip_options = header_length > 20;
  if (!SumsUp(InternetSum(frame.bytes.first(header_length)))) frame.packet.checksum = Checksum::kWrong;
  frame.Advance(header_length);
  const bool more = (flags_and_offset & 0x2000) != 0;
  const std::uint32_t offset = (flags_and_offset & 0x1fffu) * 8;
  if (!more && offset == 0) return GoToProtocol(frame, protocol);
  frame.packet.ip_protocol = protocol;
  frame.fragment = {{frame.packet.source.address, frame.packet.destination.address, id, protocol},
                    offset,
                    more,
                    protocol,
                    frame.owner_decided,
                    frame.bytes,
                    frame.length};
  frame.next = Layer::kFragment;
}

//  version, class, flow (4) | payload length (2) | next header | hop limit | source (16) | destination (16)
void DecodeIpv6(Frame& frame) noexcept {
  ByteReader reader(frame.bytes);
  const std::uint8_t version = reader.U8();
  reader.Skip(3);
  const std::uint16_t payload_length = reader.U16Be();
  const std::uint8_t protocol = reader.U8();
  const std::uint8_t hop_limit = reader.U8();
  const ByteView source = reader.Take(16);
  const ByteView destination = reader.Take(16);
  if (!reader.ok()) return frame.Fail(Failure::kTruncated);
  if (version >> 4 != 6) return frame.Fail(Failure::kMalformed);
  SetAddresses(frame.packet, source, destination);
  frame.packet.ip_id = 0;
  frame.packet.hop_limit = hop_limit;
  frame.packet.ip_options = false;
  frame.Advance(40);
  if (payload_length != 0) CutToLength(frame, payload_length);  // 0: jumbogram, or a segment not yet split
  GoToProtocol(frame, protocol);
}

void DecodeIpProtocol(Frame& frame) noexcept {
  const bool v6 = frame.packet.source.address.v6();
  switch (frame.ip_protocol) {
    case kTcp:
      frame.next = Layer::kTcp;
      return;
    case kUdp:
      frame.next = Layer::kUdp;
      return;
    case kIcmp:
    case kIcmpv6:
      frame.next = Layer::kIcmp;
      return;
    case kSctp:
      frame.next = Layer::kSctp;
      return;
    case kAuthenticationHeader:
      frame.next = Layer::kAuthentication;
      return;
    case kIpv4InIp:
      return EnterInnerIp(frame, Encapsulation::kIpInIp, Layer::kIpv4);
    case kIpv6InIp:
      return EnterInnerIp(frame, v6 ? Encapsulation::kIpInIp : Encapsulation::kSixInFour, Layer::kIpv6);
    case kGre:
      frame.EnterTunnel(Transport::kOther);
      frame.next = Layer::kGre;
      return;
    case kFragmentHeader:
      if (v6) return DecodeFragmentHeader(frame);
      break;
    case kHopByHop:
    case kRouting:
    case kDestinationOptions:
    case kMobility:
    case kHostIdentity:
    case kShim6:
      if (!v6) break;
      frame.next = Layer::kIpv6Extension;
      return;
    default:
      break;
  }
  frame.Deliver(Transport::kOther);
}

// next header | length in 8-byte words after the first | ...
void DecodeIpv6Extension(Frame& frame) noexcept {
  ByteReader reader(frame.bytes);
  const std::uint8_t protocol = reader.U8();
  const std::size_t length = (reader.U8() + 1u) * 8;
  if (!reader.ok() || frame.bytes.size() < length) return frame.Fail(Failure::kTruncated);
  frame.owner_decided = true;
  frame.packet.ip_options = true;
  frame.Advance(length);
  GoToProtocol(frame, protocol);
}

// next header | length in 4-byte words minus 2 | ...
void DecodeAuthentication(Frame& frame) noexcept {
  ByteReader reader(frame.bytes);
  const std::uint8_t protocol = reader.U8();
  const std::size_t length = (reader.U8() + 2u) * 4;
  if (!reader.ok() || frame.bytes.size() < length) return frame.Fail(Failure::kTruncated);
  frame.owner_decided = true;
  frame.Advance(length);
  GoToProtocol(frame, protocol);
}

}  // namespace spanwatch::decode
