// RingSink: an inspector's messages on their way into its ring. One inspector thread.
//
// In replay it waits for room (back-pressure). Live it never waits: messages queue in bounded memory, and when that is
// full, sightings merge into one per (flow, direction, collection), so that no item seen is forgotten (design.md
// section 9.3); transfers, anomalies and watermarks are then dropped and counted.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <tuple>

#include "config/limits.h"
#include "model/sighting.h"
#include "process/ring.h"
#include "telemetry/counters.h"

namespace spanwatch::inspector {

class RingSink : public InspectorSink {
 public:
  enum class WhenFull { kWait, kQueue };

  // `keep_waiting` is asked while kWait waits; false gives the message up (the other side is gone for good).
  RingSink(process::RingWriter writer, WhenFull when_full, const config::Limits& limits, Counters& counters,
           std::function<bool()> keep_waiting);

  void OnMessage(const InspectorMessage& message) noexcept override;
  // Moves what waits into the ring as far as there is room. Called by the packet loop; true when nothing waits any
  // more.
  bool Flush() noexcept;

 private:
  bool Write(const Bytes& bytes) noexcept;
  void Queue(const InspectorMessage& message, Bytes bytes) noexcept;
  void WriteInParts(const Sighting& sighting) noexcept;

  process::RingWriter writer_;
  WhenFull when_full_;
  const config::Limits& limits_;
  Counters& counters_;
  std::function<bool()> keep_waiting_;
  std::deque<Bytes> waiting_;
  std::uint64_t waiting_bytes_ = 0;
  std::map<std::tuple<std::uint64_t, bool, std::string>, Sighting> merged_;  // (flow, from the client, collection)
};

}  // namespace spanwatch::inspector
