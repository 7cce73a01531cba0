// TcpReassembler: one direction of a TCP connection, from segments to (OnStreamData | OnStreamGap)* in order (RFC 9293
// section 3.4). Driven by Conversation; one inspector thread.
//
// - In-order bytes are passed on straight from the packet; what is ahead of a hole waits in blocks of the shared pool.
// - Policy of overlaps: the first bytes seen win. Other bytes for a position that still waits, or is remembered
//   (StreamHistory), and bytes that come again for one that is not, are given to OnOtherBytes: nothing is thrown away.
// - A segment that its receiver may drop (SegmentChecks) is kept aside. Another for the same position goes before it;
//   where none has come when the hole would become a gap, it counts.
// - A hole becomes a gap when the receiver has acknowledged what lies behind it (the sensor's feed lost it) and a
//   reordered segment would have come by now; when nothing moved for flow.hole_time_ms, or, while the receiver shows
//   that it waits for those bytes too, for flow.standing_hole_time_ms; at flow.out_of_order_bytes or flow.memory_bytes;
//   or at the end. Nothing that was seen is thrown away for lack of room: order is given up instead.
// - An urgent byte (RFC 9293 section 3.8.5, RFC 6093) is passed on as other bytes alone: applications read it apart.
// - An acknowledgement alone never moves the stream: who forges one cannot hide the bytes that follow.
//   Which of them are believed: acknowledgements.h.
//
// Positions are 64-bit and start high enough that what precedes the first segment seen has a position too. Times and
// packet numbers are those of the conversation.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "base/block_pool.h"
#include "config/limits.h"
#include "flow/acknowledgements.h"
#include "flow/doubt.h"
#include "flow/stream_history.h"
#include "flow/waiting_bytes.h"
#include "model/anomaly.h"
#include "model/flow.h"
#include "telemetry/counters.h"

namespace spanwatch::flow {

// Implemented by Conversation (and by tests). The view is valid during the call.
class StreamSink {
 public:
  virtual ~StreamSink() = default;
  virtual void OnStreamData(Direction direction, ByteView bytes) noexcept = 0;
  virtual void OnStreamGap(Direction direction, std::uint64_t length) noexcept = 0;
  // Bytes that are not passed on, since others were, or will be, for the same position.
  virtual void OnOtherBytes(Direction direction, std::uint64_t position, ByteView bytes, OtherBytes why) noexcept = 0;
  // A segment that was kept aside counts: the receiver acknowledged it, or no other came in its place in time.
  virtual void OnDoubtRefuted(Direction direction, Doubt doubt, std::uint8_t hop_limit) noexcept = 0;
};

// What all reassemblers of an inspector share; outlives them.
struct ReassemblyContext {
  const config::Limits& limits;
  Counters& counters;
  AnomalySink& anomalies;
  BlockPool& blocks;
  BlockPool& history_blocks;
};

class TcpReassembler {
 public:
  // `length` is what the wire had; the payload may be cut shorter by the snap length.
  struct Segment {
    std::uint32_t sequence = 0;
    std::uint32_t length = 0;
    ByteView payload;
    std::optional<Doubt> doubt;
    std::uint8_t hop_limit = 0;
    std::optional<std::uint32_t> urgent;  // sequence number of the urgent byte
  };
  enum class GapReason : std::uint8_t { kAcknowledged, kTimeout, kBufferLimit, kMemoryLimit, kEnd, kSnapLength };

  // `context`, `sink` and `counters` outlive it.
  TcpReassembler(const ReassemblyContext& context, const Reordering& reordering, StreamSink& sink,
                 DirectionCounters& counters, Direction direction);
  ~TcpReassembler();
  TcpReassembler(const TcpReassembler&) = delete;
  TcpReassembler& operator=(const TcpReassembler&) = delete;

