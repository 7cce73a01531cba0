#include "decode/transport_layer.h"

#include <algorithm>
#include <array>

#include "base/byte_reader.h"
#include "decode/internet_checksum.h"
#include "telemetry/anomaly_codes.h"

namespace spanwatch::decode {
namespace {

constexpr std::uint16_t kVxlanPort = 4789, kVxlanLinuxPort = 8472, kGenevePort = 6081, kGtpUPort = 2152;
constexpr std::uint8_t kIcmpv6Protocol = 58;

// Options: kind (1) | length of all (1) | value; kinds 0 (end) and 1 (padding) are one byte.
void ReadOptions(ByteView options, TcpFields& tcp) {
  constexpr std::uint8_t kEnd = 0, kPadding = 1, kWindowScale = 3, kTimestamps = 8, kMd5 = 19, kAuthentication = 29;
  constexpr std::uint8_t kLargestShift = 14;
  ByteReader reader(options);
  while (reader.remaining() > 0) {
    const std::uint8_t kind = reader.U8();
    if (kind == kEnd) break;
    if (kind == kPadding) continue;
    const std::uint8_t length = reader.U8();
    if (!reader.ok() || length < 2) break;
    const ByteView value = reader.Take(length - 2u);
    if (!reader.ok()) break;
    if (kind == kWindowScale && value.size() == 1) {
      if ((tcp.flags & TcpFields::kSyn) != 0) tcp.window_scale = std::min(value[0], kLargestShift);
    } else if (kind == kTimestamps && value.size() == 8) {
      tcp.has_timestamp = true;
      tcp.timestamp = ByteReader(value).U32Be();
    } else if (kind == kMd5 || kind == kAuthentication) {
      tcp.has_signature = true;
    }
  }
}

// RFC 9293 section 3.1, with the pseudo-header of IPv4 or of IPv6 (RFC 8200 section 8.1): addresses, length, protocol.
Checksum TcpChecksum(const Frame& frame) {
  if (frame.packet.checksum == Checksum::kWrong) return Checksum::kWrong;  // an IP header's
  if (frame.bytes.size() != frame.length || frame.packet.overlong) return Checksum::kUnknown;
  const std::array<std::uint8_t, 8> rest = {static_cast<std::uint8_t>(frame.length >> 24),
                                            static_cast<std::uint8_t>(frame.length >> 16),
                                            static_cast<std::uint8_t>(frame.length >> 8),
                                            static_cast<std::uint8_t>(frame.length),
                                            0,
                                            0,
                                            0,
                                            frame.packet.ip_protocol};
  std::uint64_t sum = InternetSum(frame.packet.source.address.view(), InternetSum(rest));
  sum = InternetSum(frame.packet.destination.address.view(), sum);
  return SumsUp(InternetSum(frame.bytes, sum)) ? Checksum::kRight : Checksum::kWrong;
}

}  // namespace

//  ports (2+2) | sequence (4) | acknowledgement (4) | offset, flags (2) | window (2) | checksum (2) | urgent (2) |
//  options
void DecodeTcp(Frame& frame) noexcept {
  ByteReader reader(frame.bytes);
  DecodedPacket& packet = frame.packet;
  packet.source.port = reader.U16Be();
  packet.destination.port = reader.U16Be();
  packet.tcp.sequence = reader.U32Be();
  packet.tcp.acknowledgement = reader.U32Be();
  const std::size_t header_length = (reader.U8() >> 4) * 4u;
  packet.tcp.flags = reader.U8();
  packet.tcp.window = reader.U16Be();
  reader.Skip(2);
  packet.tcp.urgent = reader.U16Be();
  if (!reader.ok()) return frame.Fail(Failure::kTruncated);
  if (header_length < 20 || header_length > frame.length) return frame.Fail(Failure::kMalformed);
  if (header_length > frame.bytes.size()) return frame.Fail(Failure::kTruncated);
  packet.checksum = TcpChecksum(frame);
  if (header_length > 20) ReadOptions(frame.bytes.subspan(20, header_length - 20), packet.tcp);
  frame.Advance(header_length);
  frame.Deliver(Transport::kTcp);
}

//  source port (2) | destination port (2) | length (2) | checksum (2)
void DecodeUdp(Frame& frame) noexcept {
  ByteReader reader(frame.bytes);
  frame.packet.source.port = reader.U16Be();
  frame.packet.destination.port = reader.U16Be();
  const std::uint16_t length = reader.U16Be();
  reader.Skip(2);
  if (!reader.ok()) return frame.Fail(Failure::kTruncated);
  if (length != 0 && length < 8) return frame.Fail(Failure::kMalformed);
  if (length > frame.length) frame.anomalies.OnAnomaly(AnomalyCode::packet_truncated);
  if (length != 0) frame.Cut(length);
  frame.Advance(8);
  Layer inner = Layer::kDeliver;
  switch (frame.packet.destination.port) {
    case kVxlanPort:
    case kVxlanLinuxPort:
      inner = Layer::kVxlan;
      break;
    case kGenevePort:
      inner = Layer::kGeneve;
      break;
    case kGtpUPort:
      inner = Layer::kGtpU;
      break;
    default:
      return frame.Deliver(Transport::kUdp);
  }
  frame.EnterTunnel(Transport::kUdp);
  frame.next = inner;
}

//  type | code | checksum (2) | identifier (2) | sequence (2), the last two of echo messages
void DecodeIcmp(Frame& frame) noexcept {
  ByteReader reader(frame.bytes);
  const std::uint8_t type = reader.U8();
  const std::uint8_t code = reader.U8();
  reader.Skip(2);
  const std::uint16_t identifier = reader.U16Be();
  reader.Skip(2);
  if (!reader.ok()) return frame.Fail(Failure::kTruncated);
  const bool v6 = frame.packet.ip_protocol == kIcmpv6Protocol;
  const bool echo = v6 ? type == 128 || type == 129 : type == 0 || type == 8;
  // Both directions of an echo are one conversation.
  frame.packet.source.port = echo ? identifier : type;
  frame.packet.destination.port = echo ? identifier : code;
  frame.Advance(8);
  frame.Deliver(Transport::kIcmp);
}

//  source port (2) | destination port (2) | verification tag (4) | checksum (4) | chunks
void DecodeSctp(Frame& frame) noexcept {
  ByteReader reader(frame.bytes);
  frame.packet.source.port = reader.U16Be();
  frame.packet.destination.port = reader.U16Be();
  reader.Skip(8);
  if (!reader.ok()) return frame.Fail(Failure::kTruncated);
  frame.Advance(12);
  frame.Deliver(Transport::kSctp);
}

}  // namespace spanwatch::decode
