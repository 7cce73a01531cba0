// RingSink: an inspector's messages on their way into its ring. One inspector thread.
//
// In replay it waits for room (back-pressure). Live it never waits: messages queue in bounded memory, and when that is
// full, sightings merge into one per (flow, direction, collection), so that no item seen is forgotten (design.md
// section 9.3); transfers, anomalies and watermarks are then dropped and counted. What a message costs does not grow
// with what waits or was merged.
//
// What came from the wire is masked here (MaskMessage), so that nothing leaves an inspector unmasked.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <tuple>

#include "config/limits.h"
#include "inspector/message_mask.h"
#include "model/sighting.h"
#include "process/ring.h"
#include "telemetry/counters.h"

namespace spanwatch::inspector {

class RingSink : public InspectorSink {
 public:
  enum class WhenFull { kWait, kQueue };

  // `keep_waiting` is asked while kWait waits; false gives the message up (the other side is gone for good).
  RingSink(process::RingWriter writer, WhenFull when_full, TextMask mask, const config::Limits& limits,
           Counters& counters, std::function<bool()> keep_waiting);

  // For the messages from now on.
  void SetMask(TextMask mask) { mask_ = std::move(mask); }

  void OnMessage(const InspectorMessage& message) noexcept override;
  // Moves what waits into the ring as far as there is room. Called by the packet loop; true when nothing waits any
  // more.
  bool Flush() noexcept;

 private:
  // Sightings that found everything full, as one.
  struct Merged {
    Sighting sighting;
    std::map<ItemId, std::size_t> place;  // of each item in it
  };

  void Give(const InspectorMessage& masked) noexcept;
  bool Write(const Bytes& bytes) noexcept;
  void Queue(const InspectorMessage& message, Bytes bytes) noexcept;
  void Merge(const Sighting& sighting);
  void Wait(Bytes bytes);
  void WriteInParts(const Sighting& sighting) noexcept;

  process::RingWriter writer_;
  WhenFull when_full_;
  TextMask mask_;
  const config::Limits& limits_;
  Counters& counters_;
  std::function<bool()> keep_waiting_;
  std::deque<Bytes> waiting_;
  std::uint64_t waiting_bytes_ = 0;
  std::map<std::tuple<std::uint64_t, bool, std::string>, Merged> merged_;  // (flow, from the client, collection)
};

}  // namespace spanwatch::inspector
