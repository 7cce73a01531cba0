#include "supervisor/event_merger.h"

#include <algorithm>

namespace spanwatch::supervisor {
namespace {

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

void EventMerger::Add(MergedMessage message) {
  Queue& queue = queues_[message.inspector];
  queue.seen = std::max(queue.seen, TimeOf(message.message));
  queue.entries.push_back({queue.seen, std::move(message)});
  ++waiting_;
}

std::optional<MergedMessage> EventMerger::Next() {
  Queue* earliest = nullptr;
  for (Queue& queue : queues_) {
    if (queue.entries.empty()) continue;
    const auto key = [](const Queue& of) {
      return std::pair(of.entries.front().time, FlowOf(of.entries.front().message.message));
    };
    if (earliest == nullptr || key(queue) < key(*earliest)) earliest = &queue;
  }
  if (earliest == nullptr) return std::nullopt;
  const PacketTime time = earliest->entries.front().time;
  const bool held_up = std::ranges::any_of(queues_, [&](const Queue& queue) {
    return &queue != earliest && queue.entries.empty() && !queue.ended && queue.seen < time;
  });
  if (held_up && waiting_ <= messages_max_) return std::nullopt;
  MergedMessage next = std::move(earliest->entries.front().message);
  earliest->entries.pop_front();
  --waiting_;
  watermark_ = std::max(watermark_, time);
  return next;
}

}  // namespace spanwatch::supervisor
