// Metamorphic tests: whatever the wire and the span port do to one conversation, its streams are the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "flow_run.h"

namespace spanwatch::flow {
namespace {

using testing::PacketScript;
using testing::RecordedFlow;
using testing::ScriptedPacket;
using testing::TcpScript;

using Random = std::mt19937;

std::size_t Below(Random& random, std::size_t bound) { return random() % bound; }

// A conversation of both directions in random pieces; begins without its handshake when `joined`.
TcpScript Conversation(Random& random, const std::string& up, const std::string& down, bool joined) {
  TcpScript script(random(), random());
  if (joined) {
    script.next(true) = random();
    script.next(false) = random();
  } else {
    script.Handshake();
  }
  for (const auto& [from_client, text] : {std::pair{true, &up}, std::pair{false, &down}}) {
    for (std::size_t at = 0; at < text->size();) {
      const std::size_t length = std::min(1 + Below(random, 3000), text->size() - at);
      script.Send(from_client, std::string_view(*text).substr(at, length));
      at += length;
      if (Below(random, 3) == 0) script.Ack(!from_client);
    }
    script.Ack(!from_client);
  }
  script.Close();
  return script;
}

// No packet moves further than `window` places.
void Reorder(Random& random, PacketScript& script, std::size_t window) {
  std::vector<std::pair<std::size_t, std::size_t>> keys;
  for (std::size_t i = 0; i < script.size(); ++i) keys.emplace_back(i + Below(random, window), i);
  std::ranges::sort(keys);
  PacketScript moved;
  for (const auto& [key, index] : keys) moved.push_back(script[index]);
  // The clock of the capture goes on all the same.
  for (std::size_t i = 0; i < moved.size(); ++i) moved[i].packet.time = script[i].packet.time;
  script = std::move(moved);
}

// Parts of what was sent are sent again, cut differently.
void Retransmit(Random& random, PacketScript& script) {
  PacketScript with;
  for (std::size_t i = 0; i < script.size(); ++i) {
    const ScriptedPacket& packet = script[i];
    with.push_back(packet);
    const ScriptedPacket& old = script[Below(random, i + 1)];
    if (old.payload.empty() || Below(random, 3) != 0) continue;
    ScriptedPacket again = old;
    const std::size_t from = Below(random, old.payload.size());
    again.payload = old.payload.substr(from, 1 + Below(random, old.payload.size() - from));
    again.packet.tcp.sequence += static_cast<std::uint32_t>(from);
    again.packet.ip_id = static_cast<std::uint16_t>(again.packet.ip_id + 20000);
    again.packet.time = packet.packet.time;
    with.push_back(again);
  }
  script = std::move(with);
}

void Duplicate(Random& random, PacketScript& script) {
  PacketScript with;
  for (const ScriptedPacket& packet : script) {
    with.push_back(packet);
    if (Below(random, 2) != 0) continue;
    with.push_back(packet);
    with.back().packet.vlan = {120, 0};
  }
  script = std::move(with);
}

TEST(TcpStream, AnySegmentationReorderingDuplicationAndRetransmissionGivesTheSameStreams) {
  for (unsigned seed = 0; seed < 400; ++seed) {
    Random random(seed);
    const std::string up = Text(1 + Below(random, 60000), seed);
    const std::string down = Text(1 + Below(random, 60000), seed + 1);
    TcpScript script = Conversation(random, up, down, false);
    if (seed % 2 != 0) Retransmit(random, script.packets);
    if (seed % 3 != 0) Duplicate(random, script.packets);
    if (seed % 5 != 0) Reorder(random, script.packets, 1 + Below(random, 8));
    FlowRun run;
    const RecordedFlow& flow = run.Only(script.packets);
    ASSERT_EQ(flow.client_bytes(), up) << seed;
    ASSERT_EQ(flow.server_bytes(), down) << seed;
    EXPECT_TRUE(flow.Of(Direction::kFromClient).gaps.empty()) << seed;
    EXPECT_TRUE(flow.Of(Direction::kFromServer).gaps.empty()) << seed;
    EXPECT_EQ(flow.info.client, script.client) << seed;
    EXPECT_EQ(flow.reason, CloseReason::kFinished) << seed;
    EXPECT_EQ(run.Anomalies(AnomalyCode::tcp_overlap_conflict), 0u) << seed;
    EXPECT_EQ(run.counters.Get(Counter::flow_held_bytes), 0u) << seed;
  }
}

TEST(TcpStream, JoinedInTheMiddleReorderedSegmentsStillComeInOrder) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    Random random(seed);
    const std::string up = Text(40000 + Below(random, 20000), seed);
    const std::string down = Text(40000 + Below(random, 20000), seed + 1);
    TcpScript script = Conversation(random, up, down, true);
    Reorder(random, script.packets, 6);
    FlowRun run;
    const RecordedFlow& flow = run.Only(script.packets);
    ASSERT_EQ(flow.client_bytes(), up) << seed;
    ASSERT_EQ(flow.server_bytes(), down) << seed;
    EXPECT_TRUE(flow.info.midstream);
    EXPECT_EQ(flow.info.client, script.client);
  }
}

