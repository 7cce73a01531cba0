// Whoever sends a decoy before each segment, or the same positions twice with other bytes, hides nothing; and whoever
// only has a network that does odd things is not told to be evasive.
#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "flow_run.h"

namespace spanwatch::flow {
namespace {

using testing::RecordedFlow;
using testing::ScriptedPacket;
using testing::TcpScript;

constexpr std::size_t kPiece = 1400;

std::vector<std::string> Pieces(const std::string& text, std::size_t length = kPiece) {
  std::vector<std::string> pieces;
  for (std::size_t at = 0; at < text.size(); at += length) pieces.push_back(text.substr(at, length));
  return pieces;
}

using Change = std::function<void(DecodedPacket&)>;

// Every packet of the script as a careful sender makes it.
void MakeCareful(testing::PacketScript& packets) {
  std::uint32_t timestamp = 5000;
  for (ScriptedPacket& scripted : packets) {
    scripted.packet.checksum = Checksum::kRight;
    scripted.packet.hop_limit = 64;
    scripted.packet.tcp.has_timestamp = true;
    scripted.packet.tcp.timestamp = ++timestamp;
  }
}

// An upload of `real`, before each segment one of `decoys` with the same numbers.
testing::PacketScript Decoyed(const std::string& real, const std::string& decoys, const Change& change,
                              std::size_t length = kPiece, std::size_t acknowledge_every = 2) {
  TcpScript script;
  script.Handshake();
  const auto pieces = Pieces(real, length), others = Pieces(decoys, length);
  std::vector<std::size_t> changed;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    changed.push_back(script.packets.size());
    script.Raw(true, script.next(true), TcpFields::kAck | TcpFields::kPsh, others[i]);
    script.Send(true, pieces[i]);
    if (i % acknowledge_every == 0) script.Ack(false);
  }
  script.Ack(false);
  script.Close();
  MakeCareful(script.packets);
  for (const std::size_t index : changed) change(script.packets[index].packet);
  return script.packets;
}

struct Kind {
  const char* name;
  Change change;
};

std::vector<Kind> DroppedKinds() {
  return {
      {"wrong checksum", [](DecodedPacket& decoy) { decoy.checksum = Checksum::kWrong; }},
      {"time to live", [](DecodedPacket& decoy) { decoy.hop_limit = 2; }},
      {"no acknowledgement", [](DecodedPacket& decoy) { decoy.tcp.flags = TcpFields::kPsh; }},
      {"no flags", [](DecodedPacket& decoy) { decoy.tcp.flags = 0; }},
      {"acknowledges the future", [](DecodedPacket& decoy) { decoy.tcp.acknowledgement += 1u << 30; }},
      {"acknowledges a little too much", [](DecodedPacket& decoy) { decoy.tcp.acknowledgement += 70'000; }},
      {"acknowledges the past", [](DecodedPacket& decoy) { decoy.tcp.acknowledgement -= 200'000; }},
      {"signature", [](DecodedPacket& decoy) { decoy.tcp.has_signature = true; }},
      {"old timestamp", [](DecodedPacket& decoy) { decoy.tcp.timestamp -= 4000; }},
      {"no timestamp", [](DecodedPacket& decoy) { decoy.tcp.has_timestamp = false; }},
      {"options of IP", [](DecodedPacket& decoy) { decoy.ip_options = true; }},
      {"a length beyond the frame", [](DecodedPacket& decoy) { decoy.overlong = true; }},
  };
}

TEST(TcpDecoys, WhatTheReceiverDropsIsNoPartOfTheStreamAndIsSearchedToo) {
  const std::string real = Text(40'000, 3), decoys = Text(40'000, 11);
  for (const Kind& kind : DroppedKinds()) {
    FlowRun run;
    const RecordedFlow& flow = run.Only(Decoyed(real, decoys, kind.change));
    EXPECT_EQ(flow.client_bytes(), real) << kind.name;
    EXPECT_TRUE(flow.Of(Direction::kFromClient).gaps.empty()) << kind.name;
    EXPECT_EQ(flow.second[0].bytes, decoys) << kind.name;
    EXPECT_GT(run.Anomalies(AnomalyCode::tcp_decoy), 0u) << kind.name;
    EXPECT_EQ(flow.second_readings, 1u) << kind.name;
  }
}

TEST(TcpDecoys, WhereNothingTellsThemApartBothReadingsAreSearched) {
  const std::string real = Text(40'000, 3), decoys = Text(40'000, 11);
  for (const std::size_t length : {kPiece, std::size_t{100}, std::size_t{1}}) {
    const std::size_t size = length == 1 ? 3000 : real.size();
    FlowRun run;
    const RecordedFlow& flow =
        run.Only(Decoyed(real.substr(0, size), decoys.substr(0, size), [](DecodedPacket&) {}, length));
    EXPECT_EQ(flow.client_bytes(), decoys.substr(0, size)) << length;
    EXPECT_EQ(flow.second[0].bytes, real.substr(0, size)) << length;
    EXPECT_GT(run.Anomalies(AnomalyCode::tcp_overlap_conflict), 0u) << length;
  }
}

TEST(TcpDecoys, EqualEndsMakeNoDuplicate) {
  const std::string real = Text(20'000, 3);
  std::string decoys = real;
  for (std::size_t at = 0; at < decoys.size(); ++at) {
    const std::size_t in_piece = at % kPiece;
    if (in_piece >= 8 && in_piece < kPiece - 8 && at < decoys.size() - 8) decoys[at] = '#';
  }
  testing::PacketScript script = Decoyed(real, decoys, [](DecodedPacket&) {});
  for (ScriptedPacket& scripted : script) scripted.packet.ip_id = 7;
  FlowRun run;
  const RecordedFlow& flow = run.Only(script);
  EXPECT_TRUE(flow.Found(Direction::kFromClient, real));
}

// Behind a hole a segment lies in several pieces, whether it waits or was kept aside: each of them is compared.
TEST(TcpDecoys, EqualEndsMakeNoDuplicateBehindAHoleEither) {
  const std::string before = Text(1400, 3), real = Text(1400, 7);
  std::string decoy = real;
  decoy.replace(1200, 100, 100, '#');
  for (const Checksum checksum : {Checksum::kRight, Checksum::kWrong}) {
    TcpScript script;
    script.Handshake();
    const std::uint32_t start = script.next(true);
    script.Raw(true, start + 1400, TcpFields::kAck, decoy);
    script.Raw(true, start + 1400, TcpFields::kAck, real);
    script.Raw(true, start, TcpFields::kAck, before);
    script.next(true) = start + 2800;
    script.Ack(false);
    script.Close();
    MakeCareful(script.packets);
    for (ScriptedPacket& scripted : script.packets) scripted.packet.ip_id = 7;
    script.packets[3].packet.checksum = checksum;
    FlowRun run;
    const RecordedFlow& flow = run.Only(script.packets);
    const std::string& first = checksum == Checksum::kWrong ? real : decoy;
    EXPECT_EQ(flow.client_bytes(), before + first);
    EXPECT_TRUE(flow.Found(Direction::kFromClient, real));
    EXPECT_TRUE(flow.Found(Direction::kFromClient, decoy));
  }
}

TEST(TcpDecoys, RetransmissionWithOtherBytesBeforeAHoleClosesIsFound) {
  const std::string first = Text(2800, 3), other = Text(2800, 11), rest = Text(2800, 7);
  TcpScript script;
  script.Handshake();
  const std::uint32_t start = script.next(true);
  script.Raw(true, start, TcpFields::kAck, first);
  script.Raw(true, start + 4200, TcpFields::kAck, rest.substr(1400));  // a hole before it
  script.Raw(true, start, TcpFields::kAck, other);
  script.Raw(true, start + 2800, TcpFields::kAck, rest.substr(0, 1400));
  script.next(true) = start + 5600;
  script.Ack(false);
  script.Close();
  FlowRun run;
  const RecordedFlow& flow = run.Only(script.packets);
  EXPECT_EQ(flow.client_bytes(), first + rest);
  EXPECT_EQ(flow.second[0].bytes, other + rest);
  EXPECT_GT(run.Anomalies(AnomalyCode::tcp_overlap_conflict), 0u);
}

TEST(TcpDecoys, DecoysOfAWholeWindowAheadAreReplacedInTheSecondReading) {
  const std::string real = Text(200'000, 3), decoys = Text(200'000, 11);
  TcpScript script;
  script.Handshake();
  const std::uint32_t start = script.next(true);
  std::uint32_t at = start;
  for (const std::string& piece : Pieces(decoys)) {
    script.Raw(true, at, TcpFields::kAck, piece);
    at += static_cast<std::uint32_t>(piece.size());
  }
  for (const std::string& piece : Pieces(real)) script.Send(true, piece);
  script.Ack(false);
  script.Close();
  FlowRun run;
  const RecordedFlow& flow = run.Only(script.packets);
  EXPECT_TRUE(flow.Found(Direction::kFromClient, real));
  EXPECT_GT(run.Anomalies(AnomalyCode::tcp_stream_repeated) + run.Anomalies(AnomalyCode::tcp_overlap_conflict), 0u);
}

TEST(TcpDecoys, BytesBeyondTheWindowGoBehindThoseWithin) {
  const std::string real = Text(20'000, 3), decoy = Text(1400, 11);
  TcpScript script;
  script.Handshake();
  script.Send(true, real.substr(0, 1400));
  script.Ack(false);
  // Beyond the 65,000 bytes that were granted; its place is reached later.
  const std::uint32_t future = script.next(true) + 66'000;
  script.Raw(true, future, TcpFields::kAck | TcpFields::kPsh, decoy);
  std::string sent = real.substr(0, 1400);
  while (script.next(true) < future + 1400) {
    const std::string piece = Text(1000, static_cast<unsigned>(sent.size()));
    script.Send(true, piece);
    sent += piece;
    script.Ack(false);
  }
  script.Close();
  FlowRun run;
  const RecordedFlow& flow = run.Only(script.packets);
  EXPECT_EQ(flow.client_bytes(), sent);
  EXPECT_TRUE(flow.Found(Direction::kFromClient, decoy));
  EXPECT_GT(run.Anomalies(AnomalyCode::tcp_decoy), 0u);
}

// What a network does to a sender without a decoy: nothing is told, and nothing is lost.
void ExpectSilent(const testing::PacketScript& packets, const std::string& text, const char* name) {
  FlowRun run;
  const RecordedFlow& flow = run.Only(packets);
  EXPECT_EQ(flow.client_bytes(), text) << name;
  EXPECT_TRUE(flow.Of(Direction::kFromClient).gaps.empty()) << name;
  EXPECT_TRUE(run.recorded.anomalies.empty()) << name;
  EXPECT_EQ(flow.second_readings, 0u) << name;
}

testing::PacketScript Upload(const std::string& text, const Change& change, bool both_directions = true) {
  TcpScript script;
  script.Handshake();
  std::vector<std::size_t> changed;
  for (const std::string& piece : Pieces(text)) {
    changed.push_back(script.packets.size());
    script.Send(true, piece);
    if (changed.size() % 2 == 0) script.Ack(false);
  }
  script.Ack(false);
  script.Close();
  MakeCareful(script.packets);
  for (const std::size_t index : changed) change(script.packets[index].packet);
  if (!both_directions) {
    const Endpoint server = script.server;
    std::erase_if(script.packets, [&](const ScriptedPacket& scripted) { return scripted.packet.source == server; });
  }
  return script.packets;
}

TEST(TcpDecoys, SegmentsThatOnlyLookOddCountWhenTheyAreAcknowledged) {
  const std::string text = Text(60'000, 3);
  for (const Kind& kind : DroppedKinds()) {
    ExpectSilent(Upload(text, kind.change), text, kind.name);
    ExpectSilent(Upload(text, kind.change, false), text, kind.name);
  }
}

TEST(TcpDecoys, ChecksumsOfANetworkCardAreNoDecoys) {
  const std::string text = Text(60'000, 3);
  testing::PacketScript all_wrong = Upload(text, [](DecodedPacket&) {});
  for (ScriptedPacket& scripted : all_wrong) scripted.packet.checksum = Checksum::kWrong;
  ExpectSilent(all_wrong, text, "offloaded");
  FlowRun run;
  run.Only(all_wrong);
  EXPECT_EQ(run.counters.Get(Counter::flow_doubted_checksum), 0u);

  TcpScript merged;
  merged.Handshake();
  for (const std::string& piece : Pieces(text, 20'000)) merged.Send(true, piece);
  merged.Ack(false);
  merged.Close();
  MakeCareful(merged.packets);
  for (ScriptedPacket& scripted : merged.packets) {
    if (scripted.payload.size() > 1500) scripted.packet.checksum = Checksum::kWrong;
  }
  ExpectSilent(merged.packets, text, "merged");
}

// In a tunnel whose outer packets are cut into fragments, large segments come later than small ones. The sender's
// network card has yet to sum the small ones, so the end of the upload is doubted; and its acknowledgement came first.
TEST(TcpDecoys, AcknowledgementsThatOvertakeTheirBytesHandOnWhatWasKeptAside) {
  const std::string text = Text(60'700, 3);
  const testing::PacketScript in_order = Upload(text, [](DecodedPacket&) {});
  for (std::size_t delay = 0; delay < in_order.size(); ++delay) {
    std::multimap<std::size_t, ScriptedPacket> by_arrival;
    for (std::size_t i = 0; i < in_order.size(); ++i) {
      ScriptedPacket scripted = in_order[i];
      scripted.packet.encapsulations[0] = Encapsulation::kVxlan;
      scripted.packet.encapsulation_count = 1;
      const bool large = scripted.payload.size() == kPiece;
      if (!large) scripted.packet.checksum = Checksum::kWrong;
      by_arrival.emplace(large ? i + delay : i, scripted);
    }
    testing::PacketScript packets;
    for (const auto& [arrival, scripted] : by_arrival) packets.push_back(scripted);
    ExpectSilent(packets, text, std::to_string(delay).c_str());
    FlowRun run;
    EXPECT_EQ(run.Only(packets).reason, CloseReason::kFinished) << delay;
  }
}

TEST(TcpDecoys, RepeatsAndKeepAlivesAreSilent) {
  const std::string text = Text(60'000, 3);
  testing::PacketScript repeated = Upload(text, [](DecodedPacket&) {});
  testing::PacketScript twice;
  for (const ScriptedPacket& scripted : repeated) {
    twice.push_back(scripted);
    twice.push_back(scripted);
    twice.back().packet.ip_id = static_cast<std::uint16_t>(scripted.packet.ip_id + 30'000);  // sent again, not mirrored
  }
  ExpectSilent(twice, text, "sent twice");

  TcpScript idle;
  idle.Handshake();
  idle.Send(true, text.substr(0, 1000));
  idle.Ack(false);
  for (int i = 0; i < 3; ++i) {
    idle.time += std::chrono::seconds(75);
    idle.Raw(true, idle.next(true) - 1, TcpFields::kAck, std::string(1, '\0'));
    idle.Ack(false);
  }
  idle.Send(true, text.substr(1000, 1000));
  idle.Ack(false);
  idle.Close();
  ExpectSilent(idle.packets, text.substr(0, 2000), "keep-alive");
}

TEST(TcpDecoys, MemoryOfHistoryAndReadingsComesBack) {
  config::Limits limits;
  limits.flow_history_memory_bytes = 1 << 20;
  limits.flow_second_reading_memory_bytes = 1 << 20;
  FlowRun run(limits);
  const std::string real = Text(20'000, 3), decoys = Text(20'000, 11);
  for (std::uint16_t i = 0; i < 40; ++i) {  // more than the limits hold at a time
    for (ScriptedPacket scripted : Decoyed(real, decoys, [](DecodedPacket&) {})) {
      (scripted.packet.source.port == 80 ? scripted.packet.destination : scripted.packet.source).port =
          static_cast<std::uint16_t>(30'000 + i);
      if ((scripted.packet.tcp.flags & TcpFields::kFin) != 0) continue;
      scripted.Play(run.table);
    }
  }
  run.table.Finish();
  ASSERT_EQ(run.recorded.flows.size(), 40u);
  for (const auto& flow : run.recorded.flows) {
    const auto& second = flow->second[0].bytes;
    EXPECT_NE(second.find(real.substr(5000, 1000)), std::string::npos);
  }
}

}  // namespace
}  // namespace spanwatch::flow
