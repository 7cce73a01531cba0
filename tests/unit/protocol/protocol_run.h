// Runs a StreamScript through FlowProtocol whole, in single bytes and in random pieces; all must give the same.
#pragma once

#include <gtest/gtest.h>

#include <random>

#include "protocol/identifier.h"
#include "support/stream_script.h"
#include "telemetry/anomaly_codes.h"

namespace spanwatch::protocol {

struct ProtocolRun final : AnomalySink {
  void OnAnomaly(AnomalyCode code) noexcept override { anomalies.push_back(code); }
  bool Saw(AnomalyCode code) const { return std::ranges::find(anomalies, code) != anomalies.end(); }
  const RecordedObject& At(std::size_t index) const { return *objects.objects.at(index); }
  std::size_t size() const { return objects.objects.size(); }

  FlowInfo flow;
  FlowFacts facts;
  RecordingObjectSink objects;
  Counters counters;
  config::Limits limits;
  std::vector<AnomalyCode> anomalies;
};

inline std::unique_ptr<ProtocolRun> RunEvents(const std::vector<StreamEvent>& events, bool midstream) {
  auto run = std::make_unique<ProtocolRun>();
  run->flow.transport = Transport::kTcp;
  run->flow.midstream = midstream;
  FlowProtocol protocol({run->flow, run->facts, run->objects, *run, run->counters, run->limits});
  for (const StreamEvent& event : events) {
    switch (event.kind) {
      case StreamEvent::Kind::kData:
        protocol.OnData(event.direction, Bytes(event.bytes));
        break;
      case StreamEvent::Kind::kGap:
        protocol.OnGap(event.direction, event.gap);
        break;
      case StreamEvent::Kind::kEnd:
        protocol.OnEnd(event.direction);
        break;
    }
  }
  return run;
}

inline std::unique_ptr<ProtocolRun> RunScript(std::string_view script, bool midstream = false) {
  const std::vector<StreamEvent> events = ParseStreamScript(script);
  auto whole = RunEvents(events, midstream);
  std::mt19937 random(7);
  for (int round = 0; round < 12; ++round) {
    const auto split = RunEvents(Split(events, [&] { return round == 0 ? 1 : 1 + random() % 24; }), midstream);
    EXPECT_EQ(whole->objects.Describe(), split->objects.Describe()) << "round " << round;
    EXPECT_EQ(whole->facts.exchange.server_name, split->facts.exchange.server_name);
    EXPECT_EQ(whole->facts.visibility, split->facts.visibility);
    EXPECT_EQ(whole->anomalies, split->anomalies);
  }
  for (const auto& object : whole->objects.objects) EXPECT_TRUE(object->ended);
  return whole;
}

}  // namespace spanwatch::protocol
