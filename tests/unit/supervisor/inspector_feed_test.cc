#include "supervisor/inspector_feed.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "process/message_codec.h"

namespace spanwatch::supervisor {
namespace {

using process::MakeRing;
using process::MakeSharedBlock;
using process::RingWriter;

UniqueFd Duplicate(const UniqueFd& fd) { return UniqueFd(::dup(fd.get())); }

// Two inspectors' ends of their rings, and the feed of both.
class InspectorFeedTest : public testing::Test {
 protected:
  void Open(SupervisorMode mode) {
    std::vector<InspectorLink> links;
    for (std::size_t i = 0; i < 2; ++i) {
      rings.push_back(std::move(*MakeRing(65536)));
      writers.push_back(std::move(*RingWriter::Open(rings.back().get())));
      links.push_back({Duplicate(rings.back()), std::move(*MakeSharedBlock()), i + 1});
    }
    auto opened = InspectorFeed::Open(mode, limits, std::move(links));
    ASSERT_TRUE(opened.has_value());
    feed = std::move(*opened);
    feed->OnDistrust([this](std::size_t inspector) { ended.push_back(inspector); });
  }
  void Tell(std::size_t inspector, int seconds, std::uint64_t flow) {
    Sighting sighting;
    sighting.time = PacketTime(std::chrono::seconds(seconds));
    sighting.flow.flow_id = flow;
    ASSERT_TRUE(writers[inspector].TryWrite(process::EncodeMessage(sighting)));
  }
  std::vector<std::uint64_t> TakeFlows() {
    feed->Take();
    std::vector<std::uint64_t> flows;
    while (const auto next = feed->Next()) {
      feed->Judged(*next);
      flows.push_back(std::get<Sighting>(next->message).flow.flow_id);
    }
    return flows;
  }
  void WriteHeader(std::size_t inspector, std::size_t word, std::uint64_t value) {
    ASSERT_EQ(::pwrite(rings[inspector].get(), &value, sizeof(value), static_cast<off_t>(64 * word)), 8);
  }

  config::Limits limits;
  std::vector<UniqueFd> rings;
  std::vector<RingWriter> writers;
  std::unique_ptr<InspectorFeed> feed;
  std::vector<std::size_t> ended;
};

using Flows = std::vector<std::uint64_t>;

TEST_F(InspectorFeedTest, ACorruptRingEndsItsInspectorAndNobodyWaitsForIt) {
  Open(SupervisorMode::kReplay);
  Tell(0, 5, 1);
  EXPECT_EQ(TakeFlows(), Flows{}) << "the other may tell something earlier";
  WriteHeader(1, 1, 1 << 20);
  EXPECT_EQ(TakeFlows(), Flows{1});
  EXPECT_EQ(ended, std::vector<std::size_t>{1});
  EXPECT_EQ(feed->distrusted(), 1u);
  EXPECT_EQ(feed->running(), 1u);
  TakeFlows();
  EXPECT_EQ(ended.size(), 1u) << "told once";
  // Its successor has a ring of its own, whose numbers begin anew.
  feed->OnEnded(1);
  rings[1] = std::move(*MakeRing(65536));
  std::vector<RingWriter> fresh;
  fresh.push_back(std::move(writers[0]));
  fresh.push_back(std::move(*RingWriter::Open(rings[1].get())));
  writers = std::move(fresh);
  ASSERT_TRUE(feed->OnRingReplaced(1, Duplicate(rings[1]), 77));
  feed->OnStarted(1);
  Tell(0, 6, 2);
  EXPECT_EQ(TakeFlows(), Flows{}) << "it is waited for again";
  Tell(1, 5, 4);
  EXPECT_EQ(TakeFlows(), Flows{4});
  EXPECT_EQ(feed->running(), 2u);
  EXPECT_EQ(feed->restarts(), 1u);
}

TEST_F(InspectorFeedTest, WhatEndedIsHeardOutBeforeTheOthersGoOn) {
  Open(SupervisorMode::kReplay);
  Tell(0, 9, 1);
  for (int second = 1; second <= 3; ++second) Tell(1, second, static_cast<std::uint64_t>(second + 10));
  feed->OnEnded(1);
  EXPECT_EQ(TakeFlows(), (Flows{11, 12, 13, 1}));
  EXPECT_EQ(feed->watermark(), PacketTime(std::chrono::seconds(9))) << "an end says nothing about time";
}

TEST_F(InspectorFeedTest, ALostBatchComesAgain) {
  Open(SupervisorMode::kReplay);
  Tell(0, 1, 1);
  Tell(1, 2, 2);
  EXPECT_EQ(TakeFlows(), (Flows{1}));
  feed->Rewind();
  EXPECT_EQ(TakeFlows(), (Flows{1}));
  feed->Release();
  Tell(0, 3, 3);
  feed->Rewind();
  EXPECT_EQ(TakeFlows(), (Flows{2})) << "what was freed does not";
}

TEST_F(InspectorFeedTest, LiveOneThatTellsNothingIsEnded) {
  limits.launcher_heartbeat_timeout_s = 0;
  Open(SupervisorMode::kLive);
  Tell(0, 1, 1);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (ended.empty() && std::chrono::steady_clock::now() < until) {
    Tell(0, 1, 1);
    TakeFlows();
    feed->Release();
  }
  EXPECT_EQ(ended, std::vector<std::size_t>{1});
}

}  // namespace
}  // namespace spanwatch::supervisor
