// Conversation: one entry of the flow table: who is client, the state of the connection, and its FlowConsumer. Owned by
// FlowIndex; driven by FlowTable; one inspector thread.
//
// What ends a TCP direction is decided by the receiver, so that a forged segment ends nothing: a FIN counts once it is
// acknowledged; a RST within the window lets the connection linger for flow.closed_time_ms, and data that goes on in
// sequence refutes it; a SYN of another sequence on a living connection counts once it is answered or followed up.
#pragma once

#include <memory>

#include "flow/duplicate_filter.h"
#include "flow/flow_key.h"
#include "flow/second_readings.h"
#include "flow/segment_checks.h"
#include "flow/stray_bytes.h"
#include "flow/tcp_reassembler.h"

namespace spanwatch::flow {

// Shared by all conversations of an inspector; outlives them.
struct ConversationContext {
  ReassemblyContext reassembly;
  BlockPool& reading_lines;
  FlowConsumerFactory& factory;
};

class Conversation : private StreamSink {
 public:
  // A SYN that was seen before the conversation it opened was recognised as new.
  struct EarlySyn {
    Endpoint sender;
    std::uint32_t sequence = 0;
    std::uint8_t window_scale = TcpFields::kNoWindowScale;
    std::uint32_t length = 0;  // of its payload (RFC 7413)
  };
  enum class Outcome : std::uint8_t {
    kContinue,
    kNewConversation,  // the packet was not used: it belongs to a new conversation of the same five-tuple
  };

  Conversation(const ConversationContext& context, const FlowKey& key, std::uint64_t serial, const DecodedPacket& first,
               std::optional<EarlySyn> early_syn);
  ~Conversation() override;
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  Outcome OnPacket(const DecodedPacket& packet) noexcept;
  // Tells everything that is held, both ends and the close. Nothing when it is closed.
  void Close(CloseReason reason) noexcept;

  const FlowKey& key() const { return key_; }
  std::uint64_t serial() const { return serial_; }
  std::uint64_t index_hash() const { return index_hash_; }
  void set_index_hash(std::uint64_t hash) { index_hash_ = hash; }
  PacketTime last_packet() const { return last_packet_; }
  Transport transport() const { return info_.transport; }
  // It has been reset, or both directions have ended: kept for a little while for stragglers.
  bool closing() const { return closed_ || reset_ || Ended(); }
  // Why it ends when it ends by itself; `otherwise` when the connection has given no sign.
  CloseReason OwnReason(CloseReason otherwise) const;
  std::optional<EarlySyn> early_syn() const { return early_syn_; }
  const FlowInfo& info() const { return info_; }
  // Who sent its first packet, and to whom.
  const Endpoint& opener() const { return info_.Sender(Told(Direction::kFromClient)); }
  const Endpoint& opened() const { return info_.Receiver(Told(Direction::kFromClient)); }
  void set_flood(Flood flood) { info_.flood = flood; }
  // Payload went both ways, or there were more than flow.flood_packets_count packets: it is part of no flood.
  bool Settled() const;
  FlowCounters counters() const;
  // Since when the bytes have waited that it holds out of order; nothing when it holds none.
  std::optional<PacketTime> waiting_since() const;
  // Memory is short: tells what has waited for flow.hole_time_ms.
  void Yield(PacketTime now) noexcept;

  struct Links {
    Conversation* previous = nullptr;
    Conversation* next = nullptr;
  };
  // Of FlowTable: the lists it is in, which of the queues, and the waiting_since() by which it is listed.
  Links queue_links;
  Links waiting_links;
  std::uint8_t queue = 0;
  std::optional<PacketTime> listed_since;
  bool counted_as_unanswered = true;  // by its FloodWatch

 private:
  // Joined in the middle: waits for what the span port reordered.
  struct Grace {
    PacketTime since;
    Direction first = Direction::kFromClient;  // whose bytes were seen first
    std::uint32_t acknowledgement = 0;         // with them
    std::uint32_t segments = 0;
  };

  void OnStreamData(Direction side, ByteView bytes) noexcept override;
  void OnStreamGap(Direction side, std::uint64_t length) noexcept override;
  void OnOtherBytes(Direction side, std::uint64_t position, ByteView bytes, OtherBytes why) noexcept override;
  void OnDoubtRefuted(Direction side, Doubt doubt, std::uint8_t hop_limit) noexcept override {
    checks_[Index(side)].OnRefuted(doubt, hop_limit);
  }