TEST(TcpStream, LossIsToldAsGapsOfTheRightPlaceAndLengthAndCountedAsLostBeforeTheSensor) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    Random random(seed);
    const std::string up = Text(100000, seed);
    const TcpScript script = Conversation(random, up, "answer", false);
    PacketScript kept;
    std::string seen = up;
    std::uint64_t lost = 0;
    const std::uint32_t first = script.packets.front().packet.tcp.sequence + 1;
    for (const ScriptedPacket& packet : script.packets) {
      const bool data = packet.packet.source == script.client && !packet.payload.empty();
      if (!data || Below(random, 2) == 0) {
        kept.push_back(packet);
        continue;
      }
      lost += packet.payload.size();
      seen.replace(packet.packet.tcp.sequence - first, packet.payload.size(), packet.payload.size(), '-');
    }
    Reorder(random, kept, 4);
    FlowRun run;
    const RecordedFlow& flow = run.Only(kept);
    const auto& direction = flow.Of(Direction::kFromClient);
    std::string rebuilt = direction.bytes;
    for (const auto& gap : direction.gaps) rebuilt.insert(gap.position, gap.length, '-');
    ASSERT_EQ(rebuilt, seen) << seed;
    const DirectionCounters& counters = flow.counters.by_direction[0];
    EXPECT_EQ(counters.gap_bytes, lost) << seed;
    EXPECT_EQ(counters.lost_before_sensor_bytes, lost) << seed;
    EXPECT_EQ(run.counters.Get(Counter::lost_before_sensor_bytes), lost) << seed;
  }
}

// What a firewall that renumbers sequences lets through is seen on both of its sides.
PacketScript BothSidesOfARenumberingFirewall(Random& random, const PacketScript& script, const Endpoint& client) {
  const std::uint32_t client_shift = random();
  const std::uint32_t server_shift = Below(random, 2) == 0 ? 0 : random();
  PacketScript with;
  for (const ScriptedPacket& packet : script) {
    ScriptedPacket twin = packet;
    const bool from_client = packet.packet.source == client;
    twin.packet.tcp.sequence += from_client ? client_shift : server_shift;
    if ((packet.packet.tcp.flags & TcpFields::kAck) != 0) {
      twin.packet.tcp.acknowledgement += from_client ? server_shift : client_shift;
    }
    twin.packet.time += std::chrono::microseconds(20);
    with.push_back(from_client ? packet : twin);
    with.push_back(from_client ? twin : packet);
    with.back().packet.time = packet.packet.time + std::chrono::microseconds(20);
  }
  return with;
}

TEST(TcpStream, PacketsSeenOnBothSidesOfARenumberingFirewallCountOnce) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    Random random(seed);
    const std::string up = Text(1 + Below(random, 60000), seed);
    const std::string down = Text(1 + Below(random, 60000), seed + 1);
    const TcpScript script = Conversation(random, up, down, false);
    const PacketScript both = BothSidesOfARenumberingFirewall(random, script.packets, script.client);
    FlowRun run;
    run.Play(both);
    run.table.Finish();
    const auto carries = [](const auto& flow) {
      return !flow->client_bytes().empty() || !flow->server_bytes().empty();
    };
    ASSERT_EQ(std::ranges::count_if(run.recorded.flows, carries), 1) << seed;
    const RecordedFlow& flow = **std::ranges::find_if(run.recorded.flows, carries);
    ASSERT_EQ(flow.client_bytes(), up) << seed;
    ASSERT_EQ(flow.server_bytes(), down) << seed;
    EXPECT_EQ(run.counters.Get(Counter::lost_before_sensor_bytes), 0u) << seed;
    EXPECT_EQ(run.counters.Get(Counter::lost_unsure_bytes), 0u) << seed;
  }
}

