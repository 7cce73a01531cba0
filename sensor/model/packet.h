// CapturedPacket and DecodedPacket: what `capture` hands to `decode`, and `decode` to `flow`.
//
// Both only point into the captured bytes (or, after IP reassembly, into the decoder's buffer): valid during the call
// that delivers them, never longer. One inspector thread.
#pragma once

#include <array>

#include "base/bytes.h"
#include "base/enumeration.h"
#include "base/time.h"
#include "model/ip_address.h"

namespace spanwatch {

// A frame as it came from an interface or a capture file.
struct CapturedPacket {
  PacketTime time;
  int link_type = 0;                  // DLT_ value of libpcap (pcap-linktype(7))
  std::uint32_t original_length = 0;  // bytes on the wire; more than bytes.size() when the snap length cut it
  ByteView bytes;
  std::uint16_t interface_index = 0;  // into the capture's own list of interfaces
};

// Implemented by `decode` (through the wiring of `inspector`) and by tests. Called once per frame, in the capture's
// order.
class CapturedPacketConsumer {
 public:
  virtual ~CapturedPacketConsumer() = default;
  virtual void OnCaptured(const CapturedPacket& packet) noexcept = 0;
};

enum class Transport : std::uint8_t { kTcp, kUdp, kIcmp, kSctp, kOther };
template <>
inline constexpr std::size_t kCountOf<Transport> = 5;

constexpr std::string_view ToString(Transport transport) {
  switch (transport) {
    case Transport::kTcp:
      return "tcp";
    case Transport::kUdp:
      return "udp";
    case Transport::kIcmp:
      return "icmp";
    case Transport::kSctp:
      return "sctp";
    case Transport::kOther:
      return "other";
  }
  return "other";
}

// The layers that were taken off, outermost first, in the words of truth.jsonl: "vlan", "gre", "vxlan", ...
enum class Encapsulation : std::uint8_t {
  kVlan,
  kMpls,
  kPppoe,
  kLinuxCooked,
  kRawIp,
  kNullLoopback,
  kGre,
  kErspan,
  kVxlan,
  kGeneve,
  kIpInIp,
  kSixInFour,
  kGtpU,
  kPpp,
  kHdlc,
};
template <>
inline constexpr std::size_t kCountOf<Encapsulation> = 15;

// Packets inside these may be wrapped in fragments, large ones at least.
constexpr bool IsTunnel(Encapsulation encapsulation) {
  return encapsulation >= Encapsulation::kGre && encapsulation <= Encapsulation::kGtpU;
}

constexpr std::string_view ToString(Encapsulation encapsulation) {
  constexpr std::string_view kNames[] = {"vlan",  "mpls",   "pppoe", "sll",  "raw-ip", "null-loop", "gre", "erspan",
                                         "vxlan", "geneve", "ipip",  "6in4", "gtp-u",  "ppp",       "hdlc"};
  static_assert(std::size(kNames) == kCountOf<Encapsulation>);
  return kNames[static_cast<std::size_t>(encapsulation)];
}

// TCP header fields that reassembly needs (RFC 9293 section 3.1).
struct TcpFields {
  static constexpr std::uint8_t kFin = 0x01, kSyn = 0x02, kRst = 0x04, kPsh = 0x08, kAck = 0x10, kUrg = 0x20;
  static constexpr std::uint8_t kNoWindowScale = 255;
  std::uint32_t sequence = 0;
  std::uint32_t acknowledgement = 0;
  std::uint16_t window = 0;
  std::uint8_t flags = 0;
  std::uint8_t window_scale = kNoWindowScale;  // that a SYN offers (RFC 7323 section 2)
  bool has_timestamp = false;                  // RFC 7323 section 3
  bool has_signature = false;                  // MD5 (RFC 2385) or authentication (RFC 5925)
  std::uint32_t timestamp = 0;                 // TSval
  std::uint16_t urgent = 0;                    // the urgent pointer, where kUrg is set
};

// What the checksums of a packet say: those of its innermost IPv4 header and of TCP, and of IPv4 headers around them.
// Unknown: there is none, or bytes that it covers are missing.
enum class Checksum : std::uint8_t { kUnknown, kRight, kWrong };

// The innermost IP packet, whole: IP fragments are already joined.
struct DecodedPacket {
  PacketTime time;
  Endpoint source;  // port 0 where the transport has none; ICMP: the identifier or type/code
  Endpoint destination;
  Transport transport = Transport::kOther;
  std::uint8_t ip_protocol = 0;         // IANA number of the transport
  TcpFields tcp;                        // only for kTcp
  ByteView payload;                     // after the transport header; may be shorter than payload_length
  std::uint32_t payload_length = 0;     // on the wire: payload.size() plus what the snap length cut
  std::array<std::uint16_t, 2> vlan{};  // outermost tags, 0 = none
  std::array<Encapsulation, 8> encapsulations{};
  std::uint8_t encapsulation_count = 0;
  std::uint16_t interface_index = 0;
  std::uint16_t ip_id = 0;   // outer fields that tell a duplicate frame from a retransmission
  bool reassembled = false;  // joined from IP fragments
  // Of the innermost IP header, for telling whether the receiver takes the packet.
  std::uint8_t hop_limit = 0;  // time to live; of fragments, the lowest
  bool ip_options = false;     // IPv4 options, or extension headers of IPv6
  bool overlong = false;       // an IP header tells of more bytes than the frame had
  Checksum checksum = Checksum::kUnknown;
};

// An IP datagram that was joined from fragments, when nothing that was taken off before it decides whose it is: its
// owner is what it would be had it not been fragmented. Points into the decoder's buffer: valid during the call.
struct JoinedDatagram {
  DecodedPacket begun;        // as far as the IP header: time, interface, tags, encapsulations, addresses
  std::uint8_t protocol = 0;  // IANA number of the content
  ByteView content;           // of a datagram that never became whole, its beginning
  std::uint32_t length = 0;   // of the content when it was whole, as far as that is known
};

// Implemented by `inspector`. Called by `decode` before it looks into the datagram.
class JoinedDatagramConsumer {
 public:
  virtual ~JoinedDatagramConsumer() = default;
  // True when it belongs to another inspector and is looked into there.
  virtual bool TakeJoined(const JoinedDatagram& datagram) noexcept = 0;
};

// Implemented by `flow` (and by tests). Called once per packet, in the order of the capture.
class PacketConsumer {
 public:
  virtual ~PacketConsumer() = default;
  virtual void OnPacket(const DecodedPacket& packet) noexcept = 0;
};

}  // namespace spanwatch