  // Inside, kFromClient is the side whose packet came first; who is client may only be known later.
  Direction SideOf(const DecodedPacket& packet) const {
    return (packet.source == info_.client) != flipped_ ? Direction::kFromClient : Direction::kFromServer;
  }
  Direction Told(Direction side) const { return flipped_ ? Opposite(side) : side; }
  TcpReassembler& Stream(Direction side) { return *streams_[Index(side)]; }
  // A FIN was seen, with all before it, in every direction that was seen.
  bool Ended() const;
  void ChooseRoles(const DecodedPacket& first);
  void SetClient(Direction side);
  // Whether SYNs came that do not fit one client and one server.
  bool RolesContradict() const;
  void OnDatagram(const DecodedPacket& packet, Direction side);
  Outcome OnTcp(const DecodedPacket& packet, Direction side);
  // Whether it is a packet that was seen already, under other numbers: a firewall that renumbers sequences lies
  // between.
  bool IsTwin(const DecodedPacket& packet, Direction side) const;
  void OnTwin(const DecodedPacket& packet, Direction side);
  // Why the receiver may drop it, and what the packet shows of its sender.
  std::optional<Doubt> Examine(const DecodedPacket& packet, Direction side);
  void Acknowledge(const DecodedPacket& packet, Direction side);
  std::uint64_t WindowOf(const DecodedPacket& packet, Direction side) const;
  // Whether a packet of the five-tuple belongs to another connection than this one.
  bool IsOfAnother(const DecodedPacket& packet, Direction side) const;
  bool SynOfAnother(const DecodedPacket& packet, Direction side) const;
  void OnSyn(const DecodedPacket& packet, Direction side);
  void OnEarlySyn(const DecodedPacket& packet, Direction side);
  // Whether the packet follows up the SYN of another connection.
  bool FollowsEarlySyn(const DecodedPacket& packet, Direction side) const;
  Outcome OnImplausible(const DecodedPacket& packet, Direction side);
  void OnSegment(const DecodedPacket& packet, Direction side, std::optional<Doubt> doubt);
  void OnFin(const DecodedPacket& packet, Direction side);
  void OnReset(const DecodedPacket& packet, Direction side);
  void AfterTcp(const DecodedPacket& packet);
  void TellEnds();
  void EndGrace();
  void Begin();
  bool CountPacket(const DecodedPacket& packet, Direction side, bool may_be_duplicate);
  void Drop(Direction side, std::size_t bytes);
  // Other bytes for a position are searched together with what was passed on around it.
  void ReadAgain(Direction side, std::uint64_t position, ByteView bytes);
  // The packet's payload, which belongs to no position, is searched by itself. `evasive`: there is no harmless reason.
  void SearchApart(const DecodedPacket& packet, Direction side, bool evasive);
  void SearchApart(Direction side, std::uint32_t sequence, ByteView bytes, std::uint32_t length);
  void TellEvasion(Direction side, AnomalyCode code) { consumer_->OnEvasion(Told(side), code); }
  void Report();

  const ConversationContext& context_;
  const FlowKey key_;
  const std::uint64_t serial_;
  const Reordering reordering_;
  std::uint64_t index_hash_ = 0;
  FlowInfo info_;
  bool flipped_ = false;
  std::array<DirectionCounters, 2> sides_{};
  std::unique_ptr<FlowConsumer> consumer_;
  std::unique_ptr<SecondReadings> second_;  // once bytes came twice; goes before consumer_
  std::unique_ptr<StrayBytes> stray_;       // once bytes came that belong nowhere; goes before consumer_
  std::array<std::uint64_t, 2> stray_bytes_{};
  std::array<std::uint64_t, 2> urgent_bytes_{};
  std::array<std::uint64_t, 2> not_compared_bytes_{};
  std::array<bool, 2> repeat_told_{};
  std::array<std::optional<TcpReassembler>, 2> streams_;  // TCP only
  std::array<DuplicateFilter, 2> duplicates_;
  std::array<SegmentChecks, 2> checks_;            // of what each side sends
  std::array<std::uint64_t, 2> largest_window_{};  // that each side offered
  PacketTime last_packet_;
  PacketTime next_report_;
  std::uint64_t packets_ = 0;
  std::array<bool, 2> ended_{};
  bool closed_ = false;
  bool reset_ = false;
  Direction reset_by_ = Direction::kFromClient;
  std::optional<Grace> grace_;
  std::array<std::optional<std::uint32_t>, 2> first_sequence_;  // of the SYNs
  std::array<bool, 2> opened_{}, answered_{};                   // which of them were seen of each side
  std::array<std::optional<std::uint32_t>, 2> answered_start_;  // where a SYN that was not seen began, its answer says
  std::array<std::optional<std::uint8_t>, 2> window_scale_;     // that the SYNs offered
  std::optional<EarlySyn> early_syn_;
  std::array<std::uint32_t, 2> implausible_next_{};  // where the last implausible segment ended
  std::array<std::uint8_t, 2> implausible_count_{};
};

}  // namespace spanwatch::flow
