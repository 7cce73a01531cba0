#include "flow/flow_table.h"

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
using testing::ScriptedPacket;
using testing::TcpScript;

constexpr std::uint8_t kAck = TcpFields::kAck, kSyn = TcpFields::kSyn, kRst = TcpFields::kRst, kFin = TcpFields::kFin;

ScriptedPacket Datagram(const char* source, const char* destination, std::string payload, PacketTime time) {
  ScriptedPacket made;
  made.packet.time = time;
  made.packet.source = {*ParseIpAddress(source), 5000};
  made.packet.destination = {*ParseIpAddress(destination), 5001};
  made.packet.transport = Transport::kUdp;
  made.packet.ip_protocol = 17;
  made.payload = std::move(payload);
  return made;
}

TEST(FlowTable, ConversationIsToldFromSynToClose) {
  TcpScript script;
  script.Handshake();
  script.Send(true, "GET");
  script.Send(false, "OK");
  script.Close();
  FlowRun run;
  run.Play(script.packets);
  ASSERT_EQ(run.recorded.flows.size(), 1u);
  const RecordedFlow& flow = *run.recorded.flows[0];
  EXPECT_TRUE(flow.closed);  // by the last acknowledgement, before Finish
  EXPECT_EQ(flow.reason, CloseReason::kFinished);
  EXPECT_EQ(flow.client_bytes(), "GET");
  EXPECT_EQ(flow.server_bytes(), "OK");
  EXPECT_FALSE(flow.info.midstream);
  EXPECT_EQ(flow.counters.by_direction[0].packets, 5u);
  EXPECT_EQ(flow.counters.by_direction[1].packets, 3u);
}

TEST(FlowTable, IdIsTheSameInEveryRunAndDiffersByTimeOfTheFirstPacket) {
  TcpScript script;
  script.Handshake();
  script.Send(true, "x");
  TcpScript later = script;
  for (ScriptedPacket& packet : later.packets) packet.packet.time += seconds(1);
  FlowRun a, b, c;
  const std::uint64_t id = a.Only(script.packets).info.id;
  EXPECT_EQ(b.Only(script.packets).info.id, id);
  EXPECT_NE(c.Only(later.packets).info.id, id);
}

TEST(FlowTable, ServerIsWhoAnswersElseTheLowerPort) {
  TcpScript answered;
  answered.server.port = 60000;
  answered.Handshake();
  answered.packets.erase(answered.packets.begin());  // the SYN was not seen
  answered.Send(false, "banner");
  FlowRun a;
  EXPECT_EQ(a.Only(answered.packets).info.client, answered.client);
  TcpScript joined;
  joined.Send(false, "late");
  FlowRun b;
  EXPECT_EQ(b.Only(joined.packets).info.client, joined.client);
  EXPECT_TRUE(b.recorded.flows[0]->info.midstream);
}

TEST(FlowTable, ConversationWithoutPayloadHasNoConsumerAndIsCounted) {
  TcpScript script;
  script.Handshake();
  script.Close();
  FlowRun run;
  run.Play(script.packets);
  EXPECT_TRUE(run.recorded.flows.empty());
  EXPECT_EQ(run.counters.Get(Counter::flows_without_payload), 1u);
}

TEST(FlowTable, RequestComesBeforeItsResponseWhenJoinedInTheMiddle) {
  TcpScript script;
  script.Send(true, "request");
  script.Send(false, "response");
  for (const std::uint16_t server_port : {80, 60000}) {
    for (const bool reordered : {false, true}) {
      script.server.port = server_port;
      testing::PacketScript packets = script.packets;
      for (ScriptedPacket& packet : packets) {
        (packet.payload == "request" ? packet.packet.destination : packet.packet.source).port = server_port;
      }
      if (reordered) std::swap(packets[0], packets[1]);
      FlowRun run;
      const RecordedFlow& flow = run.Only(packets);
      EXPECT_EQ(flow.order.front() == Direction::kFromClient, server_port == 80) << server_port << reordered;
    }
  }
}

