#include "decode/ip_reassembler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "packet_recorder.h"
#include "telemetry/anomaly_codes.h"

namespace spanwatch::decode {
namespace {

using ::testing::ElementsAre;
using testing::PacketBuilder;

std::string Text(std::size_t length) {
  std::string text(length, ' ');
  for (std::size_t i = 0; i < length; ++i) text[i] = static_cast<char>('a' + i * 31 % 23);
  return text;
}
PacketBuilder Datagram4(std::string_view text) {
  return PacketBuilder().Ethernet().Ipv4("10.20.0.9", "198.51.100.7").Udp(5000, 5001).Payload(text);
}
PacketBuilder Datagram6(std::string_view text) {
  return PacketBuilder().Ethernet().Ipv6("fd00::9", "2001:db8::7").Udp(5000, 5001).Payload(text);
}

TEST(IpReassembler, AnyOrderAndAnyFragmentSizeGiveTheSameDatagram) {
  std::mt19937 random(7);
  const std::string text = Text(3001);
  for (const PacketBuilder& builder : {Datagram4(text), Datagram6(text)}) {
    for (const std::size_t size : {8u, 64u, 512u, 1480u}) {
      PacketRecorder recorder;
      std::vector<Bytes> fragments = builder.BuildFragments(size, 1);
      std::shuffle(fragments.begin(), fragments.end(), random);
      for (const Bytes& fragment : fragments) recorder.Decode(fragment);
      ASSERT_EQ(recorder.packets.size(), 1u) << size;
      EXPECT_EQ(recorder.payloads[0], text);
      EXPECT_TRUE(recorder.packets[0].reassembled);
      EXPECT_EQ(recorder.packets[0].transport, Transport::kUdp);
      EXPECT_EQ(recorder.packets[0].destination.port, 5001);
      EXPECT_EQ(recorder.Get(Counter::fragments_held), fragments.size() - 1);
      EXPECT_TRUE(recorder.anomalies.empty());
    }
  }
}

TEST(IpReassembler, RepeatedFragmentsAreNoOverlapAndGiveNoSecondDatagram) {
  PacketRecorder recorder;
  for (const Bytes& fragment : Datagram4(Text(3000)).BuildFragments(1000, 1)) {
    recorder.Decode(fragment);
    recorder.Decode(fragment);
  }
  recorder.Finish();
  EXPECT_THAT(recorder.payloads, ElementsAre(Text(3000)));
  EXPECT_TRUE(recorder.anomalies.empty());
  EXPECT_EQ(recorder.Get(Counter::fragment_datagrams_started), 1u);
  EXPECT_EQ(recorder.Get(Counter::fragment_datagrams_unfinished), 0u);
}

TEST(IpReassembler, BothReadingsAreGivenWhereFragmentsOverlapAndItIsAnAnomaly) {
  std::string other = Text(3000);
  std::ranges::fill(other, 'X');
  const auto first = Datagram4(Text(3000)).BuildFragments(1000, 1);
  const auto second = Datagram4(other).BuildFragments(1504, 1);  // bytes [0, 1504) and [1504, 3008)
  PacketRecorder recorder;
  recorder.Decode(first[0]);
  recorder.Decode(second[0]);
  recorder.Decode(second[1]);
  std::string expected = Text(3000).substr(0, 992) + std::string(3000 - 992, 'X');  // 8 bytes are the UDP header
  EXPECT_THAT(recorder.payloads, ElementsAre(other, expected));
  EXPECT_THAT(recorder.anomalies, ElementsAre(AnomalyCode::ip_fragment_overlap));
}

TEST(IpReassembler, DecoysOfFragmentsHideNoDatagram) {
  const std::string real = Text(2500), other(2500, 'X');
  for (const bool v6 : {false, true}) {
    const auto reals = (v6 ? Datagram6(real) : Datagram4(real)).BuildFragments(1000, 1);
    const auto decoys = (v6 ? Datagram6(other) : Datagram4(other)).BuildFragments(1000, 1);
    ASSERT_EQ(reals.size(), 3u);
    // Which is a decoy, and of what place: before each, of one alone, all at first, and behind what made a whole.
    using Order = std::vector<std::pair<bool, std::size_t>>;
    for (const Order& order :
         {Order{{true, 0}, {false, 0}, {true, 1}, {false, 1}, {true, 2}, {false, 2}},
          Order{{true, 0}, {false, 0}, {false, 1}, {false, 2}}, Order{{false, 0}, {true, 1}, {false, 1}, {false, 2}},
          Order{{false, 0}, {false, 1}, {true, 2}, {false, 2}}, Order{{true, 0}, {false, 1}, {false, 2}, {false, 0}},
          Order{{true, 0}, {true, 1}, {true, 2}, {false, 0}, {false, 1}, {false, 2}},
          Order{{false, 2}, {true, 1}, {true, 0}, {false, 1}, {false, 0}}}) {
      PacketRecorder recorder;
      for (const auto& [decoy, place] : order) recorder.Decode((decoy ? decoys : reals)[place]);
      EXPECT_THAT(recorder.payloads, ::testing::Contains(real));
      EXPECT_FALSE(recorder.anomalies.empty());
    }
  }
}

TEST(IpReassembler, WhatAReceiverLooksAtIsThatOfTheWorstFragment) {
  const auto fragments_of = [](std::uint8_t ttl) {
    return PacketBuilder()
        .Ethernet()
        .Ipv4("10.20.0.9", "198.51.100.7", {.ttl = ttl})
        .Udp(5000, 5001)
        .Payload(Text(1500))
        .BuildFragments(1000, 1);
  };
  for (const std::size_t low : {0u, 1u}) {
    PacketRecorder recorder;
    recorder.Decode(fragments_of(low == 0 ? 3 : 64)[0]);
    recorder.Decode(fragments_of(low == 1 ? 3 : 64)[1]);
    ASSERT_EQ(recorder.packets.size(), 1u);
    EXPECT_EQ(recorder.packets[0].hop_limit, 3);
  }
}

TEST(IpReassembler, IdentifierUsedAgainBeginsANewDatagram) {
  PacketRecorder recorder;
  PacketTime time{};
  for (const char letter : {'a', 'b', 'c'}) {
    for (const Bytes& fragment : Datagram4(std::string(2000, letter)).BuildFragments(1000, 1))
      recorder.Decode(fragment, 1, time);
    time += std::chrono::milliseconds(200);
  }
  EXPECT_THAT(recorder.payloads, ElementsAre(std::string(2000, 'a'), std::string(2000, 'b'), std::string(2000, 'c')));
}

TEST(IpReassembler, WaitsInPacketTimeOnlySoLong) {
  const auto fragments = Datagram4(Text(2000)).BuildFragments(1000, 1);
  PacketRecorder recorder;
  recorder.Decode(fragments[0], 1, PacketTimeFromNanoseconds(0));
  recorder.Decode(fragments[1], 1, PacketTime(std::chrono::seconds(31)));
  recorder.Decode(fragments[2], 1, PacketTime(std::chrono::seconds(31)));
  EXPECT_EQ(recorder.Get(Counter::fragment_datagrams_expired), 1u);
  recorder.Decode(fragments[0], 1, PacketTime(std::chrono::seconds(40)));
  EXPECT_THAT(recorder.payloads,
              ElementsAre(Text(2000).substr(0, 992), Text(2000)));  // the first piece, then the whole
}

TEST(IpReassembler, WhatIsThereOfAnIncompleteDatagramIsHandedOverInPieces) {
  const std::string text = Text(4000);
  for (const PacketBuilder& builder : {Datagram4(text), Datagram6(text)}) {
    const auto fragments = builder.BuildFragments(1000, 1);
    PacketRecorder recorder;
    for (const std::size_t kept : {0, 2, 3}) recorder.Decode(fragments[kept]);
    EXPECT_TRUE(recorder.packets.empty());
    recorder.Finish();
    EXPECT_THAT(recorder.payloads, ElementsAre(text.substr(0, 992), text.substr(1992, 2000)));
    EXPECT_EQ(recorder.packets[0].transport, Transport::kUdp);
    EXPECT_EQ(recorder.packets[0].destination.port, 5001);
    EXPECT_GT(recorder.packets[0].payload_length, 992u);
    EXPECT_EQ(recorder.packets[1].transport, Transport::kOther);
    EXPECT_EQ(recorder.packets[1].ip_protocol, 17);
    EXPECT_EQ(recorder.packets[1].source.address, recorder.packets[0].source.address);
    EXPECT_EQ(recorder.Get(Counter::fragment_pieces), 2u);
  }
}

TEST(IpReassembler, FragmentCutByTheSnapLengthStandsForItself) {
  const Bytes frame = Datagram4(Text(2000)).BuildFragments(1000, 1)[0];
  CapturedPacket packet = PacketBuilder::Captured(frame);
  packet.bytes = packet.bytes.first(142);
  PacketRecorder recorder;
  recorder.Decode(packet);
  EXPECT_THAT(recorder.payloads, ElementsAre(Text(2000).substr(0, 100)));
}

TEST(IpReassembler, MemoryLimitGivesUpTheOldestAndEveryDatagramIsAccountedFor) {
  config::Limits limits;
  limits.decode_fragment_memory_bytes = 2097152;
  PacketRecorder recorder(limits);
  for (std::uint32_t id = 0; id < 1000; ++id) recorder.Decode(Datagram4(Text(2000)).BuildFragments(1000, id)[0]);
  EXPECT_GT(recorder.Get(Counter::fragment_datagrams_evicted), 900u);
  EXPECT_THAT(recorder.anomalies, ::testing::Contains(AnomalyCode::ip_fragment_limit));
  for (const Bytes& fragment : Datagram4(Text(2000)).BuildFragments(1000, 999)) recorder.Decode(fragment);
  EXPECT_EQ(recorder.payloads.back(), Text(2000));  // the newest was kept
  recorder.Finish();
  EXPECT_EQ(recorder.Get(Counter::fragment_pieces), 999u);
  EXPECT_EQ(recorder.Get(Counter::fragment_datagrams_started),
            recorder.Get(Counter::fragment_datagrams_joined) + recorder.Get(Counter::fragment_datagrams_evicted) +
                recorder.Get(Counter::fragment_datagrams_unfinished));
}

TEST(IpReassembler, ManyDatagramsThatNeverBecomeWholeAreAFlood) {
  config::Limits limits;
  limits.decode_fragment_memory_bytes = 2097152;
  limits.decode_fragment_flood_count = 100;
  PacketRecorder recorder(limits);
  for (std::uint32_t id = 0; id < 300; ++id) recorder.Decode(Datagram4(Text(2000)).BuildFragments(1000, id)[0]);
  const auto told = std::ranges::count(recorder.anomalies, AnomalyCode::flood_fragments);
  EXPECT_EQ(static_cast<std::uint64_t>(told), recorder.Get(Counter::fragment_datagrams_evicted) - 100);
  EXPECT_GT(told, 100);
}

TEST(IpReassembler, FragmentCountLimitGivesTheDatagramUp) {
  config::Limits limits;
  limits.decode_datagram_fragments_count = 16;
  PacketRecorder recorder(limits);
  for (const Bytes& fragment : Datagram4(Text(200)).BuildFragments(8, 1)) recorder.Decode(fragment);
  EXPECT_EQ(recorder.Get(Counter::fragment_datagrams_refused), 1u);
  EXPECT_EQ(recorder.payloads[0], Text(200).substr(0, 16 * 8 - 8));  // so far, without the UDP header
}

TEST(IpReassembler, ContradictionsOfAJoinedDatagramCountAmongItsFragments) {
  config::Limits limits;
  limits.decode_datagram_fragments_count = 16;
  PacketRecorder recorder(limits);
  for (const Bytes& fragment : Datagram4(Text(2000)).BuildFragments(1000, 1)) recorder.Decode(fragment);
  for (int i = 0; i < 100; ++i) {
    const std::string other(2000, static_cast<char>('A' + i % 26));
    recorder.Decode(Datagram4(other).BuildFragments(1000, 1)[1]);
  }
  const auto whole = [](const std::string& payload) { return payload.size() == 2000; };
  EXPECT_LE(std::ranges::count_if(recorder.payloads, whole), 16);
  EXPECT_EQ(recorder.payloads.size(), 101u);  // those beyond it stand for themselves
  EXPECT_THAT(recorder.anomalies, ::testing::Contains(AnomalyCode::ip_fragment_limit));
}

TEST(IpReassembler, FragmentBeyondTheLargestDatagramIsRefused) {
  Bytes fragment = Datagram4(Text(2000)).BuildFragments(1000, 1)[2];
  fragment[20] = 0x1f;
  fragment[21] = 0xff;  // offset 65,528
  PacketRecorder recorder;
  recorder.Decode(fragment);
  EXPECT_EQ(recorder.packets.size(), 1u);  // its bytes are searched all the same
  EXPECT_THAT(recorder.anomalies, ElementsAre(AnomalyCode::ip_fragment_malformed));
}

TEST(IpReassembler, TunnelInFragmentsAndFragmentsInATunnelAreBothJoined) {
  const std::string text = Text(2500);
  PacketRecorder recorder;
  const auto inner = PacketBuilder()
                         .Ethernet()
                         .Ipv4("192.0.2.1", "192.0.2.2")
                         .Gre()
                         .Ipv4("10.0.0.1", "10.0.0.2")
                         .Udp(1, 2)
                         .Payload(text)
                         .BuildFragments(1000, 5);
  for (const Bytes& frame : inner) recorder.Decode(frame);
  // Each of those IP packets again in outer fragments, by hand: the frame's IP packet becomes the payload of
  // protocol 4.
  std::uint32_t id = 100;
  for (const Bytes& frame : inner) {
    const auto outer = PacketBuilder()
                           .Ethernet()
                           .Ipv4("203.0.113.1", "203.0.113.2")
                           .Raw(4)
                           .Payload(ByteView(frame).subspan(14))
                           .BuildFragments(304, id++);
    for (const Bytes& piece : outer) recorder.Decode(piece);
  }
  // The second round repeats the first inside, so it is a duplicate of a joined datagram.
  EXPECT_THAT(recorder.payloads, ElementsAre(text));
  EXPECT_EQ(recorder.Get(Counter::fragment_datagrams_joined), 1u + inner.size());
}

TEST(IpReassembler, DatagramJoinedOfItselfEnds) {
  // An IP-in-IP datagram whose content is a fragment with its own key: its bytes may not be overwritten while being
  // read.
  const Bytes fragment =
      PacketBuilder().Ethernet().Ipv4("10.0.0.1", "10.0.0.2").Raw(4).Payload(Text(80)).BuildFragments(40, 9)[0];
  PacketRecorder recorder;
  for (const Bytes& piece : PacketBuilder()
                                .Ethernet()
                                .Ipv4("10.0.0.1", "10.0.0.2")
                                .Raw(4)
                                .Payload(ByteView(fragment).subspan(14))
                                .BuildFragments(16, 9)) {
    recorder.Decode(piece);
  }
  ASSERT_EQ(recorder.packets.size(), 1u);  // the tunnel itself
  EXPECT_EQ(recorder.packets[0].ip_protocol, 4);
}

}  // namespace
}  // namespace spanwatch::decode
