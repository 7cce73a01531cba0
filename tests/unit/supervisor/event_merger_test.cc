#include "supervisor/event_merger.h"

#include <gtest/gtest.h>

namespace spanwatch::supervisor {
namespace {

MergedMessage Event(std::size_t inspector, int seconds, std::uint64_t flow) {
  Sighting sighting;
  sighting.time = PacketTime(std::chrono::seconds(seconds));
  sighting.flow.flow_id = flow;
  MergedMessage message;
  message.inspector = inspector;
  message.message = sighting;
  return message;
}

MergedMessage Mark(std::size_t inspector, int seconds) {
  MergedMessage message;
  message.inspector = inspector;
  message.message = Watermark{PacketTime(std::chrono::seconds(seconds))};
  return message;
}

// Flow ids of the events that come out now.
std::vector<std::uint64_t> TakeFlows(EventMerger& merger) {
  std::vector<std::uint64_t> flows;
  while (const auto next = merger.Next()) {
    if (const auto* sighting = std::get_if<Sighting>(&next->message)) flows.push_back(sighting->flow.flow_id);
  }
  return flows;
}

TEST(EventMerger, OneInspectorHoldsUpNothing) {
  EventMerger merger(1, 100);
  merger.Add(Event(0, 5, 1));
  merger.Add(Event(0, 6, 2));
  EXPECT_EQ(TakeFlows(merger), (std::vector<std::uint64_t>{1, 2}));
}

TEST(EventMerger, EventsOfSeveralInspectorsComeOutByTimeThenFlow) {
  EventMerger merger(2, 100);
  merger.Add(Event(0, 5, 1));
  merger.Add(Event(0, 9, 2));
  EXPECT_TRUE(TakeFlows(merger).empty()) << "the other may still tell something earlier";
  merger.Add(Event(1, 5, 0));
  merger.Add(Event(1, 7, 3));
  EXPECT_EQ(TakeFlows(merger), (std::vector<std::uint64_t>{0, 1, 3}));
  merger.Add(Mark(1, 9));
  EXPECT_EQ(TakeFlows(merger), (std::vector<std::uint64_t>{2}));
}

TEST(EventMerger, AnInspectorThatEndedHoldsNobodyUp) {
  EventMerger merger(2, 100);
  merger.Add(Event(0, 5, 1));
  merger.End(1);
  EXPECT_EQ(TakeFlows(merger), (std::vector<std::uint64_t>{1}));
}

TEST(EventMerger, ASilentInspectorDelaysOnlySoMany) {
  EventMerger merger(2, 3);
  for (int i = 0; i < 10; ++i) merger.Add(Event(0, i, static_cast<std::uint64_t>(i)));
  EXPECT_EQ(TakeFlows(merger).size(), 7u);
}

}  // namespace
}  // namespace spanwatch::supervisor
