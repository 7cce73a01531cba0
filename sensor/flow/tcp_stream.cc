#include "flow/tcp_stream.h"

#include <algorithm>
#include <cstring>

#include "telemetry/anomaly_codes.h"

namespace spanwatch::flow {
namespace {

// Segments that may be seen after an acknowledged hole before it is given up: a span port reorders by a few frames.
constexpr std::uint32_t kHoleSegments = 256;
constexpr std::chrono::milliseconds kHoleTime{1000};
// An unacknowledged hole: the sender would have repeated it long ago.
constexpr std::chrono::seconds kUnacknowledgedHoleTime{30};
// Segments and time that a stream without a beginning waits for earlier ones.
constexpr std::size_t kStartSegments = 8;
constexpr std::chrono::milliseconds kStartTime{200};
// A reset further away than this from what was delivered is somebody's invention.
constexpr std::uint64_t kResetWindow = 1u << 20;
// Sequence numbers further ahead than this belong to another conversation or to nobody.
constexpr std::uint64_t kWindowMax = std::uint64_t{1} << 30;

}  // namespace

TcpStream::~TcpStream() { environment_.held_bytes -= held_bytes_; }

void TcpStream::Anchor(std::uint32_t sequence) {
  anchored_ = true;
  anchor_sequence_ = sequence;
}

std::uint64_t TcpStream::OffsetOf(std::uint32_t sequence) const {
  const auto distance = static_cast<std::int32_t>(sequence - anchor_sequence_);
  return anchor_offset_ + static_cast<std::uint64_t>(static_cast<std::int64_t>(distance));
}

void TcpStream::OnSyn(std::uint32_t sequence) {
  if (initial_sequence_) return;
  initial_sequence_ = sequence;
  if (synced_) return;  // too late: delivery has begun without it
  if (!anchored_) Anchor(sequence + 1);
  next_ = OffsetOf(sequence + 1);
  synced_ = true;
  // Held segments from before the SYN belong to an earlier conversation.
  while (!held_.empty() && held_.begin()->first < next_) {
    counters_.dropped_bytes += held_.begin()->second.bytes.size();
    held_bytes_ -= held_.begin()->second.bytes.size();
    environment_.held_bytes -= held_.begin()->second.bytes.size();
    held_.erase(held_.begin());
  }
  Drain();
}

void TcpStream::OnSegment(std::uint32_t sequence, ByteView bytes, std::uint32_t length, PacketTime now) {
  counters_.payload_bytes += bytes.size();
  if (!anchored_) Anchor(sequence);
  const std::uint64_t offset = OffsetOf(sequence);
  if (ended_ || (synced_ && offset > next_ + kWindowMax)) {
    counters_.dropped_bytes += bytes.size();
    environment_.counters.Add(Counter::tcp_bytes_out_of_window, bytes.size());
    return;
  }
  Insert(offset, bytes, length);
  if (!synced_) {
    if (!hole_since_) hole_since_ = now;
    if (held_.size() >= kStartSegments || now - *hole_since_ >= kStartTime) StartAtFirstHeld();
  } else if (!held_.empty()) {
    if (!hole_since_) hole_since_ = now;
    ++segments_since_hole_;
  }
  GiveUpHoles(now, false);
  // Anchors follow the stream, so that 32-bit distances stay small over any number of wraps.
  if (synced_ && next_ - anchor_offset_ > kWindowMax) {
    anchor_sequence_ += static_cast<std::uint32_t>(next_ - anchor_offset_);
    anchor_offset_ = next_;
  }
  CheckEnd();
}

void TcpStream::Insert(std::uint64_t offset, ByteView bytes, std::uint64_t length) {
  if (synced_ && offset < next_) {
    const std::uint64_t old = std::min(next_ - offset, length);
    const std::size_t old_bytes = std::min<std::size_t>(old, bytes.size());
    counters_.retransmitted_bytes += old_bytes;
    bytes = bytes.subspan(old_bytes);
    offset += old;
    length -= old;
  }
  if (length == 0) return;
  if (synced_ && offset == next_ && (held_.empty() || held_.begin()->first >= offset + length)) {
    DeliverNow(bytes, length);
    Drain();
    return;
  }
  Hold(offset, bytes, length);
  if (synced_) Drain();
}

// Inserts the parts that are not held yet.
void TcpStream::Hold(std::uint64_t offset, ByteView bytes, std::uint64_t length) {
  auto next = held_.upper_bound(offset);
  if (next != held_.begin()) {
    const auto before = std::prev(next);
    const std::uint64_t end = before->first + before->second.length;
    if (end > offset) {
      CompareOverlap(before->second, before->first, offset, bytes);
      const std::uint64_t covered = std::min(end - offset, length);
      const std::size_t covered_bytes = std::min<std::size_t>(covered, bytes.size());
      counters_.retransmitted_bytes += covered_bytes;
      bytes = bytes.subspan(covered_bytes);
      offset += covered;
      length -= covered;
    }
  }
  while (length > 0) {
    next = held_.lower_bound(offset);
    const std::uint64_t room = next == held_.end() ? length : std::min(length, next->first - offset);
    if (room > 0) {
      const ByteView part = bytes.first(std::min<std::size_t>(room, bytes.size()));
      held_.emplace_hint(next, offset, Held{Bytes(part.begin(), part.end()), room});
      held_bytes_ += part.size();
      environment_.held_bytes += part.size();
      bytes = bytes.subspan(part.size());
      offset += room;
      length -= room;
    }
    if (length == 0) return;
    CompareOverlap(next->second, next->first, offset, bytes);
    const std::uint64_t covered = std::min(length, next->second.length);
    const std::size_t covered_bytes = std::min<std::size_t>(covered, bytes.size());
    counters_.retransmitted_bytes += covered_bytes;
    bytes = bytes.subspan(covered_bytes);
    offset += covered;
    length -= covered;
  }
}

void TcpStream::CompareOverlap(const Held& held, std::uint64_t held_offset, std::uint64_t offset, ByteView bytes) {
  const std::uint64_t begin = std::max(held_offset, offset);
  const std::uint64_t end = std::min(held_offset + held.bytes.size(), offset + bytes.size());
  if (begin >= end) return;
  if (std::memcmp(held.bytes.data() + (begin - held_offset), bytes.data() + (begin - offset), end - begin) != 0) {
    environment_.anomalies.OnAnomaly(AnomalyCode::tcp_overlap_conflict);
  }
}

void TcpStream::DeliverNow(ByteView bytes, std::uint64_t length) {
  next_ += length;
  if (!bytes.empty()) {
    counters_.delivered_bytes += bytes.size();
    sink_.OnStreamData(direction_, bytes);
  }
  if (length > bytes.size()) {
    counters_.gap_bytes += length - bytes.size();
    sink_.OnStreamGap(direction_, length - bytes.size());
  }
}

void TcpStream::Drain() {
  while (!held_.empty() && held_.begin()->first <= next_) {
    auto node = held_.extract(held_.begin());
    Held& segment = node.mapped();
    held_bytes_ -= segment.bytes.size();
    environment_.held_bytes -= segment.bytes.size();
    const std::uint64_t old = std::min(next_ - node.key(), segment.length);
    const std::size_t old_bytes = std::min<std::size_t>(old, segment.bytes.size());
    counters_.retransmitted_bytes += old_bytes;
    if (segment.length > old) DeliverNow(ByteView(segment.bytes).subspan(old_bytes), segment.length - old);
    hole_since_.reset();
    segments_since_hole_ = 0;
  }
  if (held_.empty()) hole_since_.reset();
}

void TcpStream::StartAtFirstHeld() {
  if (held_.empty()) return;
  synced_ = true;
  next_ = held_.begin()->first;
  hole_since_.reset();
  Drain();
}

void TcpStream::OnFin(std::uint32_t sequence_after_payload, PacketTime now) {
  if (!anchored_) Anchor(sequence_after_payload);
  const std::uint64_t offset = OffsetOf(sequence_after_payload);
  if (!fin_ || offset < *fin_) fin_ = offset;
  if (!synced_ && held_.empty()) {
    synced_ = true;
    next_ = offset;
  }
  GiveUpHoles(now, false);
  CheckEnd();
}

void TcpStream::CheckEnd() {
  if (ended_ || !fin_ || !synced_ || next_ < *fin_) return;
  ended_ = true;
  sink_.OnStreamEnd(direction_);
}

void TcpStream::OnAcknowledgement(std::uint32_t sequence, PacketTime now) {
  if (!anchored_) return;
  const std::uint64_t offset = OffsetOf(sequence);
  if (offset > acknowledged_ && (!synced_ || offset <= next_ + kWindowMax)) acknowledged_ = offset;
  if (!held_.empty()) GiveUpHoles(now, false);
}

bool TcpStream::AcceptsReset(std::uint32_t sequence) const {
  if (!anchored_ || !synced_) return true;
  const std::uint64_t offset = OffsetOf(sequence);
  return offset + kResetWindow >= next_ && offset <= next_ + kResetWindow;
}

bool TcpStream::HoldsTooMuch() const {
  return held_bytes_ > environment_.limits.flow_held_bytes || held_.size() > environment_.limits.flow_held_segments;
}

void TcpStream::GiveUpHoles(PacketTime now, bool all) {
  if (!synced_ && hole_since_ && (all || now - *hole_since_ >= kStartTime)) StartAtFirstHeld();
  while (synced_ && !held_.empty()) {
    if (!hole_since_) hole_since_ = now;
    const Duration age = now - *hole_since_;
    const std::uint64_t hole_end = held_.begin()->first;
    const bool acknowledged = acknowledged_ >= hole_end;
    const bool waited = acknowledged ? age >= kHoleTime || segments_since_hole_ > kHoleSegments : age >= kUnacknowledgedHoleTime;
    if (!all && !waited && !HoldsTooMuch()) return;
    if (HoldsTooMuch()) environment_.counters.Add(Counter::tcp_holes_given_up_at_limit);
    TellGap(hole_end - next_);
    Drain();
  }
}

void TcpStream::TellGap(std::uint64_t length) {
  const std::uint64_t acknowledged = acknowledged_ > next_ ? std::min(acknowledged_ - next_, length) : 0;
  counters_.gap_bytes += length;
  counters_.lost_before_sensor_bytes += acknowledged;
  environment_.counters.Add(Counter::tcp_gap_bytes, length);
  environment_.counters.Add(Counter::tcp_lost_before_sensor_bytes, acknowledged);
  next_ += length;
  sink_.OnStreamGap(direction_, length);
}

void TcpStream::Close(PacketTime now) {
  if (ended_) return;
  GiveUpHoles(now, true);
  // What the receiver acknowledged behind the last byte seen was sent and never reached the sensor.
  if (synced_ && acknowledged_ > next_) {
    const std::uint64_t limit = fin_ ? *fin_ : acknowledged_ - 1;  // a FIN that was not seen counts one
    if (limit > next_) TellGap(limit - next_);
  }
  ended_ = true;
  sink_.OnStreamEnd(direction_);
}

}  // namespace spanwatch::flow