TEST(FlowTable, DuplicateFramesAreKeptOutOfPacketsAndRetransmissionsAreNot) {
  TcpScript script;
  script.Handshake();
  script.Send(true, "hello");
  script.packets.push_back(script.packets.back());  // the same frame from another VLAN
  script.packets.back().packet.vlan = {7, 0};
  script.packets.push_back(script.packets.back());
  script.packets.back().packet.ip_id += 100;  // sent again
  FlowRun run;
  const DirectionCounters counters = run.Only(script.packets).counters.by_direction[0];
  EXPECT_EQ(counters.duplicate_frames, 1u);
  EXPECT_EQ(counters.packets, 4u);
  EXPECT_EQ(counters.payload_bytes, 10u);
  EXPECT_EQ(counters.retransmitted_bytes, 5u);
  EXPECT_EQ(run.counters.Get(Counter::flow_packets_duplicate), 1u);
}

TEST(FlowTable, SequenceNumbersWrap) {
  TcpScript script(0xfffffff0u, 0xffffffffu);
  script.Handshake();
  const std::string up = Text(5000);
  for (std::size_t at = 0; at < up.size(); at += 10) script.Send(true, up.substr(at, 10));
  script.Send(false, "ok");
  FlowRun run;
  EXPECT_EQ(run.Only(script.packets).client_bytes(), up);
  EXPECT_EQ(run.recorded.flows[0]->server_bytes(), "ok");
}

TEST(FlowTable, SynCarriesData) {
  TcpScript script;
  script.Raw(true, script.next(true), kSyn, "early");
  script.next(true) += 6;
  script.Raw(false, script.next(false)++, kSyn | kAck);
  script.Send(true, " late");
  FlowRun run;
  EXPECT_EQ(run.Only(script.packets).client_bytes(), "early late");
}

TEST(FlowTable, FirstBytesWinAndAConflictIsAnAnomaly) {
  TcpScript script;
  script.Handshake();
  const std::uint32_t base = script.next(true);
  script.Raw(true, base + 4, kAck, "4567");
  script.Raw(true, base + 2, kAck, "23XX67");
  script.Raw(true, base, kAck, "01YY");
  FlowRun run;
  EXPECT_EQ(run.Only(script.packets).client_bytes(), "01234567");
  EXPECT_EQ(run.Anomalies(AnomalyCode::tcp_overlap_conflict), 2u);
}

TEST(FlowTable, ResetOutsideTheWindowIsIgnored) {
  TcpScript script;
  script.Handshake();
  script.Send(true, "one ");
  script.Raw(true, script.next(true) + 50'000'000, kRst);
  script.time += seconds(60);
  script.Send(true, "two");
  FlowRun run;
  EXPECT_EQ(run.Only(script.packets).client_bytes(), "one two");
  EXPECT_EQ(run.Anomalies(AnomalyCode::tcp_reset_ignored), 1u);
}

TEST(FlowTable, DataInSequenceRefutesAForgedReset) {
  TcpScript script;
  script.Handshake();
  script.Send(true, "one ");
  script.Reset(true);
  script.Send(true, "two");
  FlowRun run;
  EXPECT_EQ(run.Only(script.packets).client_bytes(), "one two");
  EXPECT_EQ(run.Anomalies(AnomalyCode::tcp_reset_ignored), 1u);
  EXPECT_NE(run.recorded.flows[0]->reason, CloseReason::kReset);
}

TEST(FlowTable, ResetClosesAfterTheTimeForStragglers) {
  TcpScript script;
  script.Handshake();
  script.Send(true, "one");
  script.Reset(false);
  FlowRun run;
  run.Play(script.packets);
  EXPECT_FALSE(run.recorded.flows[0]->closed);
  run.table.Advance(script.time + seconds(11));
  EXPECT_TRUE(run.recorded.flows[0]->closed);
  EXPECT_EQ(run.recorded.flows[0]->reason, CloseReason::kReset);
  EXPECT_EQ(run.table.size(), 0u);
}

TEST(FlowTable, DataBehindAnUnacknowledgedFinRefutesIt) {
  TcpScript script;
  script.Handshake();
  script.Send(true, "one ");
  script.Raw(true, script.next(true), kFin | kAck);
  script.Send(true, "two");
  FlowRun run;
  EXPECT_EQ(run.Only(script.packets).client_bytes(), "one two");
  EXPECT_EQ(run.Anomalies(AnomalyCode::tcp_fin_refuted), 1u);
}

