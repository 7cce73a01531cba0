// Decoder: from a captured frame to its innermost IP packet. Called by `inspector` for every frame; one thread.
//
// Takes off the link layer (Ethernet II and 802.3, Linux cooked v1/v2, raw IP, null and loopback, PPP, Cisco HDLC),
// VLAN tags, MPLS and PPPoE, IPv4 (RFC 791) and IPv6 (RFC 8200) with extension headers, joins fragments, and goes on
// through tunnels (GRE, ERSPAN, VXLAN, GENEVE, GTP-U, IP in IP, 6in4), in a loop of bounded length. Whatever a tunnel
// carries that is no usable IP packet is handed over as the tunnel's own packet, so that its bytes are still searched.
//
// A wrong checksum never drops a packet (design.md section 9.7): it is told, as is what else a receiver looks at.
// Nothing is allocated per packet. A fragment that cannot be joined stands for itself, and the pieces of a datagram
// that never became whole are handed over when it is given up: the first with its transport header, the others as
// Transport::kOther.
//
// Live, by several inspectors, what is joined of a tunnel's outer fragments may belong to another (design.md section
// 2): a JoinedDatagramConsumer is asked before the tunnel is entered, and its owner goes on with DecodeJoined.
// Conservation: packets given, to either == packets_decoded + fragments_held + packets_dropped_* +
// datagrams_handed_over; OnPacket is called packets_decoded + fragment_pieces times.
#pragma once

#include "config/limits.h"
#include "decode/ip_reassembler.h"
#include "model/anomaly.h"
#include "model/packet.h"
#include "telemetry/counters.h"

namespace spanwatch::decode {

struct Frame;

class Decoder : private DatagramPieceConsumer {
 public:
  // All references must outlive the decoder; without `joined` nothing belongs to another inspector.
  Decoder(const config::Limits& limits, Counters& counters, AnomalySink& anomalies, PacketConsumer& consumer,
          JoinedDatagramConsumer* joined = nullptr);
  Decoder(const Decoder&) = delete;  // the reassembler knows it by address
  Decoder& operator=(const Decoder&) = delete;

  // Calls PacketConsumer::OnPacket at most once for this packet, and before that for each piece of a datagram given up;
  // the bytes live until OnPacket returns.
  void Decode(const CapturedPacket& packet) noexcept;
  // The same for what another inspector joined; it stays here, whatever is inside.
  void DecodeJoined(const JoinedDatagram& datagram) noexcept;
  // The capture is over: datagrams still waiting for fragments are given up.
  void Finish() noexcept;

 private:
  void OnPiece(const Piece& piece) noexcept override;
  enum class Fragments : std::uint8_t { kJoin, kStandAlone };
  // kHeld: a fragment that waits for others. kTaken: another inspector's.
  enum class Walked : std::uint8_t { kThrough, kHeld, kTaken };
  // Until the packet is complete or unusable.
  Walked Walk(Frame& frame, Fragments fragments) noexcept;
  Walked Join(Frame& frame) noexcept;
  void WalkAndTell(Frame& frame) noexcept;
  void Drop(const Frame& frame) noexcept;

  const config::Limits& limits_;
  Counters& counters_;
  AnomalySink& anomalies_;
  PacketConsumer& consumer_;
  JoinedDatagramConsumer* const joined_;
  IpReassembler reassembler_;
  PacketTime now_;
};

}  // namespace spanwatch::decode
