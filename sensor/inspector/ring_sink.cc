#include "inspector/ring_sink.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "process/message_codec.h"

namespace spanwatch::inspector {

RingSink::RingSink(process::RingWriter writer, WhenFull when_full, TextMask mask, const config::Limits& limits,
                   Counters& counters, std::function<bool()> keep_waiting)
    : writer_(std::move(writer)),
      when_full_(when_full),
      mask_(std::move(mask)),
      limits_(limits),
      counters_(counters),
      keep_waiting_(std::move(keep_waiting)) {}

void RingSink::OnMessage(const InspectorMessage& message) noexcept {
  InspectorMessage masked = message;
  MaskMessage(masked, mask_);
  Give(masked);
}

void RingSink::Give(const InspectorMessage& masked) noexcept {
  Bytes bytes = process::EncodeMessage(masked);
  if (bytes.size() > writer_.max_message_bytes()) {
    // Only a sighting of many items can be this long: they go out in parts, each a sighting of its own.
    if (const auto* sighting = std::get_if<Sighting>(&masked); sighting != nullptr && sighting->items.size() > 1) {
      return WriteInParts(*sighting);
    }
    return counters_.Add(Counter::messages_dropped);
  }
  if (waiting_.empty() && merged_.empty() && Write(bytes)) return;
  if (when_full_ == WhenFull::kQueue) return Queue(masked, std::move(bytes));
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
  Give(part);
  part.items.assign(sighting.items.begin() + static_cast<std::ptrdiff_t>(half), sighting.items.end());
  Give(part);
}

void RingSink::Wait(Bytes bytes) {
  waiting_bytes_ += bytes.size();
  waiting_.push_back(std::move(bytes));
}

void RingSink::Queue(const InspectorMessage& message, Bytes bytes) noexcept {
  // One message may always wait: what merged must get out again, whatever the limit.
  if (waiting_.empty() || (merged_.empty() && waiting_bytes_ + bytes.size() <= limits_.inspector_waiting_bytes)) {
    return Wait(std::move(bytes));
  }
  const auto* sighting = std::get_if<Sighting>(&message);
  if (sighting == nullptr) return counters_.Add(Counter::messages_dropped);
  counters_.Add(Counter::sightings_merged);
  Merge(*sighting);
}

void RingSink::Merge(const Sighting& sighting) {
  const auto [found, first] =
      merged_.try_emplace({sighting.flow.flow_id, sighting.flow.from_client, sighting.collection});
  Merged& merged = found->second;
  Sighting& whole = merged.sighting;
  if (first) {
    whole = sighting;
    whole.items.clear();
  } else {
    whole.flow.facts.exchange.KeepShared(sighting.flow.facts.exchange);
  }
  for (const SightedItem& item : sighting.items) {
    const auto [place, added] = merged.place.try_emplace(item.id, whole.items.size());
    if (added) {
      whole.items.push_back(item);
    } else if (SightedItem& known = whole.items[place->second];
               std::pair(item.confidence, known.method) > std::pair(known.confidence, item.method)) {
      known = item;  // seen better this time
    }
  }
  whole.phase = std::max(whole.phase, sighting.phase);
  whole.confidence = std::max(whole.confidence, sighting.confidence);
  whole.method = std::min(whole.method, sighting.method);
}

bool RingSink::Flush() noexcept {
  while (true) {
    while (!waiting_.empty() && Write(waiting_.front())) {
      waiting_bytes_ -= waiting_.front().size();
      waiting_.pop_front();
    }
    if (!waiting_.empty() || merged_.empty()) break;
    // Encoded once: what finds no room waits as bytes.
    const auto node = merged_.extract(merged_.begin());
    Bytes bytes = process::EncodeMessage(node.mapped().sighting);
    if (bytes.size() > writer_.max_message_bytes()) {
      WriteInParts(node.mapped().sighting);
    } else {
      Wait(std::move(bytes));
    }
  }
  counters_.Set(Counter::messages_waiting_bytes, waiting_bytes_);
  return waiting_.empty() && merged_.empty();
}

}  // namespace spanwatch::inspector
