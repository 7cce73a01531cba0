#include "inspector/ring_sink.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "process/message_codec.h"

namespace spanwatch::inspector {

RingSink::RingSink(process::RingWriter writer, WhenFull when_full, const config::Limits& limits, Counters& counters,
                   std::function<bool()> keep_waiting)
    : writer_(std::move(writer)),
      when_full_(when_full),
      limits_(limits),
      counters_(counters),
      keep_waiting_(std::move(keep_waiting)) {}

void RingSink::OnMessage(const InspectorMessage& message) noexcept {
  Bytes bytes = process::EncodeMessage(message);
  if (bytes.size() > writer_.max_message_bytes()) {
    // Only a sighting of many items can be this long: they go out in parts, each a sighting of its own.
    if (const auto* sighting = std::get_if<Sighting>(&message); sighting != nullptr && sighting->items.size() > 1) {
      return WriteInParts(*sighting);
    }
    return counters_.Add(Counter::messages_dropped);
  }
  if (waiting_.empty() && merged_.empty() && Write(bytes)) return;
  if (when_full_ == WhenFull::kQueue) return Queue(message, std::move(bytes));
  while (!Write(bytes)) {
    if (!keep_waiting_()) return counters_.Add(Counter::messages_dropped);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

bool RingSink::Write(const Bytes& bytes) noexcept {
  if (!writer_.TryWrite(bytes)) return false;
  counters_.Add(Counter::messages_written);
  return true;
}

void RingSink::WriteInParts(const Sighting& sighting) noexcept {
  Sighting part = sighting;
  const std::size_t half = sighting.items.size() / 2;
  part.items.assign(sighting.items.begin(), sighting.items.begin() + static_cast<std::ptrdiff_t>(half));
  OnMessage(part);
  part.items.assign(sighting.items.begin() + static_cast<std::ptrdiff_t>(half), sighting.items.end());
  OnMessage(part);
}

void RingSink::Queue(const InspectorMessage& message, Bytes bytes) noexcept {
  // One message may always wait: what merged must get out again, whatever the limit.
  if (waiting_.empty() || (merged_.empty() && waiting_bytes_ + bytes.size() <= limits_.inspector_waiting_bytes)) {
    waiting_bytes_ += bytes.size();
    waiting_.push_back(std::move(bytes));
    return;
  }
  const auto* sighting = std::get_if<Sighting>(&message);
  if (sighting == nullptr) return counters_.Add(Counter::messages_dropped);
  counters_.Add(Counter::sightings_merged);
  const auto [place, inserted] =
      merged_.try_emplace({sighting->flow.flow_id, sighting->flow.from_client, sighting->collection}, *sighting);
  if (inserted) return;
  place->second.flow.facts.exchange.KeepShared(sighting->flow.facts.exchange);
  std::vector<SightedItem>& items = place->second.items;
  for (const SightedItem& item : sighting->items) {
    const auto known = std::ranges::find(items, item.id, &SightedItem::id);
    if (known == items.end()) {
      items.push_back(item);
    } else if (std::pair(item.confidence, known->method) > std::pair(known->confidence, item.method)) {
      *known = item;  // seen better this time
    }
  }
  place->second.phase = std::max(place->second.phase, sighting->phase);
  place->second.confidence = std::max(place->second.confidence, sighting->confidence);
  place->second.method = std::min(place->second.method, sighting->method);
}

bool RingSink::Flush() noexcept {
  while (!waiting_.empty() && Write(waiting_.front())) {
    waiting_bytes_ -= waiting_.front().size();
    waiting_.pop_front();
  }
  while (waiting_.empty() && !merged_.empty()) {
    const auto node = merged_.extract(merged_.begin());
    const Bytes bytes = process::EncodeMessage(node.mapped());
    if (bytes.size() > writer_.max_message_bytes()) {
      WriteInParts(node.mapped());
    } else if (!Write(bytes)) {
      merged_.insert({node.key(), node.mapped()});
      return false;
    }
  }
  counters_.Set(Counter::messages_waiting_bytes, waiting_bytes_);
  return waiting_.empty() && merged_.empty();
}

}  // namespace spanwatch::inspector