  // The sequence number of the first byte (from a SYN).
  void Start(std::uint32_t sequence) noexcept;
  // Starts where the earliest byte is that was seen; nothing when none was.
  void StartAtFirstHeld() noexcept;
  bool started() const { return started_; }
  // A sequence number was seen: positions can be told.
  bool located() const { return located_; }

  // Whether `sequence` can belong to this connection, given how far windows reach.
  bool Plausible(std::uint32_t sequence) const noexcept;
  // REQUIRES: located() or the first sequence number seen.
  std::uint64_t PositionOf(std::uint32_t sequence) const noexcept;
  std::uint64_t next() const { return next_; }
  std::uint32_t next_sequence() const { return next_sequence_; }
  // Behind the last byte that was seen.
  std::uint64_t furthest() const { return AllDelivered() ? next_ : std::max(next_, waiting_.end()); }
  // Whether a byte waits that lies before `sequence`.
  bool HoldsBefore(std::uint32_t sequence) const { return !AllDelivered() && waiting_.begin() < PositionOf(sequence); }
  bool AllDelivered() const { return waiting_.empty(); }
  // Behind the last byte that the receiver acknowledged; and the furthest position that it granted. 0: not known.
  std::uint64_t acknowledged() const { return acknowledgements_.believed(); }
  std::uint64_t granted() const { return acknowledgements_.edge(); }
  // Whether the receiver has acknowledged any bytes, so that its windows are seen too.
  bool heard() const noexcept;
  const StreamHistory& history() const { return history_; }
  void ForgetHistory() noexcept { history_.Forget(); }
  // Whether bytes for a position that was seen are not those that were seen there, as far as that is remembered.
  bool Contradicts(std::uint32_t sequence, ByteView bytes) const noexcept;
  // The furthest position that the sender can have reached, from what was seen of it and what it was granted.
  std::uint64_t reach() const { return std::max(Seen(), acknowledgements_.edge()); }

  // REQUIRES: Plausible(segment.sequence) once located.
  void OnSegment(const Segment& segment, Moment moment) noexcept;
  // The receiver has everything before `sequence` and takes `window` bytes more.
  void OnAcknowledged(std::uint32_t sequence, std::uint64_t window, Moment moment) noexcept;
  bool AcknowledgedUpTo(std::uint64_t position) const { return acknowledgements_.believed() >= position; }
  // The sender's FIN says where the stream ends; nothing takes it back.
  void SetFin(std::optional<std::uint64_t> position) { fin_ = position; }
  std::optional<std::uint64_t> fin() const { return fin_; }
  bool Complete() const { return fin_.has_value() && next_ >= *fin_; }

  bool HasHole() const {
    return started_ && (!AllDelivered() || !aside_.empty() || (fin_.has_value() && *fin_ > next_));
  }
  // Gives up holes that will not be filled any more. Called for each packet of the conversation while HasHole().
  void ResolveHoles(Moment moment) noexcept;
  // When what waits began to wait; nothing when nothing does.
  std::optional<PacketTime> waiting_since() const {
    return AllDelivered() && aside_.empty() ? std::nullopt : std::optional(progress_);
  }
  // Memory is short: tells all that has waited for flow.hole_time_ms, with the gaps between.
  void Yield(PacketTime now) noexcept;
  // Tells all that is held, and a gap at the end where bytes are known to be missing. No segment may follow.
  void Finish() noexcept;

 private:
  // Bytes of a segment that the receiver may drop. Where two of these overlap, the first counts.
  struct Aside {
    std::uint64_t position;
    std::uint32_t length;
    Doubt doubt;
    std::uint8_t hop_limit;
    std::uint8_t* block;
    std::uint64_t end() const { return position + length; }
  };
  struct Range {
    std::uint64_t begin = 0, end = 0;
  };

