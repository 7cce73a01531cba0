#include "flow/conversation.h"

#include <algorithm>
#include <span>
#include <utility>

#include "telemetry/anomaly_codes.h"

namespace spanwatch::flow {
namespace {

constexpr std::array kSides = {Direction::kFromClient, Direction::kFromServer};
// A RST counts so far around the next byte: windows are not known exactly, and data refutes a wrong one.
constexpr std::int64_t kResetBehind = 65536, kResetAhead = 1 << 20;
// A SYN so near to the stream is that of its own beginning, seen late.
constexpr std::uint64_t kLateSyn = 1 << 20;
// A FIN so far beyond all that was seen and granted has the numbers of another connection.
constexpr std::uint64_t kFinAhead = 1 << 24;
// So many segments in a row that fit one another but not the connection are another connection.
constexpr std::uint8_t kImplausibleInARow = 4;
constexpr std::uint32_t kLongestSegment = 1u << 24;
// Bytes that came again and were not compared are told from here on, when they are half of all that was passed on.
constexpr std::uint64_t kRepeatTold = 65536;
// Stray bytes of a direction that have no harmless reason: three segments come before another connection of the same
// ports is recognised as one, and a reset may carry a text that says why.
constexpr std::uint64_t kStrayTold = 8192;
// Urgent bytes of a direction: a terminal sends a few.
constexpr std::uint64_t kUrgentTold = 8;

bool Has(const DecodedPacket& packet, std::uint8_t flag) { return (packet.tcp.flags & flag) != 0; }

// Of the first payload byte: a SYN takes one number.
std::uint32_t DataSequence(const DecodedPacket& packet) {
  return packet.tcp.sequence + (Has(packet, TcpFields::kSyn) ? 1 : 0);
}

Counter CounterOf(Doubt doubt) {
  constexpr Counter kCounters[] = {Counter::flow_doubted_no_acknowledgement,
                                   Counter::flow_doubted_acknowledgement,
                                   Counter::flow_doubted_checksum,
                                   Counter::flow_doubted_length,
                                   Counter::flow_doubted_hop_limit,
                                   Counter::flow_doubted_ip_options,
                                   Counter::flow_doubted_signature,
                                   Counter::flow_doubted_timestamp,
                                   Counter::flow_doubted_window};
  static_assert(std::size(kCounters) == kCountOf<Doubt>);
  return kCounters[static_cast<std::size_t>(doubt)];
}

Counter CounterOf(CloseReason reason) {
  switch (reason) {
    case CloseReason::kFinished:
      return Counter::flows_finished;
    case CloseReason::kReset:
      return Counter::flows_reset;
    case CloseReason::kIdle:
      return Counter::flows_idle;
    case CloseReason::kEvicted:
      return Counter::flows_evicted;
    case CloseReason::kFlood:
      return Counter::flows_flood;
    case CloseReason::kShutdown:
      return Counter::flows_shutdown;
  }
  return Counter::flows_shutdown;
}

// In a tunnel, packets that its outer header cut into fragments come later than small ones that it did not: they wait
// for their last fragment, and live for another inspector that joins them (inspector/handover.h).
Reordering ReorderingOf(const config::Limits& limits, const DecodedPacket& first) {
  const auto layers = std::span(first.encapsulations).first(first.encapsulation_count);
  if (std::ranges::any_of(layers, IsTunnel)) {
    return {UINT64_MAX, std::chrono::milliseconds(limits.flow_tunnel_reorder_time_ms)};
  }
  return {limits.flow_reorder_packets_count, std::chrono::milliseconds(limits.flow_reorder_time_ms)};
}

}  // namespace

Conversation::Conversation(const ConversationContext& context, const FlowKey& key, std::uint64_t serial,
                           const DecodedPacket& first, std::optional<EarlySyn> early_syn)
    : context_(context),
      key_(key),
      serial_(serial),
      reordering_(ReorderingOf(context.reassembly.limits, first)),
      last_packet_(first.time) {
  info_.id = key.Hash(static_cast<std::uint64_t>(Nanoseconds(first.time)));
  info_.client = first.source;
  info_.server = first.destination;
  info_.transport = first.transport;
  info_.ip_protocol = first.ip_protocol;
  info_.start = info_.now = first.time;
  info_.vlan = first.vlan;
  info_.encapsulations = first.encapsulations;
  info_.encapsulation_count = first.encapsulation_count;
  info_.interface_index = first.interface_index;
  if (info_.transport != Transport::kTcp) return;
  StreamSink& sink = *this;
  for (const Direction side : kSides) {
    streams_[Index(side)].emplace(context.reassembly, reordering_, sink, sides_[Index(side)], side);
  }
  ChooseRoles(first);
  if (early_syn.has_value()) {
    const Direction side = early_syn->sender == first.source ? Direction::kFromClient : Direction::kFromServer;
    SetClient(side);
    first_sequence_[Index(side)] = early_syn->sequence;
    window_scale_[Index(side)] = early_syn->window_scale;
    Stream(side).Start(early_syn->sequence + 1);
  }
}

Conversation::~Conversation() = default;

void Conversation::ChooseRoles(const DecodedPacket& first) {
  const bool answers = Has(first, TcpFields::kSyn) && Has(first, TcpFields::kAck);
  const bool joined = !Has(first, TcpFields::kSyn) && first.source.port < first.destination.port;
  if (answers || joined) SetClient(Direction::kFromServer);
}

void Conversation::SetClient(Direction side) {
  if (consumer_ != nullptr || flipped_ == (side == Direction::kFromServer)) return;
  std::swap(info_.client, info_.server);
  flipped_ = !flipped_;
}

Conversation::Outcome Conversation::OnPacket(const DecodedPacket& packet) noexcept {
  const Direction side = SideOf(packet);
  info_.now = packet.time;
  Outcome outcome = Outcome::kContinue;
  if (info_.transport == Transport::kTcp) {
    outcome = OnTcp(packet, side);
  } else {
    OnDatagram(packet, side);
  }
  if (outcome == Outcome::kNewConversation) return outcome;
  if (packet.time > last_packet_) last_packet_ = packet.time;
  if (consumer_ != nullptr && packet.time >= next_report_) Report();
  return outcome;
}

void Conversation::OnDatagram(const DecodedPacket& packet, Direction side) {
  if (!CountPacket(packet, side, true) || packet.payload_length == 0) return;
  if (!packet.payload.empty()) {
    sides_[Index(side)].delivered_bytes += packet.payload.size();
    context_.reassembly.counters.Add(Counter::flow_bytes_delivered, packet.payload.size());
    OnStreamData(side, packet.payload);
  }
  if (packet.payload_length > packet.payload.size()) {
    const std::uint64_t cut = packet.payload_length - packet.payload.size();
    sides_[Index(side)].gap_bytes += cut;
    context_.reassembly.counters.Add(Counter::flow_gap_snap, cut);
    OnStreamGap(side, cut);
  }
}

Conversation::Outcome Conversation::OnTcp(const DecodedPacket& packet, Direction side) {
  if (IsTwin(packet, side)) {
    OnTwin(packet, side);
    return Outcome::kContinue;
  }
  if (FollowsEarlySyn(packet, side)) return Outcome::kNewConversation;
  if (IsOfAnother(packet, side)) {
    early_syn_.reset();
    return Outcome::kNewConversation;
  }
  if (closed_) {
    context_.reassembly.counters.Add(Counter::flow_packets_after_close);
    return Outcome::kContinue;
  }
  TcpReassembler& stream = Stream(side);
  const std::uint32_t sequence = DataSequence(packet);
  const bool syn = Has(packet, TcpFields::kSyn);
  if (!syn && (!stream.Plausible(sequence) || packet.payload_length > kLongestSegment))
    return OnImplausible(packet, side);
  // What comes next in the stream cannot have been seen. Equal acknowledgements without an IP identification are no
  // sign of a mirrored frame: a receiver repeats them for each segment that comes out of order.
  const bool next = packet.payload_length != 0 && stream.started() && sequence == stream.next_sequence();
  const bool plain = packet.payload_length == 0 && packet.ip_id == 0 && packet.tcp.flags == TcpFields::kAck;
  if (!CountPacket(packet, side, !next && !plain)) return Outcome::kContinue;
  ++packets_;
  if (syn) {
    if (SynOfAnother(packet, side)) {
      OnEarlySyn(packet, side);
      return Outcome::kContinue;
    }
    OnSyn(packet, side);
  }
  const std::optional<Doubt> doubt = Examine(packet, side);
  if (!doubt) Acknowledge(packet, side);
  if (Has(packet, TcpFields::kRst)) {
    OnReset(packet, side);
  } else {
    if (packet.payload_length != 0) OnSegment(packet, side, doubt);
    if (Has(packet, TcpFields::kFin)) OnFin(packet, side);
  }
  AfterTcp(packet);
  return Outcome::kContinue;
}

bool Conversation::IsTwin(const DecodedPacket& packet, Direction side) const {
  const TcpReassembler& stream = *streams_[Index(side)];
  if (!stream.located()) return false;
  const std::uint32_t sequence = DataSequence(packet);
  const bool expected = Has(packet, TcpFields::kSyn)
                            ? closing() || !SynOfAnother(packet, side)
                            : stream.Plausible(sequence) && stream.PositionOf(sequence) <= stream.reach();
  if (expected) return false;
  const Duration window = std::chrono::microseconds(context_.reassembly.limits.flow_duplicate_window_us);
  return duplicates_[Index(side)].SeenRenumbered(packet, window);
}

void Conversation::OnTwin(const DecodedPacket& packet, Direction side) {
  ++sides_[Index(side)].duplicate_frames;
  context_.reassembly.counters.Add(Counter::flow_packets_duplicate);
  if (closed_) return;
  // What it acknowledges may have the numbers that the other direction goes by.
  Acknowledge(packet, side);
  AfterTcp(packet);
}

std::optional<Doubt> Conversation::Examine(const DecodedPacket& packet, Direction side) {
  SegmentChecks& checks = checks_[Index(side)];
  const TcpReassembler& stream = Stream(side);
  const bool judged = packet.payload_length != 0 && stream.started() && !Has(packet, TcpFields::kSyn | TcpFields::kRst);
  std::optional<Doubt> doubt;
  if (judged) {
    const bool window_known = window_scale_[0].has_value() && window_scale_[1].has_value();
    doubt = checks.Judge(packet, stream, window_known, {Stream(Opposite(side)), largest_window_[Index(side)]});
    if (doubt) context_.reassembly.counters.Add(CounterOf(*doubt));
  }
  checks.Learn(packet, doubt.has_value(), stream.PositionOf(DataSequence(packet)) <= stream.next());
  return doubt;
}

void Conversation::Acknowledge(const DecodedPacket& packet, Direction side) {
  if (!Has(packet, TcpFields::kAck)) return;
  std::uint64_t& largest = largest_window_[Index(side)];
  largest = std::max(largest, WindowOf(packet, side));
  Stream(Opposite(side)).OnAcknowledged(packet.tcp.acknowledgement, WindowOf(packet, side), {packet.time, packets_});
}

// RFC 7323 section 2.2: that of a SYN is never scaled, the others are when both SYNs offer it. Where the SYN was not
// seen, the scale is not known, and the window counts as written: too small rather than too large.
std::uint64_t Conversation::WindowOf(const DecodedPacket& packet, Direction side) const {
  const std::uint8_t own = window_scale_[Index(side)].value_or(TcpFields::kNoWindowScale);
  const bool refused = window_scale_[Index(Opposite(side))] == TcpFields::kNoWindowScale;
  if (Has(packet, TcpFields::kSyn) || own == TcpFields::kNoWindowScale || refused) return packet.tcp.window;
  return std::uint64_t{packet.tcp.window} << own;
}

bool Conversation::SynOfAnother(const DecodedPacket& packet, Direction side) const {
  const std::optional<std::uint32_t>& first = first_sequence_[Index(side)];
  if (first.has_value()) return *first != packet.tcp.sequence;
  const TcpReassembler& stream = *streams_[Index(side)];
  if (!stream.located()) return false;
  const std::uint32_t sequence = DataSequence(packet);
  return !stream.Plausible(sequence) || stream.PositionOf(sequence) + kLateSyn < stream.next() ||
         stream.PositionOf(sequence) > stream.next();
}

bool Conversation::IsOfAnother(const DecodedPacket& packet, Direction side) const {
  if (!closed_ && !closing() && !ended_[Index(side)]) return false;
  if (Has(packet, TcpFields::kRst)) return closed_ && packet.payload_length != 0;
  if (Has(packet, TcpFields::kSyn) && closing() && SynOfAnother(packet, side)) return true;
  // Bytes behind the acknowledged end: whatever they are, they are looked at.
  const TcpReassembler& stream = *streams_[Index(side)];
  if (packet.payload_length == 0 || !(closed_ || ended_[Index(side)])) return false;
  const std::uint32_t sequence = DataSequence(packet);
  if (!stream.Plausible(sequence) || !stream.located()) return true;
  return stream.PositionOf(sequence) + packet.payload_length > stream.next();
}

bool Conversation::FollowsEarlySyn(const DecodedPacket& packet, Direction side) const {
  if (!early_syn_.has_value() || Has(packet, TcpFields::kRst)) return false;
  const bool from_opener = packet.source == early_syn_->sender;
  const bool syn = Has(packet, TcpFields::kSyn);
  if (!from_opener) {
    // It may acknowledge the SYN's payload or not.
    const std::uint32_t acknowledged = packet.tcp.acknowledgement - early_syn_->sequence - 1;
    return syn && Has(packet, TcpFields::kAck) && acknowledged <= early_syn_->length &&
           !checks_[Index(side)].LooksForged(packet);
  }
  // What comes next in the stream belongs to it, whatever a SYN before it said.
  if (streams_[Index(side)]->started() && packet.tcp.sequence == streams_[Index(side)]->next_sequence()) return false;
  // Nobody's answers are seen: the opener going on is all there is.
  const bool one_sided = sides_[Index(Opposite(side))].packets == 0;
  return one_sided && !syn && packet.tcp.sequence == early_syn_->sequence + 1;
}

void Conversation::OnSyn(const DecodedPacket& packet, Direction side) {
  const bool answers = Has(packet, TcpFields::kAck);
  (answers ? answered_ : opened_)[Index(side)] = true;
  if (!RolesContradict()) SetClient(answers ? Opposite(side) : side);
  first_sequence_[Index(side)] = packet.tcp.sequence;
  window_scale_[Index(side)] = packet.tcp.window_scale;
  if (!Stream(side).started()) Stream(side).Start(DataSequence(packet));
  if (answers) answered_start_[Index(Opposite(side))] = packet.tcp.acknowledgement;
}

bool Conversation::RolesContradict() const {
  return (opened_[0] && opened_[1]) || (answered_[0] && answered_[1]) || (opened_[0] && answered_[0]) ||
         (opened_[1] && answered_[1]);
}

void Conversation::OnEarlySyn(const DecodedPacket& packet, Direction side) {
  SearchApart(packet, side, true);
  if (Has(packet, TcpFields::kAck)) {
    context_.reassembly.anomalies.OnAnomaly(AnomalyCode::tcp_sequence_implausible);
  } else {
    early_syn_ = EarlySyn{packet.source, packet.tcp.sequence, packet.tcp.window_scale, packet.payload_length};
  }
}

Conversation::Outcome Conversation::OnImplausible(const DecodedPacket& packet, Direction side) {
  std::uint8_t& count = implausible_count_[Index(side)];
  std::uint32_t& expected = implausible_next_[Index(side)];
  const bool carries = packet.payload_length != 0 && !Has(packet, TcpFields::kRst);
  if (carries) {
    count = count != 0 && packet.tcp.sequence == expected ? static_cast<std::uint8_t>(count + 1) : 1;
    expected = packet.tcp.sequence + packet.payload_length;
    if (count >= kImplausibleInARow) return Outcome::kNewConversation;
  }
  if (!CountPacket(packet, side, true)) return Outcome::kContinue;
  SearchApart(packet, side, false);
  context_.reassembly.anomalies.OnAnomaly(Has(packet, TcpFields::kRst) ? AnomalyCode::tcp_reset_ignored
                                                                       : AnomalyCode::tcp_sequence_implausible);
  return Outcome::kContinue;
}

void Conversation::OnSegment(const DecodedPacket& packet, Direction side, std::optional<Doubt> doubt) {
  TcpReassembler& stream = Stream(side);
  const std::uint32_t sequence = DataSequence(packet);
  const std::uint64_t end = stream.PositionOf(sequence) + packet.payload_length;
  if (stream.fin().has_value() && end > *stream.fin()) {
    stream.SetFin(std::nullopt);
    context_.reassembly.anomalies.OnAnomaly(AnomalyCode::tcp_fin_refuted);
  }
  if (reset_ && reset_by_ == side && end > stream.next()) {
    reset_ = false;
    context_.reassembly.anomalies.OnAnomaly(AnomalyCode::tcp_reset_ignored);
  }
  if (!stream.started() && answered_start_[Index(side)] == sequence) stream.Start(sequence);
  if (!stream.started()) {
    if (!grace_.has_value()) grace_ = {packet.time, side, packet.tcp.acknowledgement};
    ++grace_->segments;
  }
  std::optional<std::uint32_t> urgent;
  if (Has(packet, TcpFields::kUrg)) {
    // As all but everybody does, and RFC 6093 section 3.4 advises: the pointer is to the byte behind it.
    urgent = sequence + std::max<std::uint32_t>(packet.tcp.urgent, 1) - 1;
  }
  stream.OnSegment({sequence, packet.payload_length, packet.payload, doubt, packet.hop_limit, urgent},
                   {packet.time, packets_});
}

void Conversation::OnFin(const DecodedPacket& packet, Direction side) {
  TcpReassembler& stream = Stream(side);
  const std::uint32_t sequence = DataSequence(packet);
  if (!stream.located()) stream.Start(sequence);
  const std::uint64_t end = stream.PositionOf(sequence) + packet.payload_length;
  if (end > stream.reach() + kFinAhead) {
    context_.reassembly.anomalies.OnAnomaly(AnomalyCode::tcp_sequence_implausible);
    return;
  }
  // Bytes behind it were seen already: as when they come later, they refute it.
  if (end < stream.furthest()) {
    context_.reassembly.anomalies.OnAnomaly(AnomalyCode::tcp_fin_refuted);
    return;
  }
  if (!ended_[Index(side)] && (!stream.fin().has_value() || end > *stream.fin())) stream.SetFin(end);
}

void Conversation::OnReset(const DecodedPacket& packet, Direction side) {
  SearchApart(packet, side, false);
  const TcpReassembler& stream = Stream(side);
  if (stream.started()) {
    const auto distance = static_cast<std::int64_t>(stream.PositionOf(packet.tcp.sequence) - stream.next());
    if (distance < -kResetBehind || distance > kResetAhead) {
      context_.reassembly.anomalies.OnAnomaly(AnomalyCode::tcp_reset_ignored);
      return;
    }
  }
  reset_ = true;
  reset_by_ = side;
}

void Conversation::AfterTcp(const DecodedPacket& packet) {
  if (grace_.has_value() &&
      (grace_->segments >= reordering_.packets || packet.time - grace_->since >= reordering_.time)) {
    EndGrace();
  }
  for (const Direction side : kSides) {
    if (Stream(side).HasHole()) Stream(side).ResolveHoles({packet.time, packets_});
  }
  TellEnds();
}

void Conversation::EndGrace() {
  if (!grace_.has_value()) return;
  // A request before its response, whoever is client: what was seen first, unless it answers what came after it.
  Direction first = grace_->first;
  if (Stream(Opposite(first)).HoldsBefore(grace_->acknowledgement)) first = Opposite(first);
  grace_.reset();
  Stream(first).StartAtFirstHeld();
  Stream(Opposite(first)).StartAtFirstHeld();
}

void Conversation::TellEnds() {
  for (const Direction side : kSides) {
    const TcpReassembler& stream = Stream(side);
    if (ended_[Index(side)] || !stream.started() || !stream.Complete()) continue;
    if (!stream.AcknowledgedUpTo(*stream.fin() + 1)) continue;
    ended_[Index(side)] = true;
    if (consumer_ != nullptr) consumer_->OnEnd(Told(side));
  }
  if (ended_[0] && ended_[1]) Close(CloseReason::kFinished);
}

bool Conversation::Ended() const {
  if (info_.transport != Transport::kTcp) return false;
  bool any = false;
  for (const Direction side : kSides) {
    if (sides_[Index(side)].packets == 0) continue;
    if (!streams_[Index(side)]->started() || !streams_[Index(side)]->Complete()) return false;
    any = true;
  }
  return any;
}

CloseReason Conversation::OwnReason(CloseReason otherwise) const {
  if (reset_) return CloseReason::kReset;
  return Ended() ? CloseReason::kFinished : otherwise;
}

void Conversation::Close(CloseReason reason) noexcept {
  if (closed_) return;
  closed_ = true;
  if (info_.transport == Transport::kTcp) {
    EndGrace();
    Stream(Told(Direction::kFromClient)).Finish();
    Stream(Told(Direction::kFromServer)).Finish();
  }
  if (second_ != nullptr) second_->Finish();
  second_.reset();
  if (stray_ != nullptr) stray_->Finish();
  stray_.reset();
  for (auto& stream : streams_) {
    if (stream.has_value()) stream->ForgetHistory();
  }
  context_.reassembly.counters.Add(CounterOf(reason));
  if (consumer_ == nullptr) {
    context_.reassembly.counters.Add(Counter::flows_without_payload);
    return;
  }
  for (const Direction direction : kSides) {
    if (!ended_[Index(Told(direction))]) consumer_->OnEnd(direction);
    ended_[Index(Told(direction))] = true;
  }
  consumer_->OnClose(counters(), reason);
  consumer_.reset();
}

void Conversation::Begin() {
  const bool tcp = info_.transport == Transport::kTcp;
  info_.midstream = tcp && !first_sequence_[0].has_value() && !first_sequence_[1].has_value();
  info_.roles_doubtful = RolesContradict();
  next_report_ = info_.now + std::chrono::milliseconds(context_.reassembly.limits.flow_report_interval_ms);
  consumer_ = context_.factory.NewFlow(info_);
  for (const Direction side : kSides) {
    if (ended_[Index(side)]) consumer_->OnEnd(Told(side));
  }
}

void Conversation::Report() {
  next_report_ = info_.now + std::chrono::milliseconds(context_.reassembly.limits.flow_report_interval_ms);
  consumer_->OnReport(counters());
}

void Conversation::OnStreamData(Direction side, ByteView bytes) noexcept {
  if (consumer_ == nullptr) [[unlikely]]
    Begin();
  consumer_->OnData(Told(side), bytes);
  if (second_ != nullptr) [[unlikely]]
    second_->OnFirst(Told(side), Stream(side).next() - bytes.size(), bytes);
}

void Conversation::OnOtherBytes(Direction side, std::uint64_t position, ByteView bytes, OtherBytes why) noexcept {
  Counters& counters = context_.reassembly.counters;
  if (consumer_ == nullptr) Begin();
  const TcpReassembler& stream = Stream(side);
  counters.Add(Counter::flow_other_bytes, bytes.size());
  if (position > stream.next() + context_.reassembly.limits.flow_second_reading_bytes) {
    // The second reading would have to leave out all between.
    const auto sequence = stream.next_sequence() + static_cast<std::uint32_t>(position - stream.next());
    SearchApart(side, sequence, bytes, static_cast<std::uint32_t>(bytes.size()));
  } else {
    ReadAgain(side, position, bytes);
  }
  if (why == OtherBytes::kUrgent) {
    counters.Add(Counter::flow_urgent_bytes, bytes.size());
    if (++urgent_bytes_[Index(side)] == kUrgentTold) TellEvasion(side, AnomalyCode::tcp_urgent_bytes);
    return;
  }
  if (why != OtherBytes::kNotCompared) {
    const bool decoy = why == OtherBytes::kDecoy;
    return TellEvasion(side, decoy ? AnomalyCode::tcp_decoy : AnomalyCode::tcp_overlap_conflict);
  }
  std::uint64_t& repeated = not_compared_bytes_[Index(side)];
  repeated += bytes.size();
  if (repeat_told_[Index(side)] || repeated < kRepeatTold || repeated < sides_[Index(side)].delivered_bytes / 2) return;
  repeat_told_[Index(side)] = true;
  TellEvasion(side, AnomalyCode::tcp_stream_repeated);
}

void Conversation::ReadAgain(Direction side, std::uint64_t position, ByteView bytes) {
  Counters& counters = context_.reassembly.counters;
  if (second_ == nullptr) {
    second_ = std::make_unique<SecondReadings>(context_.reading_lines, consumer_->NewReading());
    counters.Add(Counter::flow_second_readings);
  }
  second_->OnOther(Told(side), Stream(side).history(), Stream(side).next(), position, bytes);
}

void Conversation::SearchApart(const DecodedPacket& packet, Direction side, bool evasive) {
  if (packet.payload.empty()) return;
  Drop(side, packet.payload.size());
  SearchApart(side, DataSequence(packet), packet.payload, packet.payload_length);
  std::uint64_t& bytes = stray_bytes_[Index(side)];
  const bool told = bytes >= kStrayTold;
  bytes += evasive ? std::max<std::uint64_t>(kStrayTold, packet.payload.size()) : packet.payload.size();
  if (!told && bytes >= kStrayTold) TellEvasion(side, AnomalyCode::tcp_stray_bytes);
}

void Conversation::SearchApart(Direction side, std::uint32_t sequence, ByteView bytes, std::uint32_t length) {
  if (consumer_ == nullptr) Begin();
  if (stray_ == nullptr) stray_ = std::make_unique<StrayBytes>(consumer_->NewReading());
  context_.reassembly.counters.Add(Counter::flow_stray_bytes, bytes.size());
  stray_->OnBytes(Told(side), sequence, bytes, length);
}

void Conversation::OnStreamGap(Direction side, std::uint64_t length) noexcept {
  if (consumer_ == nullptr) [[unlikely]]
    Begin();
  consumer_->OnGap(Told(side), length);
}

bool Conversation::CountPacket(const DecodedPacket& packet, Direction side, bool may_be_duplicate) {
  const Duration window = std::chrono::microseconds(context_.reassembly.limits.flow_duplicate_window_us);
  DirectionCounters& counters = sides_[Index(side)];
  const bool seen = duplicates_[Index(side)].Seen(packet, window) && may_be_duplicate;
  // The filter looks at both ends of a segment; what differs between them is another.
  const bool tcp = info_.transport == Transport::kTcp;
  if (seen && !(tcp && Stream(side).Contradicts(DataSequence(packet), packet.payload))) {
    ++counters.duplicate_frames;
    context_.reassembly.counters.Add(Counter::flow_packets_duplicate);
    return false;
  }
  ++counters.packets;
  counters.payload_bytes += packet.payload.size();
  context_.reassembly.counters.Add(Counter::flow_packets_counted);
  context_.reassembly.counters.Add(Counter::flow_bytes_in, packet.payload.size());
  return true;
}

void Conversation::Drop(Direction side, std::size_t bytes) {
  sides_[Index(side)].dropped_bytes += bytes;
  context_.reassembly.counters.Add(Counter::flow_bytes_dropped, bytes);
}

std::optional<PacketTime> Conversation::waiting_since() const {
  if (info_.transport != Transport::kTcp) return std::nullopt;
  const auto client = streams_[0]->waiting_since(), server = streams_[1]->waiting_since();
  return client.has_value() && server.has_value() ? std::min(client, server) : client.has_value() ? client : server;
}

bool Conversation::Settled() const {
  return (sides_[0].payload_bytes > 0 && sides_[1].payload_bytes > 0) ||
         sides_[0].packets + sides_[1].packets > context_.reassembly.limits.flow_flood_packets_count;
}

void Conversation::Yield(PacketTime now) noexcept {
  info_.now = std::max(info_.now, now);
  for (const Direction side : kSides) Stream(side).Yield(now);
}

FlowCounters Conversation::counters() const {
  FlowCounters counters;
  for (const Direction side : kSides) counters.by_direction[Index(Told(side))] = sides_[Index(side)];
  return counters;
}

}  // namespace spanwatch::flow
