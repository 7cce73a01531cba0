// RecordingFlows: a FlowConsumerFactory that remembers what each flow was told, checks the grammar of FlowConsumer on
// the way, and is an AnomalySink too. For unit tests of `flow` and fuzz targets; keeps FlowInfo of flows that have
// closed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "model/anomaly.h"
#include "model/flow.h"

namespace spanwatch::testing {

struct RecordedGap {
  std::uint64_t position = 0;  // of the stream, gaps included
  std::uint64_t length = 0;
  friend bool operator==(const RecordedGap&, const RecordedGap&) = default;
};

struct RecordedDirection {
  std::string bytes;  // what was delivered; of datagrams too
  std::vector<std::size_t> lengths;
  std::vector<RecordedGap> gaps;
  std::uint64_t position = 0;
  bool ended = false;
};

struct RecordedFlow {
  FlowInfo info;
  std::array<RecordedDirection, 2> directions;
  std::array<RecordedDirection, 2> second;  // of the reading that was made first
  std::array<RecordedDirection, 2> third;   // of the one that was made next
  std::size_t second_readings = 0;
  std::vector<Direction> order;  // who was heard, runs joined
  std::vector<FlowCounters> reports;
  FlowCounters counters;
  CloseReason reason = CloseReason::kShutdown;
  bool closed = false;

  const RecordedDirection& Of(Direction direction) const { return directions[Index(direction)]; }
  const std::string& client_bytes() const { return Of(Direction::kFromClient).bytes; }
  // What either reading gave.
  bool Found(Direction direction, std::string_view text) const {
    return directions[Index(direction)].bytes.find(text) != std::string::npos ||
           second[Index(direction)].bytes.find(text) != std::string::npos;
  }
  const std::string& server_bytes() const { return Of(Direction::kFromServer).bytes; }
};

class RecordingFlows : public FlowConsumerFactory, public AnomalySink {
 public:
  std::unique_ptr<FlowConsumer> NewFlow(const FlowInfo& info) noexcept override {
    flows.push_back(std::make_unique<RecordedFlow>());
    flows.back()->info = info;
    return std::make_unique<Consumer>(info, *flows.back(), *this);
  }
  void OnFlood(const FlowInfo& info) noexcept override { floods.push_back(info.flood); }
  void OnAnomaly(AnomalyCode code) noexcept override { anomalies.push_back(code); }

  std::vector<Flood> floods;  // of each conversation that began in one
  // In the order in which they began.
  std::vector<std::unique_ptr<RecordedFlow>> flows;
  std::vector<AnomalyCode> anomalies;

 private:
  class Consumer : public FlowConsumer {
   public:
    Consumer(const FlowInfo& info, RecordedFlow& flow, AnomalySink& anomalies)
        : info_(info), flow_(flow), anomalies_(anomalies) {}
    ~Consumer() override { CHECK(flow_.closed); }

    void OnData(Direction direction, ByteView bytes) noexcept override { Append(Open(direction), bytes); }
    void OnGap(Direction direction, std::uint64_t length) noexcept override { AppendGap(Open(direction), length); }
    void OnEnd(Direction direction) noexcept override { Open(direction).ended = true; }
    void OnReport(const FlowCounters& counters) noexcept override {
      CHECK(!flow_.closed);
      flow_.reports.push_back(counters);
    }
    void OnEvasion(Direction, AnomalyCode code) noexcept override { anomalies_.OnAnomaly(code); }
    std::unique_ptr<FlowConsumer> NewReading() noexcept override {
      ++flow_.second_readings;
      CHECK(flow_.second_readings <= 2);
      return std::make_unique<Reading>(flow_, flow_.second_readings == 1 ? flow_.second : flow_.third);
    }
    void OnClose(const FlowCounters& counters, CloseReason reason) noexcept override {
      CHECK(!flow_.closed && flow_.directions[0].ended && flow_.directions[1].ended);
      CHECK(info_.client == flow_.info.client && info_.id == flow_.info.id);
      for (const DirectionCounters& of : counters.by_direction) {
        CHECK(of.payload_bytes == of.delivered_bytes + of.retransmitted_bytes + of.dropped_bytes);
        CHECK(of.lost_before_sensor_bytes <= of.gap_bytes);
      }
      flow_.counters = counters;
      flow_.reason = reason;
      flow_.closed = true;
    }

   private:
    RecordedDirection& Open(Direction direction) {
      RecordedDirection& of = flow_.directions[Index(direction)];
      CHECK(!flow_.closed && !of.ended);
      if (flow_.order.empty() || flow_.order.back() != direction) flow_.order.push_back(direction);
      return of;
    }

    const FlowInfo& info_;
    RecordedFlow& flow_;
    AnomalySink& anomalies_;
  };

  // Another reading of a flow; goes before the first closes.
  class Reading : public FlowConsumer {
   public:
    Reading(RecordedFlow& flow, std::array<RecordedDirection, 2>& directions) : flow_(flow), directions_(directions) {}
    ~Reading() override { CHECK(directions_[0].ended && directions_[1].ended && !flow_.closed); }
    void OnData(Direction direction, ByteView bytes) noexcept override { Append(Open(direction), bytes); }
    void OnGap(Direction direction, std::uint64_t length) noexcept override { AppendGap(Open(direction), length); }
    void OnEnd(Direction direction) noexcept override { Open(direction).ended = true; }
    void OnReport(const FlowCounters&) noexcept override { CHECK(false); }
    void OnEvasion(Direction, AnomalyCode) noexcept override { CHECK(false); }
    std::unique_ptr<FlowConsumer> NewReading() noexcept override { std::abort(); }
    void OnClose(const FlowCounters&, CloseReason) noexcept override { CHECK(false); }

   private:
    RecordedDirection& Open(Direction direction) {
      CHECK(!flow_.closed && !directions_[Index(direction)].ended);
      return directions_[Index(direction)];
    }
    RecordedFlow& flow_;
    std::array<RecordedDirection, 2>& directions_;
  };

  static void Append(RecordedDirection& to, ByteView bytes) {
    CHECK(!bytes.empty());
    to.bytes.append(AsText(bytes));
    to.lengths.push_back(bytes.size());
    to.position += bytes.size();
  }
  static void AppendGap(RecordedDirection& to, std::uint64_t length) {
    CHECK(length > 0);
    // Two gaps in a row are one for whoever compares streams.
    if (!to.gaps.empty() && to.gaps.back().position + to.gaps.back().length == to.position) {
      to.gaps.back().length += length;
    } else {
      to.gaps.push_back({to.position, length});
    }
    to.position += length;
  }
};

}  // namespace spanwatch::testing
