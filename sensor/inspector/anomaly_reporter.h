// AnomalyReporter: counts every anomaly by its code in the shared block, and tells it as an event at a bounded rate:
// the first at once, what follows within inspector.anomaly_event_interval_s together. One inspector thread.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <optional>

#include "config/limits.h"
#include "model/anomaly.h"
#include "model/sighting.h"
#include "telemetry/anomaly_codes.h"

namespace spanwatch::inspector {

class AnomalyReporter : public AnomalySink {
 public:
  using Counts = std::array<std::atomic<std::uint64_t>, kAnomalies.size()>;

  AnomalyReporter(Counts& counts, const config::Limits& limits, InspectorSink& sink)
      : counts_(counts), limits_(limits), sink_(sink) {}

  void OnAnomaly(AnomalyCode code) noexcept override;

  // The flow whose bytes are being inspected, for the events; null between flows. Valid until the next call.
  void SetFlow(const std::function<FlowSummary()>* summarise) { summarise_ = summarise; }
  // Packet time goes on: tells what was held back for long enough.
  void Advance(PacketTime now);
  // The clock was set back: packet time goes on from here.
  void SetBack(PacketTime now);
  // Tells all that was held back.
  void Finish();

 private:
  struct Pending {
    std::uint64_t count = 0;
    std::optional<PacketTime> told;
    std::optional<FlowSummary> flow;  // of the first since it was told
  };
  void Tell(std::size_t code);

  Counts& counts_;
  const config::Limits& limits_;
  InspectorSink& sink_;
  const std::function<FlowSummary()>* summarise_ = nullptr;
  PacketTime now_;
  std::array<Pending, kAnomalies.size()> pending_;
  bool any_pending_ = false;
};

}  // namespace spanwatch::inspector
