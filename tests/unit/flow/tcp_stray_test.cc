// Payload that a receiver drops unless it works with the sender, urgent bytes, and connections of which nobody can say
// who opened them: all of it is searched, and told where there is no harmless reason for it.
#include <gtest/gtest.h>

#include "flow_run.h"

namespace spanwatch::flow {
namespace {

using testing::RecordedFlow;
using testing::TcpScript;

constexpr std::size_t kStrayPiece = 1400;

// Behind a handshake and a request, all of `text` in packets with these flags.
TcpScript InPacketsWith(std::uint8_t flags, const std::string& text) {
  TcpScript script;
  script.Handshake();
  script.Send(true, "hello");
  script.Ack(false);
  const std::uint32_t first = script.next(true);
  for (std::size_t at = 0; at < text.size(); at += kStrayPiece) {
    script.Raw(true, first + static_cast<std::uint32_t>(at), flags, text.substr(at, kStrayPiece));
  }
  return script;
}

TEST(TcpStray, PayloadInResetsAndSynsIsSearchedByItselfAndTold) {
  const std::string text = Text(20'000);
  constexpr std::uint8_t kReset = TcpFields::kRst, kOpen = TcpFields::kSyn, kGood = TcpFields::kAck;
  for (const int flags : {+kReset, kReset | kGood, +kOpen, kOpen | kGood, kOpen | TcpFields::kFin}) {
    FlowRun run;
    const RecordedFlow& flow = run.Only(InPacketsWith(static_cast<std::uint8_t>(flags), text).packets);
    EXPECT_EQ(flow.client_bytes(), "hello") << flags;
    EXPECT_EQ(flow.second[0].bytes, text) << flags;
    EXPECT_TRUE(flow.second[0].gaps.empty()) << flags;
    EXPECT_EQ(run.Anomalies(AnomalyCode::tcp_stray_bytes), 1u) << flags;
  }
}

TEST(TcpStray, AResetMaySayWhyInAFewWords) {
  FlowRun run;
  const RecordedFlow& flow = run.Only(InPacketsWith(TcpFields::kRst | TcpFields::kAck, Text(200)).packets);
  EXPECT_EQ(flow.second[0].bytes, Text(200));
  EXPECT_EQ(run.Anomalies(AnomalyCode::tcp_stray_bytes), 0u);
}

TEST(TcpStray, PayloadUnderAnyNumbersIsSearchedPieceByPiece) {
  TcpScript script;
  script.Handshake();
  script.Send(true, "hello");
  std::uint32_t number = 5;
  for (int i = 0; i < 10; ++i) {
    number += 0x51234567;
    if (number < 0x10000000) number += 0x50000000;  // far from the stream
    script.Raw(true, number, TcpFields::kAck | TcpFields::kPsh, Text(1000, static_cast<unsigned>(i) + 1));
  }
  FlowRun run;
  const RecordedFlow& flow = run.Only(script.packets);
  EXPECT_GE(flow.second[0].bytes.size(), 8000u);
  EXPECT_GT(run.Anomalies(AnomalyCode::tcp_sequence_implausible), 0u);
}

TEST(TcpStray, WhatComesBehindTheEndInAResetIsAnotherConversation) {
  TcpScript script;
  script.Handshake();
  script.Send(true, "hello");
  script.Ack(false);
  script.Close();
  script.Raw(true, script.next(true), TcpFields::kRst | TcpFields::kAck, Text(9000));
  FlowRun run;
  run.Play(script.packets);
  run.table.Finish();
  ASSERT_EQ(run.recorded.flows.size(), 2u);
  EXPECT_EQ(run.recorded.flows[1]->second[0].bytes, Text(9000));
}

// An upload whose segments end in an urgent byte that is no part of what the application reads.
TcpScript WithUrgentBytes(const std::string& text) {
  TcpScript script;
  script.Handshake();
  for (std::size_t at = 0; at < text.size(); at += kStrayPiece) {
    const std::string piece = text.substr(at, kStrayPiece) + "!";
    auto& packet = script.Raw(true, script.next(true), TcpFields::kAck | TcpFields::kUrg, piece).packet;
    packet.tcp.urgent = static_cast<std::uint16_t>(piece.size());
    script.next(true) += static_cast<std::uint32_t>(piece.size());
    script.Ack(false);
  }
  script.Close();
  return script;
}

TEST(TcpUrgent, TheStreamIsReadWithoutUrgentBytesAndWithThem) {
  const std::string text = Text(30'000);
  std::string with;
  for (std::size_t at = 0; at < text.size(); at += kStrayPiece) with += text.substr(at, kStrayPiece) + "!";
  FlowRun run;
  const RecordedFlow& flow = run.Only(WithUrgentBytes(text).packets);
  EXPECT_EQ(flow.client_bytes(), text);
  EXPECT_EQ(flow.second[0].bytes, with);
  EXPECT_EQ(run.Anomalies(AnomalyCode::tcp_urgent_bytes), 1u);
}

TEST(TcpUrgent, OutOfOrderAndInAnyPiecesToo) {
  const std::string text = Text(30'000);
  TcpScript script = WithUrgentBytes(text);
  for (std::size_t i = 3; i + 2 < script.packets.size(); i += 4) std::swap(script.packets[i], script.packets[i + 2]);
  FlowRun run;
  EXPECT_TRUE(run.Only(script.packets).Found(Direction::kFromClient, text));
}

TEST(TcpUrgent, AFewAreNoEvasion) {
  FlowRun run;
  (void)run.Only(WithUrgentBytes(Text(3 * kStrayPiece)).packets);
  EXPECT_EQ(run.Anomalies(AnomalyCode::tcp_urgent_bytes), 0u);
}

// RFC 9293 section 3.5: both ends may open, and an answer may come in two parts.
TEST(TcpRoles, WhoOpenedFirstIsClientAndBothWaysAreTriedWhenBothDid) {
  TcpScript script;
  script.Raw(true, script.next(true), TcpFields::kSyn);
  script.Raw(false, script.next(false)++, TcpFields::kSyn);
  script.Raw(true, script.next(true)++, TcpFields::kSyn | TcpFields::kAck);
  script.Ack(false);
  script.Send(true, "hello");
  script.Close();
  FlowRun run;
  const RecordedFlow& flow = run.Only(script.packets);
  EXPECT_EQ(flow.client_bytes(), "hello");
  EXPECT_TRUE(flow.info.roles_doubtful);
  FlowRun usual;
  TcpScript other;
  other.Handshake();
  other.Send(true, "hello");
  EXPECT_FALSE(usual.Only(other.packets).info.roles_doubtful);
}

TEST(TcpStray, AForgedAnswerThatNobodyGetsBeginsNoConnection) {
  TcpScript script;
  script.Handshake();
  for (auto& scripted : script.packets) scripted.packet.hop_limit = 64;
  const std::string text = Text(20'000);
  for (std::size_t at = 0; at < text.size(); at += kStrayPiece) {
    const auto start = static_cast<std::uint32_t>(0x70000000 + at);
    script.Raw(true, start, TcpFields::kSyn).packet.hop_limit = 1;
    auto& answer = script.Raw(false, start ^ 0x5555, TcpFields::kSyn | TcpFields::kAck).packet;
    answer.hop_limit = 1;
    answer.tcp.acknowledgement = start + 1;
    script.Send(true, text.substr(at, kStrayPiece));
    script.packets.back().packet.hop_limit = 64;
    script.Ack(false);
    script.packets.back().packet.hop_limit = 64;
  }
  FlowRun run;
  EXPECT_EQ(run.Only(script.packets).client_bytes(), text);
}

// Two decoys for one position far ahead leave the second reading whole.
TEST(TcpStray, WhatContradictsFarAheadIsReadApart) {
  TcpScript script;
  script.Handshake();
  for (auto& scripted : script.packets) scripted.packet.tcp.window_scale = TcpFields::kNoWindowScale;
  const std::string real = Text(40'000, 3), other = Text(40'000, 11);
  for (std::size_t at = 0; at < real.size(); at += kStrayPiece) {
    const std::uint32_t ahead = script.next(true) + 600'000;
    for (const unsigned salt : {5u, 7u}) script.Raw(true, ahead, TcpFields::kAck, Text(kStrayPiece, salt));
    script.Raw(true, script.next(true), TcpFields::kAck, other.substr(at, kStrayPiece));
    script.Send(true, real.substr(at, kStrayPiece));
    script.Ack(false);
  }
  for (auto& scripted : script.packets) scripted.packet.ip_id = 0;
  config::Limits limits;
  FlowRun run(limits);
  const RecordedFlow& flow = run.Only(script.packets);
  EXPECT_TRUE(flow.Found(Direction::kFromClient, real) || flow.third[0].bytes.find(real) != std::string::npos);
  EXPECT_GT(run.Anomalies(AnomalyCode::tcp_overlap_conflict) + run.Anomalies(AnomalyCode::tcp_decoy), 0u);
}

}  // namespace
}  // namespace spanwatch::flow
