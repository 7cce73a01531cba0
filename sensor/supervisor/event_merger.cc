#include "supervisor/event_merger.h"

namespace spanwatch::supervisor {
namespace {

// Packets are stamped before the supervisor looks at its clock, so this is for clocks of interfaces that are a little
// fast.
constexpr Duration kAhead = std::chrono::seconds(1);

// Orders messages of the same instant.
std::uint64_t FlowOf(const InspectorMessage& message) {
  if (const auto* sighting = std::get_if<Sighting>(&message)) return sighting->flow.flow_id;
  if (const auto* transfer = std::get_if<TransferSummary>(&message)) return transfer->flow.flow_id;
  return 0;
}

PacketTime TimeOf(const InspectorMessage& message) {
  return std::visit([](const auto& alternative) { return alternative.time; }, message);
}

}  // namespace

void EventMerger::Tick(PacketTime wall, Steady::time_point now, Duration patience) {
  believed_ = wall + kAhead;
  now_ = now;
  patience_ = patience;
}

void EventMerger::Add(MergedMessage message) {
  Queue& queue = queues_[message.inspector];
  queue.seen = std::max(queue.seen, TimeOf(message.message));
  queue.entries.push_back({queue.seen, now_, std::move(message)});
  ++waiting_;
}

bool EventMerger::HeldUp(const Queue& earliest, PacketTime time) const {
  if (waiting_ > messages_max_) return false;
  if (patience_ && now_ - earliest.entries.front().arrived >= *patience_) return false;
  return std::ranges::any_of(queues_, [&](const Queue& queue) {
    return &queue != &earliest && queue.entries.empty() && !queue.ended && queue.seen < time;
  });
}

std::optional<MergedMessage> EventMerger::Next() {
  Queue* earliest = nullptr;
  const auto key = [this](const Queue& of) {
    return std::pair(std::min(of.entries.front().time, believed_), FlowOf(of.entries.front().message.message));
  };
  for (Queue& queue : queues_) {
    if (!queue.entries.empty() && (earliest == nullptr || key(queue) < key(*earliest))) earliest = &queue;
  }
  if (earliest == nullptr) return std::nullopt;
  const PacketTime time = key(*earliest).first;
  if (HeldUp(*earliest, time)) return std::nullopt;
  MergedMessage next = std::move(earliest->entries.front().message);
  earliest->entries.pop_front();
  --waiting_;
  // It falls only with the clock: a packet time that the wall clock has never reached was none.
  watermark_ = std::max(watermark(), time);
  return next;
}

}  // namespace spanwatch::supervisor
