// FlowWatch: everything that happens to one conversation: its protocol, its objects at every depth, the raw search of
// both directions, the matches, and at last its sightings and transfers. Owned by the flow table; one inspector thread.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>

#include "content/object_tree.h"
#include "fingerprint/decoding_budget.h"
#include "fingerprint/lpr_file_names.h"
#include "fingerprint/picture_memory.h"
#include "inspector/anomaly_reporter.h"
#include "inspector/flood_transfers.h"
#include "inspector/flow_sightings.h"
#include "inspector/match_context.h"
#include "inspector/picture_tally.h"
#include "model/zones.h"
#include "protocol/identifier.h"

namespace spanwatch::inspector {

// What every flow of an inspector shares; outlives them all.
struct WatchContext {
  const config::Limits& limits;
  Counters& counters;
  InspectorSink& sink;
  AnomalyReporter& anomalies;
  FloodTransfers& floods;
  fingerprint::PictureMemory& pictures;
  PictureTally& picture_tally;
  fingerprint::DecodingPool* decoding;  // null: pictures may cost what they like
  content::OpenMemory& memory;
  Zones zones;
  std::string interface_name;
  // Asks for a call of FlowWatch::TellEarly at a packet time; nothing: no call.
  std::function<void(class FlowWatch*, std::optional<PacketTime>)> schedule;
};

class FlowWatch : public FlowConsumer, public ObjectObserver, public content::OpenMemory::Holder {
 public:
  // `info` and `context` outlive the watch.
  FlowWatch(const FlowInfo& info, const WatchContext& context, std::shared_ptr<const MatchContext> match);
  // Another reading of the same conversation: its sightings are those of `first`, which outlives it.
  explicit FlowWatch(FlowWatch& first);
  ~FlowWatch() override;

  void OnData(Direction direction, ByteView bytes) noexcept override;
  void OnGap(Direction direction, std::uint64_t length) noexcept override;
  void OnEnd(Direction direction) noexcept override;
  void OnReport(const FlowCounters& counters) noexcept override;
  void OnEvasion(Direction direction, AnomalyCode code) noexcept override;
  std::unique_ptr<FlowConsumer> NewReading() noexcept override { return std::make_unique<FlowWatch>(*this); }
  void OnClose(const FlowCounters& counters, CloseReason reason) noexcept override;

  std::unique_ptr<ObjectConsumer> OnObject(const ObjectContext& object) noexcept override;
  // Ends what is open. What follows is searched as a stream that begins anew; of a body that was under way nothing more
  // is looked at.
  void GiveUp() noexcept override;

  // Returns when it wants to be called next.
  std::optional<PacketTime> TellEarly(PacketTime now) {
    sightings_.TellEarly(now);
    return sightings_.next_deadline();
  }
  // Opens an object that no protocol carries: a file of `spanwatch inspect`.
  std::unique_ptr<ObjectConsumer> OpenFile(ObjectInfo info) {
    return tree_.Open(Direction::kFromClient, std::move(info));
  }
  // Everything ended: tells what was held back.
  void Finish();

 private:
  class ObjectWatch;
  friend class ObjectWatch;

  ObjectConsumer& Raw(Direction direction);
  void EndNames();
  void SeeName(Direction direction, std::string_view name);
  ObjectConsumer& Names(Direction direction);
  FlowSummary Summarise(Direction direction) const;
  PictureTally::Way WayOf(Direction direction) const {
    return {info_.Sender(direction).address, info_.Receiver(direction).address};
  }
  void Tell(const FlowCounters& counters, bool final);
  void TellTransfer(Direction direction, const DirectionCounters& counters, bool final);
  void CountCrossing(Direction direction, Crossing crossing, std::uint64_t delivered_bytes);
  void CountCoverage(Direction direction, const DirectionCounters& counters);
  // Around each call of the flow table: what is looked up and reported in between belongs to this flow and moment.
  void Enter(Direction direction);
  void AfterCall();

  const FlowInfo& info_;
  const WatchContext& context_;
  std::shared_ptr<const MatchContext> match_;
  std::function<FlowSummary()> summarise_current_;
  Direction current_ = Direction::kFromClient;
  FlowFacts facts_;
  FlowWatch& first_;                              // this, unless it is another reading
  std::uint32_t further_readings_ = 0;            // of this one
  std::unique_ptr<FlowSightings> own_sightings_;  // of the first
  FlowSightings& sightings_;
  std::optional<fingerprint::DecodingBudget> budget_;  // of the first
  content::OpenMemory::Place place_;
  content::ObjectTree tree_;
  protocol::FlowProtocol protocol_;
  std::array<std::unique_ptr<ObjectConsumer>, 2> raw_;
  std::array<bool, 2> raw_ended_{};
  // The names of all objects that one direction carries, and of what its archives list, as one text.
  struct NameList {
    ObjectInfo info;
    Provenance provenance;
    std::unique_ptr<ObjectConsumer> text;  // opened by the first name
    fingerprint::LprFileNames file_names;
  };
  std::array<NameList, 2> names_;
  bool in_raw_stream_ = false;
  std::array<bool, 2> evasive_{};
  std::array<bool, 2> lpr_structure_{};
  std::array<std::uint64_t, 2> objects_{};
  std::array<std::uint64_t, 2> crossed_{};       // bytes already in the counters by crossing
  std::array<DirectionCounters, 2> covered_{};   // already in the coverage counters
  std::array<std::uint64_t, 2> encoded_told_{};  // of ContentNotes::encoded_bytes, there too
};

// One for each new flow.
class FlowWatchFactory : public FlowConsumerFactory {
 public:
  FlowWatchFactory(const WatchContext& context, std::shared_ptr<const MatchContext> match);
  std::unique_ptr<FlowConsumer> NewFlow(const FlowInfo& info) noexcept override {
    return std::make_unique<FlowWatch>(info, context_, match_);
  }
  // An anomaly, with the conversation as an example.
  void OnFlood(const FlowInfo& info) noexcept override;
  void Swap(std::shared_ptr<const MatchContext> match) { match_ = std::move(match); }

 private:
  const WatchContext& context_;
  std::shared_ptr<const MatchContext> match_;
  const FlowInfo* flooding_ = nullptr;  // during OnFlood
  std::function<FlowSummary()> summarise_flooding_;
};

}  // namespace spanwatch::inspector