TEST(FlowTable, BytesHeldBehindAFinRefuteIt) {
  TcpScript script;
  script.Handshake();
  const std::uint32_t base = script.next(true);
  script.Raw(true, base + 4, kAck, "4567");
  script.Raw(true, base, kFin | kAck);  // in the hole
  script.next(true) += 1;
  script.Ack(false);
  script.Raw(true, base, kAck, "0123");
  FlowRun run;
  EXPECT_EQ(run.Only(script.packets).client_bytes(), "01234567");
  EXPECT_EQ(run.Anomalies(AnomalyCode::tcp_fin_refuted), 1u);
}

TEST(FlowTable, DataBehindAnAcknowledgedEndIsInspectedAsAConversationOfItsOwn) {
  TcpScript script;
  script.Handshake();
  script.Send(true, "one");
  script.Close();
  script.Send(true, "hidden");
  FlowRun run;
  run.Play(script.packets);
  run.table.Finish();
  ASSERT_EQ(run.recorded.flows.size(), 2u);
  EXPECT_EQ(run.recorded.flows[1]->client_bytes(), "hidden");
}

TEST(FlowTable, DataOfASynBehindAHalfClosedEndIsInspectedToo) {
  TcpScript script;
  script.Handshake();
  script.Send(true, "one");
  script.Fin(true);
  script.Ack(false);
  script.Raw(true, 1000, kSyn, "one and hidden");
  FlowRun run;
  run.Play(script.packets);
  run.table.Finish();
  ASSERT_EQ(run.recorded.flows.size(), 2u);
  EXPECT_EQ(run.recorded.flows[1]->client_bytes(), "one and hidden");
}

TEST(FlowTable, StragglersOfAClosedConversationMakeNoNewOne) {
  TcpScript script;
  script.Handshake();
  script.Send(true, "one");
  script.Close();
  script.packets.push_back(script.packets[3]);  // the data once more
  script.packets.back().packet.time = script.time;
  script.Ack(false);
  FlowRun run;
  run.Play(script.packets);
  run.table.Finish();
  EXPECT_EQ(run.recorded.flows.size(), 1u);
  EXPECT_EQ(run.counters.Get(Counter::flow_packets_after_close), 2u);
}

TEST(FlowTable, PortsUsedAgainAfterTheCloseMakeANewConversation) {
  TcpScript script;
  script.Handshake();
  script.Send(true, "one");
  script.Close();
  script.next(true) = 77777;
  script.next(false) = 88888;
  script.Handshake();
  script.Send(true, "two");
  FlowRun run;
  run.Play(script.packets);
  run.table.Finish();
  ASSERT_EQ(run.recorded.flows.size(), 2u);
  EXPECT_EQ(run.recorded.flows[1]->client_bytes(), "two");
  EXPECT_NE(run.recorded.flows[0]->info.id, run.recorded.flows[1]->info.id);
}

TEST(FlowTable, AnsweredSynOnALivingConversationBeginsANewOneAndAnUnansweredDoesNot) {
  TcpScript script;
  script.Handshake();
  script.Send(true, "one ");
  script.Raw(true, 500'000'000, kSyn);  // forged: nobody answers
  script.Send(true, "goes on");
  FlowRun forged;
  EXPECT_EQ(forged.Only(script.packets).client_bytes(), "one goes on");
  script.next(true) = 700'000'000;
  script.next(false) = 800'000'000;
  script.Handshake();
  script.Send(true, "new");
  FlowRun answered;
  answered.Play(script.packets);
  answered.table.Finish();
  ASSERT_EQ(answered.recorded.flows.size(), 2u);
  EXPECT_EQ(answered.recorded.flows[0]->client_bytes(), "one goes on");
  EXPECT_EQ(answered.recorded.flows[1]->client_bytes(), "new");
  EXPECT_FALSE(answered.recorded.flows[1]->info.midstream);
}

TEST(FlowTable, ForgedSegmentFarAheadHidesNothing) {
  TcpScript script;
  script.Handshake();
  script.Send(true, "one ");
  script.Raw(true, script.next(true) + 100'000'000, kAck, "far");
  for (int i = 0; i < 20; ++i) {
    script.time += seconds(1);  // longer than flow.hole_time_ms in all
    script.Send(true, "x");
    script.Ack(false);
  }
  FlowRun run;
  const RecordedFlow& flow = run.Only(script.packets);
  EXPECT_EQ(flow.client_bytes(), "one " + std::string(20, 'x') + "far");
}

