// FloodTransfers: the transfers of floods (model/flow.h, Flood) of one inspector, summed up: one message for each flood
// and flow.flood_window_ms of packet time, instead of one for each conversation. What is remarkable about a
// conversation is told apart as ever (FlowWatch::Tell). One inspector thread.
#pragma once

#include <map>
#include <tuple>

#include "config/limits.h"
#include "model/sighting.h"
#include "telemetry/counters.h"

namespace spanwatch::inspector {

class FloodTransfers {
 public:
  // References outlive it.
  FloodTransfers(const config::Limits& limits, Counters& counters, InspectorSink& sink)
      : limits_(limits), counters_(counters), sink_(sink) {}

  // A conversation ended that was part of a flood; `transfer` is one direction of it.
  void Add(Flood flood, const TransferSummary& transfer);
  // Packet time goes on: tells the sums of a window that is over. A clock that was set back ends it too.
  void Advance(PacketTime now);
  // Tells what there is.
  void Tell();

 private:
  // Conversations that are told together: the end that all of them have, and what a rule may ask of a transfer.
  using Key = std::tuple<Flood, Network, Transport, bool, Visibility>;

  const config::Limits& limits_;
  Counters& counters_;
  InspectorSink& sink_;
  std::map<Key, TransferSummary> sums_;
  std::int64_t window_ = 0;  // the number of the current one
};

}  // namespace spanwatch::inspector
