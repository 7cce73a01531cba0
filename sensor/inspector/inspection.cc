#include "inspector/inspection.h"

#include <malloc.h>

#include "capture/owner.h"

namespace spanwatch::inspector {
namespace {

// Packet time between two watermarks, and between two looks at the flow table's clocks.
constexpr std::chrono::milliseconds kTick{100};
// Packet time is so far ahead of the clock only when that was set back.
constexpr std::chrono::seconds kClockStep{10};

}  // namespace

Inspection::Inspection(const config::Limits& limits, process::SharedBlock& block, RingSink& sink, Zones zones,
                       Share share, std::string interface_name, std::shared_ptr<const MatchContext> match,
                       JoinedDatagramConsumer* joined)
    : block_(block),
      sink_(sink),
      share_(share),
      anomalies_(block.anomalies, limits, sink),
      floods_(limits, block.counters, sink),
      pictures_(limits.perceptual_pictures_remembered, limits.perceptual_held_bytes),
      picture_tally_(limits, block.counters),
      decoding_(limits),
      memory_(limits.content_memory_bytes),
      context_{limits,
               block.counters,
               sink,
               anomalies_,
               floods_,
               pictures_,
               picture_tally_,
               &decoding_,
               memory_,
               std::move(zones),
               std::move(interface_name),
               [this](FlowWatch* flow, std::optional<PacketTime> deadline) { Schedule(flow, deadline); }},
      factory_(context_, std::move(match)),
      flows_(limits, block.counters, anomalies_, factory_),
      decoder_(limits, block.counters, anomalies_, *this, joined) {}

void Inspection::OnCaptured(const CapturedPacket& packet) noexcept {
  if (packet.time >= now_ + kTick || now_ == PacketTime::min()) Advance(packet.time);
  // In a replay every inspector reads every packet; one of them counts.
  if (share_.index == 0) {
    block_.counters.Add(Counter::packets_captured);
    block_.counters.Add(Counter::bytes_captured, packet.bytes.size());
  }
  decoder_.Decode(packet);
}

void Inspection::OnHandedOver(const JoinedDatagram& datagram) noexcept {
  if (datagram.begun.time >= now_ + kTick || now_ == PacketTime::min()) Advance(datagram.begun.time);
  decoder_.DecodeJoined(datagram);
}

void Inspection::OnPacket(const DecodedPacket& packet) noexcept {
  // After decoding, since the owner of fragments and tunnels is known only then.
  if (share_.count > 1 &&
      capture::OwnerHash(packet.source.address, packet.destination.address) % share_.count != share_.index) {
    return;
  }
  flows_.OnPacket(packet);
  memory_.KeepWithinLimit();
}

void Inspection::Advance(PacketTime now) noexcept {
  now_ = std::max(now_, now);
  block_.heartbeat.fetch_add(1, std::memory_order_relaxed);
  block_.last_packet_time.store(Nanoseconds(now_), std::memory_order_relaxed);
  anomalies_.Advance(now_);
  decoding_.Advance(now_);
  flows_.Advance(now_);
  floods_.Advance(now_);
  ReturnMemory();
  std::vector<FlowWatch*> due;
  for (const auto& [deadline, flow] : deadlines_) {
    if (deadline > now_) break;
    due.push_back(flow);
  }
  for (FlowWatch* flow : due) Schedule(flow, flow->TellEarly(now_));
  sink_.Flush();
  if (now_ >= told_watermark_ + kTick || told_watermark_ == PacketTime::min()) {
    told_watermark_ = now_;
    sink_.OnMessage(Watermark{now_});
  }
}

// The allocator keeps what was freed. After a flood of transfers it goes back to the system, since other processes of
// the sensor share the limit of its service.
void Inspection::ReturnMemory() noexcept {
  constexpr std::uint64_t kFreed = 64 << 20;
  block_.counters.Set(Counter::content_memory_bytes, memory_.held());
  most_held_ = std::max(most_held_, memory_.held());
  if (most_held_ < kFreed || most_held_ / 2 < memory_.held()) return;
  most_held_ = memory_.held();
  malloc_trim(0);
}

void Inspection::Schedule(FlowWatch* flow, std::optional<PacketTime> deadline) {
  const auto known = deadline_of_.find(flow);
  if (known == deadline_of_.end() && !deadline) return;
  if (known != deadline_of_.end()) {
    if (deadline && known->second == *deadline) return;
    deadlines_.erase({known->second, flow});
    deadline_of_.erase(known);
  }
  if (!deadline) return;
  deadlines_.emplace(*deadline, flow);
  deadline_of_.emplace(flow, *deadline);
}

void Inspection::Idle(PacketTime now) noexcept { Advance(now); }

void Inspection::FollowClock(PacketTime wall) noexcept {
  if (now_ <= wall + kClockStep) return;
  now_ = told_watermark_ = wall;
  anomalies_.SetBack(wall);
  decoding_.SetBack(wall);
  flows_.SetBack(wall);
  // Nothing that waits for a time of before waits until the clock is there again.
  const std::vector<std::pair<PacketTime, FlowWatch*>> waiting(deadlines_.begin(), deadlines_.end());
  for (const auto& [deadline, flow] : waiting) {
    std::optional<PacketTime> next = deadline;
    while (next) next = flow->TellEarly(*next);
    Schedule(flow, std::nullopt);
  }
  Advance(wall);
}

void Inspection::Finish() noexcept {
  EndCapture();
  flows_.Finish();
  floods_.Tell();
  anomalies_.Finish();
  // The end of an inspector is not the end of time.
  if (now_ != PacketTime::min()) sink_.OnMessage(Watermark{now_});
  sink_.Flush();
}

}  // namespace spanwatch::inspector
