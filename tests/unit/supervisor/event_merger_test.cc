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

TEST(EventMerger, LiveNobodyIsWaitedForForEver) {
  EventMerger merger(2, 100);
  const EventMerger::Steady::time_point start;
  const PacketTime wall{std::chrono::seconds(100)};
  merger.Tick(wall, start, std::chrono::seconds(3));
  merger.Add(Event(0, 99, 1));
  EXPECT_TRUE(TakeFlows(merger).empty());
  merger.Tick(wall + std::chrono::seconds(2), start + std::chrono::seconds(2), std::chrono::seconds(3));
  EXPECT_TRUE(TakeFlows(merger).empty());
  merger.Tick(wall + std::chrono::seconds(3), start + std::chrono::seconds(3), std::chrono::seconds(3));
  EXPECT_EQ(TakeFlows(merger), (std::vector<std::uint64_t>{1})) << "the other told nothing for three seconds";
}

TEST(EventMerger, LiveNoTimeBeyondTheClockIsBelieved) {
  EventMerger merger(2, 100);
  const auto at = [&](int seconds) {
    merger.Tick(PacketTime(std::chrono::seconds(seconds)),
                EventMerger::Steady::time_point(std::chrono::seconds(seconds)), std::chrono::seconds(3));
  };
  at(100);
  merger.Add(Event(0, 2'000'000'000, 1));  // the clock was wrong for a moment, or somebody lies
  merger.Add(Mark(1, 100));
  EXPECT_TRUE(TakeFlows(merger).empty());
  at(105);
  merger.Add(Event(0, 105, 2));
  merger.Add(Event(1, 105, 3));
  EXPECT_EQ(TakeFlows(merger), (std::vector<std::uint64_t>{3, 1}));
  at(108);
  EXPECT_EQ(TakeFlows(merger), (std::vector<std::uint64_t>{2})) << "later than the other's, so after a wait";
  EXPECT_LE(merger.watermark(), PacketTime(std::chrono::seconds(109)));
  at(50);  // set back
  EXPECT_LE(merger.watermark(), PacketTime(std::chrono::seconds(51)));
}

TEST(EventMerger, AnInspectorThatEndsIsNotTheEndOfTime) {
  EventMerger merger(2, 100);
  merger.Add(Event(0, 5, 1));
  merger.Add(Mark(0, 6));
  for (const std::size_t inspector : {0, 1}) merger.End(inspector);
  EXPECT_EQ(TakeFlows(merger), (std::vector<std::uint64_t>{1}));
  EXPECT_EQ(merger.watermark(), PacketTime(std::chrono::seconds(6)));
}

TEST(EventMerger, ASilentInspectorDelaysOnlySoMany) {
  EventMerger merger(2, 3);
  for (int i = 0; i < 10; ++i) merger.Add(Event(0, i, static_cast<std::uint64_t>(i)));
  EXPECT_EQ(TakeFlows(merger).size(), 7u);
}

}  // namespace
}  // namespace spanwatch::supervisor