TEST(TcpStream, EqualSegmentsWithOneIpIdentificationAreNotTakenForOneAnother) {
  TcpScript script;
  script.Handshake();
  const std::uint32_t base = script.next(true);
  for (const std::uint32_t at : {0u, 300'000u, 200'000u, 100'000u}) {  // beyond every window
    script.Raw(true, base + at, TcpFields::kAck, std::string(100, 'x'));
  }
  for (ScriptedPacket& packet : script.packets) packet.packet.ip_id = 1;
  FlowRun run;
  EXPECT_EQ(run.Only(script.packets).client_bytes(), std::string(400, 'x'));
}

TEST(TcpStream, AcknowledgementsOfOtherNumbersLoseNothing) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    Random random(seed);
    const std::string up = Text(1 + Below(random, 60000), seed);
    TcpScript script = Conversation(random, up, "answer", seed % 3 == 0);
    const std::uint32_t shift = 70'000'000 + Below(random, 900'000'000);
    PacketScript with;
    for (const ScriptedPacket& packet : script.packets) {
      with.push_back(packet);
      if (packet.packet.source == script.client || Below(random, 2) == 0) continue;
      with.push_back(packet);
      with.back().payload.clear();
      with.back().packet.ip_id = 0;
      with.back().packet.tcp.flags = TcpFields::kAck;
      with.back().packet.tcp.acknowledgement += shift;
    }
    FlowRun run;
    const RecordedFlow& flow = run.Only(with);
    ASSERT_EQ(flow.client_bytes(), up) << seed;
    EXPECT_TRUE(flow.Of(Direction::kFromClient).gaps.empty()) << seed;
    EXPECT_EQ(flow.counters.by_direction[0].lost_before_sensor_bytes, 0u) << seed;
  }
}

TEST(TcpStream, EndOfOtherNumbersLosesNothing) {
  TcpScript script;
  script.Handshake();
  script.Send(true, "one ");
  script.Ack(false);
  const std::uint32_t own = script.next(true);
  script.Raw(true, own + 464'000'000, TcpFields::kFin | TcpFields::kAck);
  script.next(true) = own + 464'000'001;
  script.Ack(false);
  script.next(true) = own;
  script.Send(true, "two");
  FlowRun run;
  const RecordedFlow& flow = run.Only(script.packets);
  EXPECT_EQ(flow.client_bytes(), "one two");
  EXPECT_TRUE(flow.Of(Direction::kFromClient).gaps.empty());
  EXPECT_EQ(run.Anomalies(AnomalyCode::tcp_sequence_implausible), 1u);
}

TEST(TcpStream, LossOfBothDirectionsForAWhileIsToldWhenTheReceiverGoesOn) {
  for (const bool bytes_again : {true, false}) {
    TcpScript script;
    script.Handshake();
    script.Send(true, "before");
    script.Ack(false);
    script.next(true) += 300'000'000;
    for (int i = 0; i < 60; ++i) {
      script.next(true) += bytes_again ? 0 : 1000;
      if (bytes_again) script.Send(true, "after");
      script.Ack(false);
    }
    FlowRun run;
    const DirectionCounters& counters = run.Only(script.packets).counters.by_direction[0];
    EXPECT_EQ(counters.lost_before_sensor_bytes, bytes_again ? 300'000'000u : 300'060'000u);
    EXPECT_EQ(counters.lost_unsure_bytes, bytes_again ? 0u : 300'060'000u);
  }
}

TEST(TcpStream, OneDirectionAloneIsReassembledAndItsLossToldWithoutAcknowledgements) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    Random random(seed);
    const std::string up = Text(400000, seed);
    TcpScript script = Conversation(random, up, "answer", seed % 2 == 0);
    std::erase_if(script.packets, [&](const ScriptedPacket& packet) { return packet.packet.source == script.server; });
    std::uint64_t lost = 0;
    std::size_t index = 0;
    std::erase_if(script.packets, [&](const ScriptedPacket& packet) {
      const bool drop = ++index > 30 && !packet.payload.empty() && Below(random, 20) == 0;
      lost += drop ? packet.payload.size() : 0;
      return drop;
    });
    config::Limits limits;
    limits.flow_out_of_order_bytes = 65536;
    FlowRun run(limits);
    const RecordedFlow& flow = run.Only(script.packets);
    EXPECT_EQ(flow.counters.by_direction[0].gap_bytes, lost) << seed;
    EXPECT_EQ(flow.client_bytes().size() + lost, up.size()) << seed;
    EXPECT_EQ(flow.counters.by_direction[0].lost_before_sensor_bytes, 0u) << seed;
  }
}

}  // namespace
}  // namespace spanwatch::flow