TEST(FlowTable, ForgedAcknowledgementHidesNothing) {
  TcpScript script;
  script.Handshake();
  script.Send(true, "one ");
  script.Raw(false, script.next(false), kAck).packet.tcp.acknowledgement += 1'000'000;
  for (int i = 0; i < 50; ++i) script.Send(true, "x");
  FlowRun run;
  EXPECT_EQ(run.Only(script.packets).client_bytes().substr(0, 54), "one " + std::string(50, 'x'));
}

TEST(FlowTable, WhatTheSnapLengthCutIsAGap) {
  TcpScript script;
  script.Handshake();
  script.Send(true, "abcdef");
  script.packets.back().cut = 2;
  script.Send(true, "ghi");
  FlowRun run;
  const RecordedFlow& flow = run.Only(script.packets);
  EXPECT_EQ(flow.client_bytes(), "abcdghi");
  EXPECT_THAT(flow.Of(Direction::kFromClient).gaps, ElementsAre(RecordedGap{4, 2}));
  EXPECT_EQ(flow.counters.by_direction[0].lost_before_sensor_bytes, 0u);
}

TEST(FlowTable, KeepAlivesAndWindowProbesAddNothing) {
  TcpScript script;
  script.Handshake();
  script.Send(true, "ab");
  script.Raw(true, script.next(true) - 1, kAck, "?");  // keep-alive with a byte of garbage
  script.Raw(true, script.next(true), kAck, "c");      // window probe, refused
  script.Send(true, "cd");
  FlowRun run;
  EXPECT_EQ(run.Only(script.packets).client_bytes(), "abcd");
}

TEST(FlowTable, OutOfOrderLimitGivesUpOrderAndNoByte) {
  config::Limits limits;
  limits.flow_out_of_order_bytes = 65536;
  TcpScript script;
  script.Handshake();
  script.next(true) += 100;
  const std::string text = Text(300000);
  for (std::size_t at = 0; at < text.size(); at += 1000) script.Send(true, text.substr(at, 1000));
  FlowRun run(limits);
  const RecordedFlow& flow = run.Only(script.packets);
  EXPECT_EQ(flow.client_bytes(), text);
  EXPECT_THAT(flow.Of(Direction::kFromClient).gaps, ElementsAre(RecordedGap{0, 100}));
  EXPECT_EQ(run.counters.Get(Counter::flow_gap_buffer), 100u);
  EXPECT_EQ(run.Anomalies(AnomalyCode::tcp_out_of_order_limit), 1u);
}

TEST(FlowTable, MemoryLimitGivesUpOrderAndNoByte) {
  config::Limits limits;
  limits.flow_memory_bytes = 1536 * 4;
  TcpScript script;
  script.Handshake();
  script.next(true) += 100;
  const std::string text = Text(30000);
  for (std::size_t at = 0; at < text.size(); at += 1000) script.Send(true, text.substr(at, 1000));
  FlowRun run(limits);
  EXPECT_EQ(run.Only(script.packets).client_bytes(), text);
  EXPECT_EQ(run.counters.Get(Counter::flow_gap_memory), 100u);
}

TEST(FlowTable, BytesThatComeAfterTheirGapAreDroppedAndCounted) {
  config::Limits limits;
  limits.flow_standing_hole_time_ms = 1000;
  TcpScript script;
  script.Handshake();
  const std::uint32_t base = script.next(true);
  script.Raw(true, base + 4, kAck, "4567");
  script.time += seconds(2);
  script.Raw(true, base + 8, kAck, "89");
  script.Raw(true, base, kAck, "0123");
  FlowRun run(limits);
  const RecordedFlow& flow = run.Only(script.packets);
  EXPECT_EQ(flow.client_bytes(), "456789");
  EXPECT_EQ(flow.counters.by_direction[0].dropped_bytes, 4u);
  EXPECT_EQ(run.counters.Get(Counter::flow_gap_timeout), 4u);
}

