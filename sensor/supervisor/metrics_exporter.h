// MetricsExporter: everything /metrics shows, through prometheus-cpp's registry and text format. Inspector counters are
// summed from their shared-memory blocks when scraped (design.md section 2); every label combination exists from the
// start.
//
// Supervisor thread only.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "alert/outbox.h"
#include "base/disk_space.h"
#include "model/sighting.h"
#include "model/verdict.h"
#include "policy/policy.h"
#include "process/shared_block.h"
#include "process/supervisor_setup.h"
#include "telemetry/counters.h"

namespace spanwatch::supervisor {

// What is asked for at each scrape.
struct SupervisorFigures {
  std::vector<alert::EndpointFigures> webhooks;
  std::uint64_t alerts_open = 0;
  std::uint64_t inspectors_alive = 0;
  std::uint64_t inspector_restarts = 0;
  bool interface_down = false;  // or gone, or without carrier
  std::uint64_t ring_messages_undecodable = 0;
  std::uint64_t ring_corruptions = 0;
  policy::PolicyFacts rules;
  bool crossed_nothing = false;           // ZoneWatch
  std::uint64_t generation = 0;           // the first 48 bits of the digest of what is in force
  std::vector<bool> of_other_generation;  // by inspector
  std::uint64_t settings_that_need_restart = 0;
  bool last_reload_successful = true;
  double last_reload_timestamp_seconds = 0;
  std::uint64_t state_bytes = 0;
  bool state_held = false;  // the disk is full: what is found waits in memory
  bool event_file_failing = false;
  struct Disk {
    std::string what;  // whose it is: "state", "events"
    DiskSpace space;
  };
  std::vector<Disk> disks;
  std::vector<process::HashSetFacts> hashsets;
};

enum class EventDataset : std::uint8_t { kSighting, kTransfer, kAnomaly, kAlert };

class MetricsExporter {
 public:
  // `figures` is called by Render.
  MetricsExporter(std::string revision, std::function<SupervisorFigures()> figures);

  // A block may lie in shared memory; it stays readable until RetireCounters. What a retired block counted stays in the
  // sums (a counter never falls); its gauges go.
  void AddCounters(const Counters& block);
  void RetireCounters(const Counters& block);
  // The counters of an inspector and what else its page tells. The page outlives the exporter: a successor goes on with
  // it.
  void AddInspector(const process::SharedBlock& block);

  void CountSighting(Method method, Confidence confidence, bool authorised, Crossing crossing);
  void CountAlert(Severity severity);
  void CountEvent(EventDataset dataset);

  // Prometheus text; the same text for a second, so that a scrape storm costs nothing.
  std::string Render();

 private:
  class InspectorCounters;
  class InspectorPages;
  class Figures;
  prometheus::Registry registry_;
  std::shared_ptr<InspectorCounters> inspector_counters_;
  std::shared_ptr<InspectorPages> inspector_pages_;
  std::shared_ptr<Figures> figures_;
  std::array<prometheus::Counter*, kCountOf<Method> * kCountOf<Confidence> * 2 * kCountOf<Crossing>> sightings_{};
  std::array<prometheus::Counter*, kCountOf<Severity>> alerts_{};
  std::array<prometheus::Counter*, 4> events_{};
  std::string cached_;
  std::chrono::steady_clock::time_point cached_until_{};
};

}  // namespace spanwatch::supervisor
