// TcpStream: the bytes of one direction of a TCP conversation, in order (RFC 9293). Owned by its conversation in the flow
// table; one inspector thread.
//
// Every position is delivered once. Overlap policy: the first bytes seen of a position win, later ones are counted, and
// anomaly tcp_overlap_conflict is reported when they differ from bytes still held. A hole is told as a gap when the receiver
// acknowledged it and it did not turn up for a while, when too much waits behind it, or when the stream ends. Where the
// beginning was not seen, the first segments are held for a moment so that reordering there changes nothing.
#pragma once

#include <map>
#include <optional>

#include "config/limits.h"
#include "model/anomaly.h"
#include "model/flow.h"
#include "telemetry/counters.h"

namespace spanwatch::flow {

// Where a stream's bytes go; implemented by the conversation.
class StreamSink {
 public:
  virtual ~StreamSink() = default;
  virtual void OnStreamData(Direction direction, ByteView bytes) noexcept = 0;
  virtual void OnStreamGap(Direction direction, std::uint64_t length) noexcept = 0;
  virtual void OnStreamEnd(Direction direction) noexcept = 0;
};

class TcpStream {
 public:
  struct Environment {
    const config::Limits& limits;
    Counters& counters;
    AnomalySink& anomalies;
    std::uint64_t& held_bytes;  // of all streams of the flow table
  };

  TcpStream(Direction direction, const Environment& environment, StreamSink& sink)
      : direction_(direction), environment_(environment), sink_(sink) {}
  ~TcpStream();
  TcpStream(const TcpStream&) = delete;
  TcpStream& operator=(const TcpStream&) = delete;

  // REQUIRES: nothing was delivered yet.
  void SetDirection(Direction direction) { direction_ = direction; }
  // The sender's SYN: bytes begin one after it.
  void OnSyn(std::uint32_t sequence);
  // A segment's payload; `length` on the wire, of which `bytes` were captured.
  void OnSegment(std::uint32_t sequence, ByteView bytes, std::uint32_t length, PacketTime now);
  void OnFin(std::uint32_t sequence_after_payload, PacketTime now);
  // The receiver has everything before this.
  void OnAcknowledgement(std::uint32_t sequence, PacketTime now);
  // A reset with this sequence number is believable.
  bool AcceptsReset(std::uint32_t sequence) const;
  // Time passed: gives up holes that are old enough.
  void Advance(PacketTime now) { GiveUpHoles(now, false); }
  // No more packets will come: tells what is held, holes as gaps, and the end.
  void Close(PacketTime now);

  bool ended() const { return ended_; }
  bool synced() const { return synced_; }
  bool has_held() const { return !held_.empty(); }
  // Of this sequence number, the initial one when a SYN was seen.
  std::optional<std::uint32_t> initial_sequence() const { return initial_sequence_; }
  const DirectionCounters& counters() const { return counters_; }
  DirectionCounters& mutable_counters() { return counters_; }

 private:
  // Waits for what is before it. `bytes` may be shorter than `length`: cut by the snap length.
  struct Held {
    Bytes bytes;
    std::uint64_t length = 0;
  };

  // Offsets count from kOrigin at the first sequence number seen, so that earlier ones stay positive.
  static constexpr std::uint64_t kOrigin = std::uint64_t{1} << 32;
  std::uint64_t OffsetOf(std::uint32_t sequence) const;
  void Anchor(std::uint32_t sequence);
  void Insert(std::uint64_t offset, ByteView bytes, std::uint64_t length);
  void Hold(std::uint64_t offset, ByteView bytes, std::uint64_t length);
  void CompareOverlap(const Held& held, std::uint64_t held_offset, std::uint64_t offset, ByteView bytes);
  void DeliverNow(ByteView bytes, std::uint64_t length);
  void Drain();
  void StartAtFirstHeld();
  void GiveUpHoles(PacketTime now, bool all);
  void TellGap(std::uint64_t length);
  void CheckEnd();
  bool HoldsTooMuch() const;

  Direction direction_;
  const Environment& environment_;
  StreamSink& sink_;
  DirectionCounters counters_;
  bool anchored_ = false;
  bool synced_ = false;   // next_ is where delivery goes on
  bool ended_ = false;
  std::uint32_t anchor_sequence_ = 0;
  std::uint64_t anchor_offset_ = kOrigin;
  std::uint64_t next_ = 0;
  std::uint64_t acknowledged_ = 0;
  std::optional<std::uint64_t> fin_;
  std::optional<std::uint32_t> initial_sequence_;
  std::map<std::uint64_t, Held> held_;
  std::uint64_t held_bytes_ = 0;
  std::optional<PacketTime> hole_since_;
  std::uint32_t segments_since_hole_ = 0;
};

}  // namespace spanwatch::flow