// Small packets of a tunnel come whole, large ones are joined from fragments and handed over, all later than they.
TEST(FlowTable, InsideATunnelLargeSegmentsMayComeAfterTheSmallOnesBehindThem) {
  TcpScript script;
  script.Handshake();
  std::string sent = "head";
  script.Send(true, sent);
  for (unsigned n = 0; n < 40; ++n) {
    sent += Text(1200, n);
    script.Send(true, Text(1200, n));
    script.Ack(false);
  }
  sent += "tail";
  script.Send(true, "tail");
  script.Ack(false);
  script.Close();
  for (const bool in_tunnel : {true, false}) {
    testing::PacketScript packets = script.packets;
    std::ranges::stable_partition(packets, [](const ScriptedPacket& packet) { return packet.payload.size() < 1000; });
    for (ScriptedPacket& packet : packets) {
      if (in_tunnel) packet.packet.encapsulations[packet.packet.encapsulation_count++] = Encapsulation::kGre;
    }
    FlowRun run;
    const RecordedFlow& flow = run.Only(packets);
    EXPECT_EQ(flow.client_bytes() == sent, in_tunnel);
    EXPECT_EQ(flow.Of(Direction::kFromClient).gaps.empty(), in_tunnel);
  }
}

TEST(FlowTable, TooManyConversationsCostTheOneThatWasQuietLongest) {
  config::Limits limits;
  limits.flow_flows_count = 16;
  FlowRun run(limits);
  PacketTime time(seconds(1'700'000'000));
  for (int i = 0; i < 40; ++i) {
    const std::string source = "10.0.0." + std::to_string(i);
    Datagram(source.c_str(), "198.51.100.7", "x", time += milliseconds(1)).Play(run.table);
    Datagram("10.0.0.0", "198.51.100.7", "y", time += milliseconds(1)).Play(run.table);
  }
  EXPECT_EQ(run.table.size(), 16u);
  EXPECT_EQ(run.counters.Get(Counter::flows_evicted), 24u);
  EXPECT_FALSE(run.recorded.flows[0]->closed);  // was never quiet
  EXPECT_EQ(run.recorded.flows[1]->reason, CloseReason::kEvicted);
  run.table.Finish();
  EXPECT_EQ(run.counters.Get(Counter::flows_started), 40u);
  EXPECT_EQ(run.counters.Get(Counter::flows_shutdown), 16u);
}

TEST(FlowTable, EachDatagramIsOnePieceAndSilenceEndsTheConversation) {
  const PacketTime time(seconds(1'700'000'000));
  FlowRun run;
  Datagram("10.0.0.1", "10.0.0.2", "one", time).Play(run.table);
  Datagram("10.0.0.1", "10.0.0.2", "three", time).Play(run.table);
  Datagram("10.0.0.1", "10.0.0.2", "later", time + seconds(61)).Play(run.table);
  run.table.Finish();
  ASSERT_EQ(run.recorded.flows.size(), 2u);
  EXPECT_THAT(run.recorded.flows[0]->Of(Direction::kFromClient).lengths, ElementsAre(3u, 5u));
  EXPECT_EQ(run.recorded.flows[0]->reason, CloseReason::kIdle);
  EXPECT_EQ(run.recorded.flows[1]->client_bytes(), "later");
}

TEST(FlowTable, LongConversationsReportInPacketTime) {
  TcpScript script;
  script.Handshake();
  for (int i = 0; i < 10; ++i) {
    script.Send(true, "x");
    script.time += seconds(100);
  }
  FlowRun run;
  const RecordedFlow& flow = run.Only(script.packets);
  ASSERT_EQ(flow.reports.size(), 3u);  // 300, 600 and 900 s after it began
  EXPECT_EQ(flow.reports[0].by_direction[0].delivered_bytes, 4u);
}

TEST(FlowTable, ConversationsEndInTheOrderInWhichTheyBegan) {
  FlowRun run;
  const PacketTime time(seconds(1'700'000'000));
  for (int i = 0; i < 100; ++i) {
    Datagram(("10.0.1." + std::to_string(i * 37 % 100)).c_str(), "10.0.0.2", "x", time).Play(run.table);
  }
  run.table.Finish();
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(ToString(run.recorded.flows[static_cast<std::size_t>(i)]->info.client.address),
              "10.0.1." + std::to_string(i * 37 % 100));
  }
}

}  // namespace
}  // namespace spanwatch::flow
