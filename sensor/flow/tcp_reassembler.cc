#include "flow/tcp_reassembler.h"

#include <algorithm>
#include <cstring>

#include "telemetry/anomaly_codes.h"

namespace spanwatch::flow {
namespace {

// The first sequence number seen; what lies before it has positions below.
constexpr std::uint64_t kFirstPosition = std::uint64_t{1} << 32;
// No window reaches further (RFC 7323 section 2.3), and no repeat lies further back in practice.
constexpr std::int64_t kFurthestAhead = std::int64_t{1} << 30;
constexpr std::int64_t kFurthestBehind = std::int64_t{1} << 24;
// So many urgent bytes of a direction may be ahead; a receiver knows one.
constexpr std::size_t kUrgentAhead = 64;

std::int64_t Distance(std::uint32_t from, std::uint32_t to) { return static_cast<std::int32_t>(to - from); }

}  // namespace

TcpReassembler::TcpReassembler(const ReassemblyContext& context, const Reordering& reordering, StreamSink& sink,
                               DirectionCounters& counters, Direction direction)
    : context_(context),
      reordering_(reordering),
      sink_(sink),
      counters_(counters),
      direction_(direction),
      next_(kFirstPosition),
      acknowledgements_(reordering),
      waiting_(context.blocks),
      history_(context.history_blocks, context.limits.flow_history_bytes) {}

TcpReassembler::~TcpReassembler() {
  for (const Aside& aside : aside_) context_.blocks.Return(aside.block);
}

void TcpReassembler::Start(std::uint32_t sequence) noexcept {
  if (!located_) {
    located_ = true;
    next_sequence_ = sequence;
  } else {
    const std::uint64_t start = PositionOf(sequence);
    if (!AllDelivered() && waiting_.begin() < start) return StartAtFirstHeld();  // the bytes say otherwise
    next_ = start;
    next_sequence_ = sequence;
  }
  started_ = true;
  DrainHeld();
}

void TcpReassembler::StartAtFirstHeld() noexcept {
  if (started_ || AllDelivered()) return;
  next_sequence_ += static_cast<std::uint32_t>(waiting_.begin() - next_);
  next_ = waiting_.begin();
  started_ = true;
  DrainHeld();
}

bool TcpReassembler::Plausible(std::uint32_t sequence) const noexcept {
  if (!located_) return true;
  const std::int64_t distance = Distance(next_sequence_, sequence);
  return distance <= kFurthestAhead && distance >= -kFurthestBehind;
}

std::uint64_t TcpReassembler::PositionOf(std::uint32_t sequence) const noexcept {
  return located_ ? next_ + static_cast<std::uint64_t>(Distance(next_sequence_, sequence)) : kFirstPosition;
}

void TcpReassembler::OnSegment(const Segment& segment, Moment moment) noexcept {
  if (!located_) {
    located_ = true;
    next_sequence_ = segment.sequence;
  }
  const bool kept_aside = segment.doubt.has_value() && started_;
  if (segment.urgent.has_value() && !kept_aside) NoteUrgent(*segment.urgent);
  const bool awaited = !aside_.empty() || acknowledgements_.doubts();  // an acknowledgement came before its bytes
  if (started_ && segment.sequence == next_sequence_ && AllDelivered() && !kept_aside && !awaited) {
    if (!segment.payload.empty()) Deliver(segment.payload);
    if (segment.length > segment.payload.size())
      TellGap(segment.length - segment.payload.size(), GapReason::kSnapLength);
    return;
  }
  const bool had_hole = HasHole();
  if (kept_aside) {
    KeepAside(PositionOf(segment.sequence), segment);
  } else {
    Insert(PositionOf(segment.sequence), segment);
  }
  if (started_) DrainHeld();
  acknowledgements_.OnSeen(Seen());
  DeliverAcknowledged();
  if (!had_hole || progress_next_ != next_) {
    progress_ = moment.time;
    progress_next_ = next_;
  }
  if (!HasHole()) progress_next_ = 0;
}

void TcpReassembler::OnAcknowledged(std::uint32_t sequence, std::uint64_t window, Moment moment) noexcept {
  if (located_ && Plausible(sequence)) acknowledgements_.See(PositionOf(sequence), window, Seen(), moment);
  DeliverAcknowledged();
}

void TcpReassembler::DeliverAcknowledged() noexcept {
  while (started_ && !aside_.empty() && aside_.front().position == next_ &&
         acknowledgements_.believed() >= aside_.front().end()) {
    DeliverAside(GapReason::kAcknowledged);
    DrainHeld();
  }
}

bool TcpReassembler::heard() const noexcept { return acknowledgements_.believed() > kFirstPosition + 1; }

bool TcpReassembler::Contradicts(std::uint32_t sequence, ByteView bytes) const noexcept {
  std::uint64_t position = PositionOf(sequence);
  if (history_.Compare(position, bytes) == StreamHistory::Comparison::kDiffers) return true;
  while (!bytes.empty()) {
    WaitingBytes::Run there = waiting_.At(position);
    const std::size_t index = FindAside(position);
    if (there.kind == WaitingBytes::Kind::kNothing && index < aside_.size()) {
      const Aside& aside = aside_[index];
      if (aside.position <= position) {
        there = {WaitingBytes::Kind::kBytes, aside.end(), aside.block + (position - aside.position)};
      } else {
        there.end = std::min(there.end, aside.position);
      }
    }
    const std::size_t count = std::min<std::size_t>(bytes.size(), there.end - position);
    if (there.bytes != nullptr && std::memcmp(there.bytes, bytes.data(), count) != 0) return true;
    bytes = bytes.subspan(count);
    position += count;
  }
  return false;
}

std::uint64_t TcpReassembler::HoleEnd() const noexcept {
  std::uint64_t end = UINT64_MAX;
  if (!AllDelivered()) {
    end = waiting_.begin();
  } else if (fin_.has_value() && *fin_ > next_) {
    end = *fin_;
  }
  if (aside_.empty()) return end;
  const Aside& first = aside_.front();
  return std::min(end, first.position > next_ ? first.position : first.end());
}

Duration TcpReassembler::HoleTime() const noexcept {
  // It has not got past the hole: it stands there, or is still on its way and was heard since the hole appeared.
  const std::uint64_t acknowledged = acknowledgements_.believed();
  const bool standing = acknowledged < HoleEnd() && (acknowledged >= next_ || acknowledgements_.latest() >= progress_);
  return std::chrono::milliseconds(standing ? context_.limits.flow_standing_hole_time_ms
                                            : context_.limits.flow_hole_time_ms);
}

void TcpReassembler::ResolveHoles(Moment moment) noexcept {
  if (progress_next_ != next_) {
    progress_ = moment.time;
    progress_next_ = next_;
  }
  if (!settling_ || reordering_.Over(settling_since_, moment)) {
    if (settling_) settled_acknowledged_ = std::max(settled_acknowledged_, settling_acknowledged_);
    settling_acknowledged_ = acknowledgements_.believed();
    settling_since_ = moment;
    settling_ = true;
  }
  while (HasHole() && settled_acknowledged_ >= HoleEnd()) GiveUpHole(GapReason::kAcknowledged);
  if (HasHole() && moment.time - progress_ >= HoleTime()) {
    GiveUpHole(GapReason::kTimeout);
    while (!aside_.empty() && aside_.front().position == next_) GiveUpHole(GapReason::kTimeout);
    progress_ = moment.time;
    progress_next_ = next_;
  }
  if (!HasHole()) {
    settling_ = false;
    progress_next_ = 0;
  }
}

void TcpReassembler::Yield(PacketTime now) noexcept {
  const std::optional<PacketTime> since = waiting_since();
  if (!since || now - *since < std::chrono::milliseconds(context_.limits.flow_hole_time_ms)) return;
  StartAtFirstHeld();
  while (!AllDelivered() || !aside_.empty()) GiveUpHole(GapReason::kMemoryLimit);
}

void TcpReassembler::Finish() noexcept {
  StartAtFirstHeld();
  if (!started_) return;
  while (!AllDelivered() || !aside_.empty()) GiveUpHole(GapReason::kEnd);
  std::uint64_t end = fin_.value_or(next_);
  if (const std::uint64_t acknowledged = acknowledgements_.believed(); acknowledged != 0) {
    end = fin_.has_value() ? std::min(*fin_, acknowledged) : acknowledged;
    // One more than the bytes is the acknowledgement of a FIN that was not seen.
    if (!fin_.has_value() && end == next_ + 1) end = next_;
  }
  if (end > next_) TellGap(end - next_, GapReason::kEnd);
}

void TcpReassembler::Insert(std::uint64_t position, const Segment& segment) noexcept {
  const std::uint64_t begin = position;
  const std::uint64_t data_end = begin + segment.payload.size();
  const std::uint64_t end = begin + segment.length;
  while (position < end) {
    if (started_ && position < next_) {
      const std::uint64_t old_end = std::min(end, next_);
      if (position < data_end) {
        const auto from = static_cast<std::size_t>(position - begin);
        const auto to = static_cast<std::size_t>(std::min(old_end, data_end) - begin);
        SeeOld(position, segment.payload.subspan(from, to - from), OtherBytes::kConflict);
      }
      position = old_end;
      continue;
    }
    const WaitingBytes::Run waiting = waiting_.At(position);
    const std::uint64_t piece_end = std::min(position < data_end ? data_end : end, waiting.end);
    const ByteView from_here =
        position < data_end ? segment.payload.subspan(static_cast<std::size_t>(position - begin)) : ByteView();
    const ByteView piece = from_here.first(std::min<std::size_t>(from_here.size(), piece_end - position));
    if (waiting.kind != WaitingBytes::Kind::kNothing) {
      CompareWaiting(waiting, position, piece, OtherBytes::kConflict);
      position = piece_end;
      continue;
    }
    if (started_ && position == next_) {
      if (piece.empty()) {
        TellGap(piece_end - position, GapReason::kSnapLength);
      } else {
        Deliver(piece);
      }
      position = piece_end;
      continue;
    }
    const std::uint64_t held = Hold(position, piece, piece_end - position);
    if (held == 0) {
      MakeRoom(position);
    } else if (!aside_.empty() && !piece.empty()) {
      Supersede(position, piece.first(held));
    }
    position += held;
  }
}

void TcpReassembler::Repeated(std::uint64_t bytes) noexcept {
  counters_.retransmitted_bytes += bytes;
  context_.counters.Add(Counter::flow_bytes_retransmitted, bytes);
}

void TcpReassembler::SeeOld(std::uint64_t position, ByteView bytes, OtherBytes if_different) noexcept {
  const auto compared = history_.Compare(position, bytes);
  std::uint64_t late = 0;
  for (const Range& gap : gaps_) {
    const std::uint64_t begin = std::max(position, gap.begin);
    const std::uint64_t end = std::min(position + bytes.size(), gap.end);
    if (end > begin) late += end - begin;
  }
  counters_.dropped_bytes += late;
  context_.counters.Add(Counter::flow_bytes_dropped, late);
  Repeated(bytes.size() - late);
  if (compared == StreamHistory::Comparison::kSame) return;
  // A keep-alive repeats the last byte that was acknowledged, or sends any in its place (RFC 9293 section 3.8.4).
  const bool last_byte = bytes.size() == 1 && position + 1 == next_;
  if (last_byte && acknowledged() >= next_) return;
  const bool sure = compared == StreamHistory::Comparison::kDiffers && !(last_byte && acknowledged() == 0);
  sink_.OnOtherBytes(direction_, position, bytes, sure ? if_different : OtherBytes::kNotCompared);
}

void TcpReassembler::CompareWaiting(const WaitingBytes::Run& waiting, std::uint64_t position, ByteView bytes,
                                    OtherBytes if_different) noexcept {
  if (bytes.empty()) return;
  Repeated(bytes.size());
  if (waiting.kind == WaitingBytes::Kind::kCut) {
    return sink_.OnOtherBytes(direction_, position, bytes, OtherBytes::kNotCompared);
  }
  if (std::memcmp(waiting.bytes, bytes.data(), bytes.size()) != 0) {
    sink_.OnOtherBytes(direction_, position, bytes, if_different);
  }
}

void TcpReassembler::KeepAside(std::uint64_t position, const Segment& segment) noexcept {
  ByteView bytes = segment.payload;
  const auto take = [&](std::uint64_t end) {
    const ByteView piece = bytes.first(std::min<std::size_t>(bytes.size(), end - position));
    bytes = bytes.subspan(piece.size());
    return piece;
  };
  while (!bytes.empty()) {
    const std::uint64_t begin = position;
    if (position < next_) {
      const ByteView piece = take(next_);
      position += piece.size();
      SeeOld(begin, piece, OtherBytes::kDecoy);
      continue;
    }
    const WaitingBytes::Run waiting = waiting_.At(position);
    const std::size_t aside = FindAside(position);
    if (waiting.kind != WaitingBytes::Kind::kNothing) {
      const ByteView piece = take(waiting.end);
      position += piece.size();
      CompareWaiting(waiting, begin, piece, OtherBytes::kDecoy);
    } else if (aside < aside_.size() && aside_[aside].position <= position) {
      const ByteView piece = take(aside_[aside].end());
      position += piece.size();
      Repeated(piece.size());
      const std::uint8_t* const there = aside_[aside].block + (begin - aside_[aside].position);
      if (std::memcmp(there, piece.data(), piece.size()) != 0) {
        sink_.OnOtherBytes(direction_, begin, piece, OtherBytes::kDecoy);
      }
    } else {
      std::uint64_t end = std::min(waiting.end, position + context_.blocks.block_bytes());
      if (aside < aside_.size()) end = std::min(end, aside_[aside].position);
      const ByteView piece = take(end);
      position += piece.size();
      PutAside(aside, begin, piece, segment);
    }
  }
}

void TcpReassembler::PutAside(std::size_t index, std::uint64_t position, ByteView bytes,
                              const Segment& segment) noexcept {
  std::uint8_t* const block = HasRoom() ? context_.blocks.Take() : nullptr;
  if (block == nullptr) {
    counters_.dropped_bytes += bytes.size();
    context_.counters.Add(Counter::flow_bytes_dropped, bytes.size());
    return sink_.OnOtherBytes(direction_, position, bytes, OtherBytes::kNotCompared);
  }
  std::memcpy(block, bytes.data(), bytes.size());
  aside_.insert(aside_.begin() + static_cast<std::ptrdiff_t>(index),
                {position, static_cast<std::uint32_t>(bytes.size()), *segment.doubt, segment.hop_limit, block});
}

void TcpReassembler::Supersede(std::uint64_t position, ByteView bytes) noexcept {
  const std::uint64_t end = position + bytes.size();
  std::size_t index = FindAside(position);
  while (index < aside_.size() && aside_[index].position < end) {
    Aside& aside = aside_[index];
    const std::uint64_t from = std::max(position, aside.position);
    const std::uint64_t to = std::min(end, aside.end());
    const ByteView other(aside.block + (from - aside.position), static_cast<std::size_t>(to - from));
    Repeated(other.size());
    if (std::memcmp(other.data(), bytes.data() + (from - position), other.size()) != 0) {
      sink_.OnOtherBytes(direction_, from, other, OtherBytes::kDecoy);
    }
    // What lies behind goes on in the same block; before it only where nothing lies behind.
    if (to < aside.end()) {
      if (from > aside.position) {
        const ByteView before(aside.block, static_cast<std::size_t>(from - aside.position));
        Repeated(before.size());
        sink_.OnOtherBytes(direction_, aside.position, before, OtherBytes::kNotCompared);
      }
      std::memmove(aside.block, aside.block + (to - aside.position), static_cast<std::size_t>(aside.end() - to));
      aside.length = static_cast<std::uint32_t>(aside.end() - to);
      aside.position = to;
      return;
    }
    if (from > aside.position) {
      aside.length = static_cast<std::uint32_t>(from - aside.position);
      ++index;
    } else {
      DropAside(index);
    }
  }
}

void TcpReassembler::DropAside(std::size_t index) noexcept {
  context_.blocks.Return(aside_[index].block);
  aside_.erase(aside_.begin() + static_cast<std::ptrdiff_t>(index));
}

void TcpReassembler::DeliverAside(GapReason reason) noexcept {
  const Aside aside = aside_.front();
  aside_.erase(aside_.begin());
  if (reason != GapReason::kEnd) sink_.OnDoubtRefuted(direction_, aside.doubt, aside.hop_limit);
  Deliver({aside.block, aside.length});
  context_.blocks.Return(aside.block);
}

std::size_t TcpReassembler::FindAside(std::uint64_t position) const noexcept {
  const auto found = std::ranges::partition_point(aside_, [&](const Aside& aside) { return aside.end() <= position; });
  return static_cast<std::size_t>(found - aside_.begin());
}

bool TcpReassembler::HasRoom() const noexcept {
  const std::size_t blocks = waiting_.blocks() + aside_.size() + 1;
  return blocks * context_.blocks.block_bytes() <= context_.limits.flow_out_of_order_bytes;
}

std::uint64_t TcpReassembler::Hold(std::uint64_t position, ByteView bytes, std::uint64_t cut_length) noexcept {
  memory_was_short_ = false;
  if ((bytes.empty() || waiting_.TakesBlock(position)) && !HasRoom()) return 0;
  if (bytes.empty()) {
    waiting_.PutCut(position, cut_length);
    return cut_length;
  }
  const std::size_t held = waiting_.Put(position, bytes);
  memory_was_short_ = held == 0;
  context_.counters.Set(Counter::flow_held_bytes, context_.blocks.blocks_in_use() * context_.blocks.block_bytes());
  return held;
}

void TcpReassembler::MakeRoom(std::uint64_t position) noexcept {
  const GapReason reason = memory_was_short_ ? GapReason::kMemoryLimit : GapReason::kBufferLimit;
  context_.anomalies.OnAnomaly(AnomalyCode::tcp_out_of_order_limit);
  if (!started_) {
    const std::uint64_t start = AllDelivered() ? position : std::min(position, waiting_.begin());
    next_sequence_ += static_cast<std::uint32_t>(start - next_);
    next_ = start;
    started_ = true;
    return DrainHeld();
  }
  if (AllDelivered() || position < waiting_.begin()) return TellGap(position - next_, reason);
  GiveUpHole(reason);
}

void TcpReassembler::Deliver(ByteView bytes) noexcept {
  if (!aside_.empty()) [[unlikely]]
    Supersede(next_, bytes);
  while (!urgent_.empty() && urgent_.front() < next_ + bytes.size()) [[unlikely]] {
    const std::uint64_t position = urgent_.front();
    urgent_.erase(urgent_.begin());
    if (position < next_) continue;
    const auto before = static_cast<std::size_t>(position - next_);
    PassOn(bytes.first(before));
    PassUrgent(bytes.subspan(before, 1));
    bytes = bytes.subspan(before + 1);
  }
  PassOn(bytes);
}

void TcpReassembler::PassOn(ByteView bytes) noexcept {
  if (bytes.empty()) return;
  history_.Add(next_, bytes);
  counters_.delivered_bytes += bytes.size();
  context_.counters.Add(Counter::flow_bytes_delivered, bytes.size());
  Advance(bytes.size());
  sink_.OnStreamData(direction_, bytes);
}

void TcpReassembler::PassUrgent(ByteView byte) noexcept {
  const std::uint64_t position = next_;
  history_.Add(position, byte);
  ++counters_.delivered_bytes;
  context_.counters.Add(Counter::flow_bytes_delivered);
  Advance(1);
  sink_.OnOtherBytes(direction_, position, byte, OtherBytes::kUrgent);
}

void TcpReassembler::NoteUrgent(std::uint32_t sequence) noexcept {
  if (!Plausible(sequence) || urgent_.size() == kUrgentAhead) return;
  const std::uint64_t position = PositionOf(sequence);
  const auto at = std::ranges::lower_bound(urgent_, position);
  if (position >= next_ && (at == urgent_.end() || *at != position)) urgent_.insert(at, position);
}

void TcpReassembler::TellGap(std::uint64_t length, GapReason reason) noexcept {
  const std::uint64_t end = next_ + length;
  while (!aside_.empty() && aside_.front().position < end) {
    if (aside_.front().position > next_) TellMissing(aside_.front().position - next_, reason);
    DeliverAside(reason);
  }
  if (end > next_) TellMissing(end - next_, reason);
}

void TcpReassembler::TellMissing(std::uint64_t length, GapReason reason) noexcept {
  constexpr Counter kCounterOf[] = {Counter::flow_gap_acknowledged, Counter::flow_gap_timeout, Counter::flow_gap_buffer,
                                    Counter::flow_gap_memory,       Counter::flow_gap_end,     Counter::flow_gap_snap};
  context_.counters.Add(kCounterOf[static_cast<std::size_t>(reason)], length);
  counters_.gap_bytes += length;
  if (reason != GapReason::kSnapLength) {
    const auto before = [&](std::uint64_t position) { return std::min(length, std::max(position, next_) - next_); };
    const std::uint64_t lost = before(acknowledgements_.believed());
    const std::uint64_t sure = before(acknowledgements_.sure());
    counters_.lost_before_sensor_bytes += lost;
    counters_.lost_unsure_bytes += lost - sure;
    context_.counters.Add(Counter::lost_before_sensor_bytes, sure);
    context_.counters.Add(Counter::lost_unsure_bytes, lost - sure);
  }
  gaps_[next_gap_] = {next_, next_ + length};
  next_gap_ = static_cast<std::uint8_t>((next_gap_ + 1) % gaps_.size());
  Advance(length);
  sink_.OnStreamGap(direction_, length);
}

void TcpReassembler::GiveUpHole(GapReason reason) noexcept {
  const std::uint64_t end = HoleEnd();
  if (end > next_) TellGap(end - next_, reason);
  DrainHeld();
}

void TcpReassembler::DrainHeld() noexcept {
  if (AllDelivered()) return;
  while (!AllDelivered() && waiting_.begin() == next_) {
    const WaitingBytes::Run run = waiting_.At(next_);
    const std::uint64_t length = run.end - next_;
    if (run.kind == WaitingBytes::Kind::kCut) {
      TellGap(length, GapReason::kSnapLength);
    } else {
      Deliver({run.bytes, static_cast<std::size_t>(length)});
    }
    waiting_.PopFront();
  }
  context_.counters.Set(Counter::flow_held_bytes, context_.blocks.blocks_in_use() * context_.blocks.block_bytes());
}

}  // namespace spanwatch::flow
