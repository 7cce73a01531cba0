#include "flow/conversation.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>

namespace spanwatch::flow {
namespace {

constexpr std::uint64_t kFlowIdSeed = 0x7370616e77617463;  // fixed: ids are the same in every replay
// The same frame within this time is the span port's doubling; a retransmission takes longer or has another IP id.
constexpr std::chrono::milliseconds kDuplicateTime{10};

std::uint64_t FlowId(const FlowKey& key, PacketTime start) {
  Bytes bytes;
  for (const Endpoint* endpoint : {&key.low, &key.high}) {
    bytes.insert(bytes.end(), endpoint->address.bytes.begin(), endpoint->address.bytes.end());
    bytes.push_back(static_cast<std::uint8_t>(endpoint->port >> 8));
    bytes.push_back(static_cast<std::uint8_t>(endpoint->port));
  }
  bytes.push_back(key.ip_protocol);
  const std::int64_t nanoseconds = Nanoseconds(start);
  for (int shift = 0; shift < 64; shift += 8) bytes.push_back(static_cast<std::uint8_t>(nanoseconds >> shift));
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), kFlowIdSeed);
}

// What is equal in two copies of a frame and differs between a segment and its retransmission.
std::uint64_t Signature(const DecodedPacket& packet) {
  struct {
    std::uint32_t sequence, acknowledgement, length;
    std::uint16_t ip_id, window;
    std::uint8_t flags;
  } fields{};
  std::memset(&fields, 0, sizeof(fields));
  fields.sequence = packet.tcp.sequence;
  fields.acknowledgement = packet.tcp.acknowledgement;
  fields.length = packet.payload_length;
  fields.ip_id = packet.ip_id;
  fields.window = packet.tcp.window;
  fields.flags = packet.tcp.flags;
  const std::size_t looked_at = std::min<std::size_t>(packet.payload.size(), 32);
  return XXH3_64bits_withSeed(packet.payload.data(), looked_at, XXH3_64bits(&fields, sizeof(fields))) | 1;
}

// Well-known ports serve; otherwise whoever spoke first is the client.
bool LooksLikeServer(const Endpoint& one, const Endpoint& other) {
  return one.port < other.port && one.port < 1024 && other.port >= 1024;
}

}  // namespace

Conversation::Conversation(const FlowKey& key, const DecodedPacket& first, const TcpStream::Environment& environment,
                           FlowConsumerFactory& factory)
    : key_(key), environment_(environment), factory_(factory), last_seen_(first.time) {
  const bool from_low = first.source == key.low;
  low_is_client_ = from_low ? !LooksLikeServer(key.low, key.high) : LooksLikeServer(key.high, key.low);
  info_.id = FlowId(key, first.time);
  info_.transport = first.transport;
  info_.ip_protocol = first.ip_protocol;
  info_.start = first.time;
  info_.now = first.time;
  info_.vlan = first.vlan;
  info_.encapsulations = first.encapsulations;
  info_.encapsulation_count = first.encapsulation_count;
  info_.interface_index = first.interface_index;
  info_.midstream = first.transport == Transport::kTcp;
  next_report_ = first.time + std::chrono::seconds(environment.limits.flow_report_interval_s);
  streams_[0] = std::make_unique<TcpStream>(Direction::kFromClient, environment, *this);
  streams_[1] = std::make_unique<TcpStream>(Direction::kFromServer, environment, *this);
}

// Streams are known by side; the direction follows from who is the client, once that can no longer change.
Direction Conversation::DirectionOf(const DecodedPacket& packet) const {
  return (packet.source == key_.low) == low_is_client_ ? Direction::kFromClient : Direction::kFromServer;
}

void Conversation::LearnClient(const DecodedPacket& packet) {
  const bool syn = (packet.tcp.flags & TcpFields::kSyn) != 0;
  if (!syn || client_certain_ || consumer_) return;
  const bool from_client = (packet.tcp.flags & TcpFields::kAck) == 0;
  const bool low_is_client = (packet.source == key_.low) == from_client;
  client_certain_ = true;
  info_.midstream = false;
  if (low_is_client == low_is_client_) return;
  low_is_client_ = low_is_client;
  // Nothing was delivered yet: what is held keeps its side, under the other direction.
  std::swap(streams_[0], streams_[1]);
  streams_[0]->SetDirection(Direction::kFromClient);
  streams_[1]->SetDirection(Direction::kFromServer);
}

bool Conversation::IsDuplicate(Direction direction, const DecodedPacket& packet) {
  const std::uint64_t signature = Signature(packet);
  auto& frames = frames_[Index(direction)];
  for (const FrameMark& frame : frames) {
    if (frame.signature == signature && packet.time - frame.time <= kDuplicateTime && frame.time - packet.time <= kDuplicateTime) {
      return true;
    }
  }
  auto& next = next_frame_[Index(direction)];
  frames[next] = {signature, packet.time};
  next = static_cast<std::uint8_t>((next + 1) % kFramesRemembered);
  return false;
}

