// FlowRun: a flow table with everything it needs, for its tests.
#pragma once

#include "flow/flow_table.h"
#include "support/packet_script.h"
#include "support/recording_flow_consumer.h"
#include "telemetry/anomaly_codes.h"

namespace spanwatch::flow {

struct FlowRun {
  explicit FlowRun(const config::Limits& with = {}) : limits(with), table(limits, counters, recorded, recorded) {}

  void Play(const testing::PacketScript& script) { testing::Play(script, table); }
  // Plays all and closes what is left.
  const testing::RecordedFlow& Only(const testing::PacketScript& script) {
    Play(script);
    table.Finish();
    CHECK(recorded.flows.size() == 1);
    return *recorded.flows.front();
  }
  std::size_t Anomalies(AnomalyCode code) const {
    return static_cast<std::size_t>(std::ranges::count(recorded.anomalies, code));
  }

  config::Limits limits;
  Counters counters;
  testing::RecordingFlows recorded;
  FlowTable table;
};

inline std::string Text(std::size_t length, unsigned salt = 1) {
  std::string text(length, ' ');
  for (std::size_t i = 0; i < length; ++i) text[i] = static_cast<char>('a' + (i * 31 + i / 97 * salt + salt) % 25);
  return text;
}

}  // namespace spanwatch::flow
