// Decoder: from a captured frame to its innermost IP packet. Called by `inspector` for every frame; one thread.
//
// Takes off the link layer (Ethernet II and 802.3, Linux cooked v1/v2, raw IP, null and loopback, PPP, Cisco HDLC),
// VLAN tags, MPLS and PPPoE, IPv4 (RFC 791) and IPv6 (RFC 8200) with extension headers, joins fragments, and goes on
// through tunnels (GRE, ERSPAN, VXLAN, GENEVE, GTP-U, IP in IP, 6in4), in a loop of bounded length. Whatever a tunnel
// carries that is no usable IP packet is handed over as the tunnel's own packet, so that its bytes are still searched.
//
// Checksums are not verified: a wrong one never drops a packet (design.md section 9.7). Nothing is allocated per
// packet. A fragment that cannot be joined stands for itself, and the pieces of a datagram that never became whole are
// handed over when it is given up: the first with its transport header, the others as Transport::kOther. Conservation:
// packets given == packets_decoded + fragments_held + packets_dropped_*; OnPacket is called packets_decoded +
// fragment_pieces times.
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
  // All references must outlive the decoder.
  Decoder(const config::Limits& limits, Counters& counters, AnomalySink& anomalies, PacketConsumer& consumer);
  Decoder(const Decoder&) = delete;  // the reassembler knows it by address
  Decoder& operator=(const Decoder&) = delete;

  // Calls PacketConsumer::OnPacket at most once for this packet, and before that for each piece of a datagram given up;
  // the bytes live until OnPacket returns.
  void Decode(const CapturedPacket& packet) noexcept;
  // The capture is over: datagrams still waiting for fragments are given up.
  void Finish() noexcept;

 private:
  void OnPiece(const Piece& piece) noexcept override;
  // Until the packet is complete or unusable; false when it was a fragment that waits for others.
  enum class Fragments : std::uint8_t { kJoin, kHandOver };
  bool Walk(Frame& frame, Fragments fragments) noexcept;
  bool Join(Frame& frame) noexcept;
  void Drop(const Frame& frame) noexcept;

  const config::Limits& limits_;
  Counters& counters_;
  AnomalySink& anomalies_;
  PacketConsumer& consumer_;
  IpReassembler reassembler_;
  PacketTime now_;
};

}  // namespace spanwatch::decode
