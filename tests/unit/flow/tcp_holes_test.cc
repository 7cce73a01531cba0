// How long a hole in a stream is waited for, and what is then told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flow_run.h"

namespace spanwatch::flow {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using testing::RecordedFlow;
using testing::RecordedGap;
using testing::TcpScript;

// The client's bytes "0123" are missing before "4567"; the receiver's acknowledgement stands at them while both ends
// show life now and then, for as long as `wait`. Then "0123" comes.
TcpScript StalledUpload(seconds wait, bool acknowledged) {
  TcpScript script;
  script.Handshake();
  const std::uint32_t base = script.next(true);
  script.Raw(true, base + 4, TcpFields::kAck, "4567");
  const PacketTime until = script.time + wait;
  while (script.time + seconds(2) < until) {
    script.time += seconds(2);
    script.Raw(true, base + 4, TcpFields::kAck, "4567");
    if (acknowledged) script.Ack(false);
  }
  script.time = until;
  script.Raw(true, base, TcpFields::kAck, "0123");
  script.next(true) += 8;
  if (acknowledged) script.Ack(false);
  script.Send(true, "89");
  if (!acknowledged) {
    std::erase_if(script.packets,
                  [&](const testing::ScriptedPacket& packet) { return packet.packet.source == script.server; });
  }
  return script;
}

TEST(TcpHoles, OneAtWhichTheAcknowledgementStandsIsWaitedForLongerThanOthers) {
  for (const int wait : {3, 6, 60, 800}) {
    FlowRun run;
    const RecordedFlow& flow = run.Only(StalledUpload(seconds(wait), true).packets);
    EXPECT_EQ(flow.client_bytes(), "0123456789") << wait;
    EXPECT_TRUE(flow.Of(Direction::kFromClient).gaps.empty()) << wait;
    EXPECT_EQ(flow.counters.by_direction[0].lost_before_sensor_bytes, 0u) << wait;
    EXPECT_EQ(flow.counters.by_direction[0].dropped_bytes, 0u) << wait;
  }
}

TEST(TcpHoles, OneOfWhichNobodyTellsIsGivenUpAfterTheShortTime) {
  for (const int wait : {3, 60}) {
    FlowRun run;
    const RecordedFlow& flow = run.Only(StalledUpload(seconds(wait), false).packets);
    EXPECT_EQ(flow.client_bytes(), wait == 3 ? "0123456789" : "456789") << wait;
    EXPECT_EQ(flow.counters.by_direction[0].lost_before_sensor_bytes, 0u) << wait;
  }
}

TEST(TcpHoles, OneAtWhichTheAcknowledgementStandsIsGivenUpAtItsLimit) {
  config::Limits limits;
  limits.flow_standing_hole_time_ms = 30000;
  FlowRun run(limits);
  EXPECT_EQ(run.Only(StalledUpload(seconds(60), true).packets).client_bytes(), "456789");
  EXPECT_EQ(run.counters.Get(Counter::flow_gap_timeout), 4u);
  EXPECT_EQ(run.counters.Get(Counter::lost_before_sensor_bytes), 0u);
}

// The receiver lacks what the sensor has seen, and gets that first.
TEST(TcpHoles, OneBehindTheAcknowledgementIsWaitedForWhileTheReceiverIsHeard) {
  TcpScript script;
  script.Handshake();
  const std::uint32_t base = script.next(true);
  script.Raw(true, base, TcpFields::kAck, "01");
  script.Raw(true, base + 4, TcpFields::kAck, "45");
  for (int i = 0; i < 20; ++i) {
    script.time += seconds(3);
    script.Ack(false);
  }
  script.Raw(true, base + 2, TcpFields::kAck, "23");
  FlowRun run;
  EXPECT_EQ(run.Only(script.packets).client_bytes(), "012345");
}

TEST(TcpHoles, OneThatTheReceiverGotPastIsGivenUpSoon) {
  TcpScript script;
  script.Handshake();
  script.next(true) += 4;
  script.Send(true, "4567");
  for (int i = 0; i < 40; ++i) script.Ack(false);
  FlowRun run;
  run.Play(script.packets);
  EXPECT_EQ(run.recorded.flows.at(0)->client_bytes(), "4567");
  EXPECT_EQ(run.counters.Get(Counter::lost_before_sensor_bytes), 4u);
  run.table.Finish();
}

TEST(TcpHoles, ResetAtAHoleTellsWhatWasHeldWhenTheConversationIsClosed) {
  TcpScript script;
  script.Handshake();
  script.Raw(true, script.next(true) + 4, TcpFields::kAck, "4567");
  script.Ack(false);
  script.Reset(true);
  FlowRun run;
  run.Play(script.packets);
  run.table.Advance(script.time + seconds(11));
  const RecordedFlow& flow = *run.recorded.flows.at(0);
  EXPECT_TRUE(flow.closed);
  EXPECT_EQ(flow.client_bytes(), "4567");
  EXPECT_EQ(flow.counters.by_direction[0].lost_before_sensor_bytes, 0u);
}

TEST(TcpHoles, EndBehindAHoleIsWaitedForToo) {
  TcpScript script;
  script.Handshake();
  const std::uint32_t base = script.next(true);
  script.Raw(true, base + 4, TcpFields::kFin | TcpFields::kAck);
  for (int i = 0; i < 10; ++i) {
    script.time += seconds(3);
    script.Ack(false);
  }
  script.Raw(true, base, TcpFields::kAck, "0123");
  FlowRun run;
  EXPECT_EQ(run.Only(script.packets).client_bytes(), "0123");
}

TEST(TcpHoles, EndOfTheCaptureTellsWhatWaits) {
  TcpScript script;
  script.Handshake();
  script.Raw(true, script.next(true) + 4, TcpFields::kAck, "4567");
  script.Ack(false);
  FlowRun run;
  const RecordedFlow& flow = run.Only(script.packets);
  EXPECT_EQ(flow.client_bytes(), "4567");
  EXPECT_THAT(flow.Of(Direction::kFromClient).gaps, ElementsAre(RecordedGap{0, 4}));
  EXPECT_EQ(flow.counters.by_direction[0].lost_before_sensor_bytes, 0u);
}

// One of many conversations that stalled at once and fell silent.
TcpScript StalledConversation(unsigned number, std::size_t held) {
  TcpScript script;
  script.client = {*ParseIpAddress("10.30." + std::to_string(number / 250) + "." + std::to_string(number % 250)),
                   40000};
  script.time += milliseconds(number);
  script.Handshake();
  script.next(true) += 4;
  const std::string text = Text(held, number);
  for (std::size_t at = 0; at < text.size(); at += 1460) script.Send(true, std::string_view(text).substr(at, 1460));
  return script;
}

TEST(TcpHoles, StalledConversationsLeaveHalfOfTheMemoryToTheOthers) {
  config::Limits limits;
  limits.flow_memory_bytes = 1536 * 2000;
  FlowRun run(limits);
  const auto held = [&] { return static_cast<std::size_t>(run.counters.Get(Counter::flow_held_bytes)); };
  std::size_t largest = 0;
  for (unsigned number = 0; number < 10000; ++number) {
    run.Play(StalledConversation(number, 1460).packets);
    largest = std::max(largest, held());
  }
  EXPECT_LE(largest, limits.flow_memory_bytes);
  TcpScript later = StalledConversation(20000, 1460);
  for (unsigned number = 0; number < 2000; ++number) {
    later.time += seconds(1);
    later.Ack(false);
  }
  run.Play(later.packets);
  EXPECT_LE(held(), limits.flow_memory_bytes / 2);
  run.table.Finish();
  EXPECT_EQ(held(), 0u);
  for (const auto& flow : run.recorded.flows) EXPECT_EQ(flow->client_bytes().size(), 1460u);
}

// The bookkeeping of each byte must not cost what a segment costs.
TEST(TcpHoles, AMegabyteInOneByteSegmentsInAnyOrderIsPutInOrder) {
  constexpr std::size_t kBytes = 1 << 20;
  const std::string text = Text(kBytes);
  const auto place = [](std::size_t i) { return i * 640'007 % kBytes; };  // each once, far from the one before
  for (const bool even_first : {true, false}) {
    FlowRun run;
    TcpScript script;
    script.Handshake();
    const std::uint32_t start = script.next(true);
    testing::Play(script.packets, run.table);
    for (std::size_t i = 0; i < kBytes; ++i) {
      const std::size_t at = even_first ? (i * 2) % kBytes + (i * 2 >= kBytes ? 1 : 0) : place(i);
      script.packets.clear();
      script.time -= std::chrono::microseconds(999);
      script.Raw(true, start + static_cast<std::uint32_t>(at), TcpFields::kAck, text.substr(at, 1));
      script.packets.front().Play(run.table);
    }
    run.table.Finish();
    ASSERT_EQ(run.recorded.flows.size(), 1u);
    EXPECT_EQ(run.recorded.flows[0]->client_bytes(), text);
    EXPECT_TRUE(run.recorded.anomalies.empty());
  }
}

}  // namespace
}  // namespace spanwatch::flow