  void Insert(std::uint64_t position, const Segment& segment) noexcept;
  // Positions that were already passed on: repeats, or bytes that came after their gap was told.
  void SeeOld(std::uint64_t position, ByteView bytes, OtherBytes if_different) noexcept;
  // `bytes` came for what waits at `position`.
  void CompareWaiting(const WaitingBytes::Run& waiting, std::uint64_t position, ByteView bytes,
                      OtherBytes if_different) noexcept;
  void Repeated(std::uint64_t bytes) noexcept;
  void KeepAside(std::uint64_t position, const Segment& segment) noexcept;
  // A piece for which nothing waits or is aside.
  void PutAside(std::size_t index, std::uint64_t position, ByteView bytes, const Segment& segment) noexcept;
  // `bytes` count at `position`: what is aside there is compared with them and goes.
  void Supersede(std::uint64_t position, ByteView bytes) noexcept;
  // Passes on the first piece that is aside. REQUIRES: it begins at next_.
  void DeliverAside(GapReason reason) noexcept;
  // What was kept aside and is acknowledged is handed on at once: a request whose checksum a network card was to write
  // comes before its response. Should the bytes that the receiver took come later still, they are other bytes for the
  // same place, and are searched too.
  void DeliverAcknowledged() noexcept;
  std::size_t FindAside(std::uint64_t position) const noexcept;
  void DropAside(std::size_t index) noexcept;
  // Whether this direction may hold one block more.
  bool HasRoom() const noexcept;
  // Keeps the beginning of `bytes` (or a cut run when empty); how much, 0 when there was no room.
  std::uint64_t Hold(std::uint64_t position, ByteView bytes, std::uint64_t cut_length) noexcept;
  // Gives order up so that a piece at `position` finds a place, or becomes the next.
  void MakeRoom(std::uint64_t position) noexcept;
  void Deliver(ByteView bytes) noexcept;
  void PassOn(ByteView bytes) noexcept;
  void PassUrgent(ByteView byte) noexcept;
  void NoteUrgent(std::uint32_t sequence) noexcept;
  // What is aside within the gap fills it.
  void TellGap(std::uint64_t length, GapReason reason) noexcept;
  void TellMissing(std::uint64_t length, GapReason reason) noexcept;
  void GiveUpHole(GapReason reason) noexcept;
  void DrainHeld() noexcept;
  void Advance(std::uint64_t length) {
    next_ += length;
    next_sequence_ += static_cast<std::uint32_t>(length);
  }
  // REQUIRES: HasHole().
  std::uint64_t HoleEnd() const noexcept;
  // How long the hole may stand.
  Duration HoleTime() const noexcept;
  // Behind the furthest byte that was seen, its FIN and what is aside included.
  std::uint64_t Seen() const {
    const std::uint64_t seen = aside_.empty() ? furthest() : std::max(furthest(), aside_.back().end());
    return fin_.has_value() ? std::max(seen, *fin_ + 1) : seen;
  }

  const ReassemblyContext& context_;
  const Reordering reordering_;
  StreamSink& sink_;
  DirectionCounters& counters_;
  const Direction direction_;
  bool located_ = false;
  bool started_ = false;
  bool settling_ = false;
  bool memory_was_short_ = false;
  std::uint32_t next_sequence_ = 0;
  std::uint64_t next_;  // position of next_sequence_
  Acknowledgements acknowledgements_;
  std::uint64_t settling_acknowledged_ = 0;  // position; seen at settling_since_
  std::uint64_t settled_acknowledged_ = 0;   // long enough ago that reordered segments have arrived
  Moment settling_since_;
  std::optional<std::uint64_t> fin_;
  PacketTime progress_;  // when next_ last moved, or the hole appeared
  std::uint64_t progress_next_ = 0;
  WaitingBytes waiting_;
  std::vector<Aside> aside_;  // by position; none overlaps another, what waits, or what was passed on
  StreamHistory history_;
  std::vector<std::uint64_t> urgent_;  // positions of urgent bytes that are not passed on yet, ascending
  std::array<Range, 4> gaps_{};        // the latest that were told
  std::uint8_t next_gap_ = 0;
};

}  // namespace spanwatch::flow
