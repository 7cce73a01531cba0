#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "flow/flood_watch.h"
#include "flow_run.h"

namespace spanwatch::flow {
namespace {

using testing::ScriptedPacket;
using testing::TcpScript;

constexpr PacketTime kBegin(std::chrono::seconds(1'700'000'000));

IpAddress Address(unsigned number, unsigned char first = 10) {
  const std::array<std::uint8_t, 4> bytes{first, static_cast<std::uint8_t>(number >> 16),
                                          static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)};
  return IpAddress::From(bytes);
}

config::Limits SmallLimits() {
  config::Limits limits;
  limits.flow_flood_conversations_count = 100;
  limits.flow_flood_anywhere_count = 500;
  limits.flow_flood_kept_count = 50;
  return limits;
}

struct Kinds {
  std::map<Flood, int> counts;
};

// The kinds of `count` conversations, of which `ends` gives both ends.
Kinds Watched(int count, const std::function<std::pair<IpAddress, IpAddress>(unsigned)>& ends) {
  const config::Limits limits = SmallLimits();
  FloodWatch watch(limits, 7);
  Kinds kinds;
  for (int i = 0; i < count; ++i) {
    const auto [from, to] = ends(static_cast<unsigned>(i));
    ++kinds.counts[watch.OnBegin(from, to, kBegin + std::chrono::milliseconds(i))];
  }
  return kinds;
}

TEST(FloodWatch, SaysWhatConversationsHaveInCommon) {
  const IpAddress one = Address(7, 198);
  // From senders that are made up, to a host, or to the hosts of one network; the other way round; and neither.
  const auto made_up = [](unsigned i) { return Address(i * 7919 % 16'000'000); };
  EXPECT_EQ(Watched(300, [&](unsigned i) { return std::pair(made_up(i), one); }).counts[Flood::kToHost], 200);
  EXPECT_EQ(
      Watched(300, [&](unsigned i) { return std::pair(made_up(i), Address(i % 256, 198)); }).counts[Flood::kToNetwork],
      200);
  EXPECT_EQ(Watched(300, [&](unsigned i) { return std::pair(one, made_up(i)); }).counts[Flood::kFromHost], 200);
  EXPECT_EQ(Watched(300, [&](unsigned i) { return std::pair(Address(i % 256, 198), made_up(i)); })
                .counts[Flood::kFromNetwork],
            200);
  EXPECT_EQ(Watched(600, [&](unsigned i) { return std::pair(made_up(i), Address(i * 6007 % 16'000'000, 198)); })
                .counts[Flood::kAnywhere],
            100);
}

TEST(FloodWatch, FewAreNoFloodAndAFloodEndsWithItsWindow) {
  const config::Limits limits = SmallLimits();
  FloodWatch watch(limits, 7);
  const IpAddress victim = Address(7, 198);
  PacketTime now = kBegin;
  const auto begin = [&](unsigned count) {
    Flood last = Flood::kNone;
    for (unsigned i = 0; i < count; ++i) last = watch.OnBegin(Address(i * 7919), victim, now);
    return last;
  };
  EXPECT_EQ(begin(100), Flood::kNone);
  EXPECT_EQ(begin(1), Flood::kToHost);
  now += std::chrono::milliseconds(limits.flow_flood_window_ms);
  EXPECT_EQ(begin(1), Flood::kToHost);  // the window before it was flooded
  now += std::chrono::milliseconds(limits.flow_flood_window_ms);
  EXPECT_EQ(begin(1), Flood::kNone);
  now -= std::chrono::hours(24);  // a clock that was set back
  EXPECT_EQ(begin(100), Flood::kNone);
}

TEST(FloodWatch, WhatIsAnsweredIsNoFlood) {
  const config::Limits limits = SmallLimits();
  FloodWatch watch(limits, 7);
  for (unsigned i = 0; i < 10'000; ++i) {
    const Flood flood = watch.OnBegin(Address(9), Address(i % 50, 198), kBegin);
    ASSERT_EQ(flood, Flood::kNone) << i;
    watch.OnSettled(Address(9), Address(i % 50, 198), kBegin, flood);
  }
}

ScriptedPacket Udp(Endpoint from, Endpoint to, std::string payload, PacketTime time) {
  ScriptedPacket made;
  made.packet.time = time;
  made.packet.source = from;
  made.packet.destination = to;
  made.packet.transport = Transport::kUdp;
  made.packet.ip_protocol = 17;
  made.payload = std::move(payload);
  return made;
}

TEST(FlowTable, KeepsFewConversationsOfAFloodAndLooksIntoAll) {
  FlowRun run(SmallLimits());
  for (unsigned i = 0; i < 1000; ++i) {
    const PacketTime time = kBegin + std::chrono::microseconds(i);
    Udp({Address(i), 5000}, {Address(7, 198), 53}, "text " + std::to_string(i), time).Play(run.table);
  }
  EXPECT_EQ(run.table.size(), 100u + 50u);  // those before it was known, and those kept
  EXPECT_EQ(run.recorded.floods.size(), 900u);
  EXPECT_EQ(run.counters.Get(Counter::flows_flooding), 900u);
  EXPECT_EQ(run.counters.Get(Counter::flows_flood), 850u);
  run.table.Finish();
  ASSERT_EQ(run.recorded.flows.size(), 1000u);
  for (unsigned i = 0; i < 1000; ++i) {
    EXPECT_EQ(run.recorded.flows[i]->client_bytes(), "text " + std::to_string(i));
    EXPECT_TRUE(run.recorded.flows[i]->closed);
  }
  EXPECT_EQ(run.counters.Get(Counter::flows_started), 1000u);
}

TEST(FlowTable, ConversationThatIsAnsweredLeavesTheFlood) {
  FlowRun run(SmallLimits());
  const auto ask = [&](unsigned i) {
    Udp({Address(i), 5000}, {Address(7, 198), 53}, "ask", kBegin + std::chrono::microseconds(i)).Play(run.table);
  };
  for (unsigned i = 0; i < 200; ++i) ask(i);
  const PacketTime answered = kBegin + std::chrono::microseconds(200);
  Udp({Address(7, 198), 53}, {Address(199), 5000}, "answer", answered).Play(run.table);
  for (unsigned i = 200; i < 1000; ++i) ask(i);
  EXPECT_EQ(run.recorded.flows[199]->client_bytes(), "ask");
  EXPECT_EQ(run.recorded.flows[199]->server_bytes(), "answer");
  EXPECT_FALSE(run.recorded.flows[199]->closed);
  EXPECT_TRUE(run.recorded.flows[198]->closed);
  run.table.Finish();
}

TEST(FlowTable, SynsWithoutAnswerAreAFloodAndARealConnectionAmidThemIsWhole) {
  FlowRun run(SmallLimits());
  TcpScript real;
  real.Handshake();
  real.Send(true, Text(20'000));
  real.Send(false, "OK");
  unsigned number = 0;
  const auto flood = [&](unsigned count, ScriptedPacket packet) {
    packet.payload.clear();
    packet.packet.destination = real.server;
    packet.packet.tcp.flags = TcpFields::kSyn;
    for (unsigned i = 0; i < count; ++i) {
      packet.packet.source = {Address(number++), 1025};
      packet.Play(run.table);
    }
  };
  flood(300, real.packets.front());
  for (const ScriptedPacket& packet : real.packets) {
    packet.Play(run.table);
    flood(20, packet);
  }
  EXPECT_LE(run.table.size(), 100u + 50u + 1u);
  EXPECT_EQ(run.recorded.floods.size(), number + 1 - 100u);
  run.table.Finish();
  ASSERT_EQ(run.recorded.flows.size(), 1u);  // no other carried a byte
  EXPECT_EQ(run.recorded.flows[0]->client_bytes(), Text(20'000));
  EXPECT_EQ(run.recorded.flows[0]->server_bytes(), "OK");
}

}  // namespace
}  // namespace spanwatch::flow