bool Conversation::IsReusedBy(const DecodedPacket& packet) const {
  if (packet.transport != Transport::kTcp) return false;
  if ((packet.tcp.flags & (TcpFields::kSyn | TcpFields::kAck)) != TcpFields::kSyn) return false;
  const TcpStream& stream = *streams_[Index(DirectionOf(packet))];
  const auto initial = stream.initial_sequence();
  if (initial && *initial == packet.tcp.sequence) return false;
  if (phase_ == Phase::kClosing) return true;
  // A SYN into a running conversation is an attempt to confuse; into one long silent it is a new beginning.
  return packet.time - last_seen_ > std::chrono::seconds(environment_.limits.flow_reuse_idle_s);
}

void Conversation::OnPacket(const DecodedPacket& packet) {
  last_seen_ = std::max(last_seen_, packet.time);
  info_.now = last_seen_;
  if (packet.transport == Transport::kTcp) LearnClient(packet);
  const Direction direction = DirectionOf(packet);
  DirectionCounters& counters = streams_[Index(direction)]->mutable_counters();
  if (IsDuplicate(direction, packet)) {
    ++counters.duplicate_frames;
    environment_.counters.Add(Counter::duplicate_frames);
    return;
  }
  ++counters.packets;
  if (packet.transport == Transport::kTcp) {
    OnTcp(direction, packet);
  } else if (packet.payload_length > 0) {
    counters.payload_bytes += packet.payload.size();
    counters.delivered_bytes += packet.payload.size();
    if (!packet.payload.empty()) Consumer().OnData(direction, packet.payload);
    if (packet.payload_length > packet.payload.size()) {
      const std::uint64_t cut = packet.payload_length - packet.payload.size();
      counters.gap_bytes += cut;
      Consumer().OnGap(direction, cut);
    }
  }
  MaybeReport();
}

void Conversation::OnTcp(Direction direction, const DecodedPacket& packet) {
  const TcpFields& tcp = packet.tcp;
  TcpStream& stream = *streams_[Index(direction)];
  TcpStream& other = *streams_[Index(Opposite(direction))];
  std::uint32_t sequence = tcp.sequence;
  if ((tcp.flags & TcpFields::kSyn) != 0) {
    stream.OnSyn(sequence);
    ++sequence;
  }
  if (packet.payload_length > 0 && (tcp.flags & TcpFields::kRst) == 0) {
    stream.OnSegment(sequence, packet.payload, packet.payload_length, packet.time);
  }
  if ((tcp.flags & TcpFields::kFin) != 0) stream.OnFin(sequence + packet.payload_length, packet.time);
  if ((tcp.flags & TcpFields::kAck) != 0) other.OnAcknowledgement(tcp.acknowledgement, packet.time);
  if ((tcp.flags & TcpFields::kRst) != 0 && stream.AcceptsReset(sequence)) {
    // Nothing more should come, but a reordered segment may: the conversation lingers like one that finished.
    reset_ = true;
    phase_ = Phase::kClosing;
  }
  if (stream.ended() && other.ended()) phase_ = Phase::kClosing;
}

FlowConsumer& Conversation::Consumer() {
  if (!consumer_) {
    info_.client = low_is_client_ ? key_.low : key_.high;
    info_.server = low_is_client_ ? key_.high : key_.low;
    consumer_ = factory_.NewFlow(info_);
  }
  return *consumer_;
}

FlowCounters Conversation::Counted() const {
  return {{streams_[0]->counters(), streams_[1]->counters()}};
}

void Conversation::MaybeReport() {
  if (!consumer_ || info_.now < next_report_) return;
  next_report_ = info_.now + std::chrono::seconds(environment_.limits.flow_report_interval_s);
  consumer_->OnReport(Counted());
}

void Conversation::OnStreamData(Direction direction, ByteView bytes) noexcept { Consumer().OnData(direction, bytes); }
void Conversation::OnStreamGap(Direction direction, std::uint64_t length) noexcept { Consumer().OnGap(direction, length); }
void Conversation::OnStreamEnd(Direction direction) noexcept {
  if (!consumer_ || told_end_[Index(direction)]) return;
  told_end_[Index(direction)] = true;
  consumer_->OnEnd(direction);
}

void Conversation::Advance(PacketTime now) {
  info_.now = std::max(info_.now, now);
  for (const auto& stream : streams_) stream->Advance(info_.now);
}

void Conversation::Close(CloseReason reason) {
  for (const auto& stream : streams_) stream->Close(info_.now);
  if (!consumer_) return;
  for (const Direction direction : {Direction::kFromClient, Direction::kFromServer}) OnStreamEnd(direction);
  consumer_->OnClose(Counted(), reason);
  consumer_.reset();
}

}  // namespace spanwatch::flow
