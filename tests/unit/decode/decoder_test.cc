#include "decode/decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "decode/link_layer.h"
#include "packet_recorder.h"
#include "telemetry/anomaly_codes.h"

namespace spanwatch::decode {
namespace {

using ::testing::ElementsAre;
using testing::PacketBuilder;

constexpr std::string_view kText = "some plain words";

PacketBuilder InnerTcp(PacketBuilder builder) {
  return builder.Ipv4("10.20.0.9", "198.51.100.7")
      .Tcp(51514, 80, {.sequence = 7, .flags = TcpFields::kAck})
      .Payload(kText);
}
PacketBuilder InnerTcp6(PacketBuilder builder) {
  return builder.Ipv6("fd00::9", "2001:db8::7")
      .Tcp(51514, 80, {.sequence = 7, .flags = TcpFields::kAck})
      .Payload(kText);
}
std::vector<Encapsulation> EncapsulationsOf(const DecodedPacket& packet) {
  return {packet.encapsulations.begin(), packet.encapsulations.begin() + packet.encapsulation_count};
}

struct Wrapping {
  std::string name;
  PacketBuilder outer;
  std::vector<Encapsulation> encapsulations;
  int link_type = 1;
};

std::vector<Wrapping> Wrappings() {
  const auto ip = [] { return PacketBuilder().Ethernet().Ipv4("192.0.2.1", "192.0.2.2"); };
  const auto ip6 = [] { return PacketBuilder().Ethernet().Ipv6("2001:db8::1", "2001:db8::2"); };
  using enum Encapsulation;
  return {
      {"ethernet", PacketBuilder().Ethernet(), {}},
      {"802.3 with SNAP", PacketBuilder().Ethernet().Snap(), {}},
      {"vlan", PacketBuilder().Ethernet().Vlan(120), {kVlan}},
      {"two tags", PacketBuilder().Ethernet().Vlan(7, 0x88a8).Vlan(120), {kVlan, kVlan}},
      {"mpls", PacketBuilder().Ethernet().Mpls(100).Mpls(200), {kMpls}},
      {"pseudo-wire", PacketBuilder().Ethernet().Mpls(100).PseudoWireControlWord().Ethernet(), {kMpls}},
      {"pppoe", PacketBuilder().Ethernet().Pppoe(), {kPppoe}},
      {"cooked", PacketBuilder().LinuxCooked(), {kLinuxCooked}, 113},
      {"cooked 2", PacketBuilder().LinuxCooked2(), {kLinuxCooked}, 276},
      {"null", PacketBuilder().Null(), {kNullLoopback}, 0},
      {"null of the other byte order", PacketBuilder().Null(true), {kNullLoopback}, 0},
      {"loop", PacketBuilder().Null(true), {kNullLoopback}, 108},
      {"raw", PacketBuilder(), {kRawIp}, 12},
      {"gre", ip().Gre(), {kGre}},
      {"gre with everything", ip().Gre(true, true, true), {kGre}},
      {"gre with ethernet", ip().Gre().Ethernet().Vlan(9), {kGre, kVlan}},
      {"gre over ipv6", ip6().Gre(), {kGre}},
      {"erspan 2", ip().Erspan(2).Ethernet(), {kGre, kErspan}},
      {"erspan 3", ip().Erspan(3).Ethernet(), {kGre, kErspan}},
      {"vxlan", ip().Udp(5000, 4789).Vxlan(42).Ethernet(), {kVxlan}},
      {"geneve", ip().Udp(5000, 6081).Geneve(42, 3).Ethernet(), {kGeneve}},
      {"gtp-u", ip().Udp(2152, 2152).GtpU(1), {kGtpU}},
      {"gtp-u with extensions", ip().Udp(2152, 2152).GtpU(1, 2), {kGtpU}},
      {"ip in ip", ip(), {kIpInIp}},
      {"ip in ipv6", ip6(), {kIpInIp}},
      {"vxlan in gre in mpls",
       PacketBuilder()
           .Ethernet()
           .Mpls(5)
           .Ipv4("192.0.2.1", "192.0.2.2")
           .Gre()
           .Ipv4("192.0.2.3", "192.0.2.4")
           .Udp(5000, 4789)
           .Vxlan(42)
           .Ethernet(),
       {kMpls, kGre, kVxlan}},
  };
}

TEST(Decoder, FindsTheInnermostPacketBehindEveryEncapsulation) {
  for (const Wrapping& wrapping : Wrappings()) {
    SCOPED_TRACE(wrapping.name);
    PacketRecorder recorder;
    recorder.Decode(InnerTcp(wrapping.outer).Build(), wrapping.link_type);
    ASSERT_EQ(recorder.packets.size(), 1u);
    const DecodedPacket& packet = recorder.packets[0];
    EXPECT_EQ(ToString(packet.source.address), "10.20.0.9");
    EXPECT_EQ(ToString(packet.destination.address), "198.51.100.7");
    EXPECT_EQ(packet.source.port, 51514);
    EXPECT_EQ(packet.destination.port, 80);
    EXPECT_EQ(packet.transport, Transport::kTcp);
    EXPECT_EQ(packet.tcp.sequence, 7u);
    EXPECT_EQ(packet.tcp.flags, TcpFields::kAck);
    EXPECT_EQ(recorder.payloads[0], kText);
    EXPECT_EQ(packet.payload_length, kText.size());
    EXPECT_EQ(EncapsulationsOf(packet), wrapping.encapsulations);
    EXPECT_TRUE(recorder.anomalies.empty());
  }
}

TEST(Decoder, ReadsTheWindowScaleThatASynOffers) {
  const auto scale_of = [](std::uint8_t flags, std::uint8_t offered) {
    PacketRecorder recorder;
    const TcpFields fields{.sequence = 7, .flags = flags, .window_scale = offered};
    recorder.Decode(PacketBuilder().Ethernet().Ipv4("10.20.0.9", "198.51.100.7").Tcp(1, 2, fields).Build(), 1);
    return recorder.packets.at(0).tcp.window_scale;
  };
  EXPECT_EQ(scale_of(TcpFields::kSyn, 7), 7);
  EXPECT_EQ(scale_of(TcpFields::kSyn | TcpFields::kAck, 0), 0);
  EXPECT_EQ(scale_of(TcpFields::kSyn, 40), 14);  // RFC 7323 section 2.3
  EXPECT_EQ(scale_of(TcpFields::kSyn, TcpFields::kNoWindowScale), TcpFields::kNoWindowScale);
  EXPECT_EQ(scale_of(TcpFields::kAck, 7), TcpFields::kNoWindowScale);
}

TEST(Decoder, FindsIpv6BehindEveryEncapsulation) {
  for (const Wrapping& wrapping : Wrappings()) {
    SCOPED_TRACE(wrapping.name);
    PacketRecorder recorder;
    recorder.Decode(InnerTcp6(wrapping.outer).Build(), wrapping.link_type);
    ASSERT_EQ(recorder.packets.size(), 1u);
    EXPECT_EQ(ToString(recorder.packets[0].destination.address), "2001:db8::7");
    EXPECT_EQ(recorder.payloads[0], kText);
  }
}

TEST(Decoder, SixInFourIsNamed) {
  PacketRecorder recorder;
  recorder.Decode(InnerTcp6(PacketBuilder().Ethernet().Ipv4("192.0.2.1", "192.0.2.2")).Build());
  ASSERT_EQ(recorder.packets.size(), 1u);
  EXPECT_THAT(EncapsulationsOf(recorder.packets[0]), ElementsAre(Encapsulation::kSixInFour));
}

// Any prefix of any frame, as captured whole and as cut by the snap length: accounted for, and never read beyond.
TEST(Decoder, EveryPrefixOfEveryEncapsulationIsAccountedFor) {
  for (const Wrapping& wrapping : Wrappings()) {
    const Bytes frame = InnerTcp(wrapping.outer).Build();
    for (std::size_t length = 0; length < frame.size(); ++length) {
      for (const std::uint32_t original :
           {static_cast<std::uint32_t>(length), static_cast<std::uint32_t>(frame.size())}) {
        const Bytes prefix(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(length));
        PacketRecorder recorder;
        CapturedPacket packet = PacketBuilder::Captured(prefix, {}, wrapping.link_type);
        packet.original_length = original;
        recorder.Decode(packet);
        const std::uint64_t dropped = recorder.Get(Counter::packets_dropped_truncated) +
                                      recorder.Get(Counter::packets_dropped_unknown) +
                                      recorder.Get(Counter::packets_dropped_malformed);
        EXPECT_EQ(recorder.packets.size() + dropped, 1u) << wrapping.name << " " << length;
      }
    }
  }
}

TEST(Decoder, SnapLengthMakesPayloadShorterThanItsLength) {
  Bytes frame = InnerTcp(PacketBuilder().Ethernet()).Build();
  CapturedPacket packet = PacketBuilder::Captured(frame);
  packet.bytes = packet.bytes.first(frame.size() - 6);
  PacketRecorder recorder;
  recorder.Decode(packet);
  ASSERT_EQ(recorder.packets.size(), 1u);
  EXPECT_EQ(recorder.payloads[0], kText.substr(0, kText.size() - 6));
  EXPECT_EQ(recorder.packets[0].payload_length, kText.size());
}

TEST(Decoder, EthernetPaddingIsCutByTheIpLength) {
  Bytes frame = InnerTcp(PacketBuilder().Ethernet()).Build();
  frame.resize(frame.size() + 20, 0xee);
  PacketRecorder recorder;
  recorder.Decode(frame);
  EXPECT_THAT(recorder.payloads, ElementsAre(kText));
  EXPECT_EQ(recorder.packets[0].payload_length, kText.size());
}

TEST(Decoder, TotalLengthOfZeroMeansTheWholeFrame) {
  Bytes frame = InnerTcp(PacketBuilder().Ethernet()).Build();
  frame[16] = frame[17] = 0;
  PacketRecorder recorder;
  recorder.Decode(frame);
  EXPECT_THAT(recorder.payloads, ElementsAre(kText));
}

TEST(Decoder, WrongChecksumsDropNothing) {
  Bytes frame = InnerTcp(PacketBuilder().Ethernet()).Build();
  frame[24] ^= 0xff;
  frame[50] ^= 0xff;
  PacketRecorder recorder;
  recorder.Decode(frame);
  EXPECT_THAT(recorder.payloads, ElementsAre(kText));
}

TEST(Decoder, ChecksumsAreToldRightWrongOrUnknown) {
  const auto checksum_of = [](const Bytes& frame, std::uint32_t cut = 0) {
    PacketRecorder recorder;
    CapturedPacket captured = PacketBuilder::Captured(frame);
    captured.bytes = captured.bytes.first(frame.size() - cut);
    recorder.Decode(captured);
    EXPECT_EQ(recorder.packets.size(), 1u);
    return recorder.packets.at(0).checksum;
  };
  for (std::size_t length = 0; length < 150; ++length) {
    const Bytes payload(length, length % 3 == 0 ? 0xff : 0xa7);
    for (PacketBuilder builder :
         {PacketBuilder().Ethernet().Ipv4("10.20.0.9", "198.51.100.7"),
          PacketBuilder().Ethernet().Ipv6("fd00::9", "2001:db8::7"),
          PacketBuilder().Ethernet().Ipv4("192.0.2.1", "192.0.2.2").Gre().Ipv4("10.20.0.9", "198.51.100.7")}) {
      Bytes frame = builder.Tcp(1, 2, {.sequence = 7, .flags = TcpFields::kAck}).Payload(payload).Build();
      EXPECT_EQ(checksum_of(frame), Checksum::kRight) << length;
      if (length > 0) {
        EXPECT_EQ(checksum_of(frame, 1), Checksum::kUnknown);
      }
      frame.back() ^= 0x10;
      EXPECT_EQ(checksum_of(frame), Checksum::kWrong) << length;
    }
  }
  Bytes header = InnerTcp(PacketBuilder().Ethernet()).Build();
  header[14 + 8] ^= 1;  // the time to live, under the IP header's checksum
  EXPECT_EQ(checksum_of(header), Checksum::kWrong);
  EXPECT_EQ(checksum_of(PacketBuilder().Ethernet().Ipv4("10.20.0.9", "198.51.100.7").Udp(1, 2).Payload(kText).Build()),
            Checksum::kUnknown);
}

TEST(Decoder, WhatAReceiverLooksAtIsTold) {
  PacketRecorder recorder;
  recorder.Decode(PacketBuilder()
                      .Ethernet()
                      .Ipv4("10.20.0.9", "198.51.100.7", {.ttl = 3, .option_words = 1})
                      .Tcp(1, 2, {.flags = TcpFields::kAck | TcpFields::kUrg})
                      .Build());
  recorder.Decode(PacketBuilder().Ethernet().Ipv6("fd00::9", "2001:db8::7").Ipv6Extension(60).Tcp(1, 2, {}).Build());
  recorder.Decode(InnerTcp(PacketBuilder().Ethernet()).Build());
  Bytes overlong = InnerTcp(PacketBuilder().Ethernet()).Build();
  overlong[14 + 3] = static_cast<std::uint8_t>(overlong[14 + 3] + 9);  // the total length
  recorder.Decode(overlong);
  ASSERT_EQ(recorder.packets.size(), 4u);
  EXPECT_EQ(recorder.packets[0].hop_limit, 3);
  EXPECT_TRUE(recorder.packets[0].ip_options);
  EXPECT_EQ(recorder.packets[1].hop_limit, 64);
  EXPECT_TRUE(recorder.packets[1].ip_options);
  EXPECT_FALSE(recorder.packets[2].ip_options || recorder.packets[2].overlong);
  EXPECT_TRUE(recorder.packets[3].overlong);
}

TEST(Decoder, TimestampsAndSignaturesOfTcpAreRead) {
  const auto options_of = [](std::initializer_list<int> options) {
    Bytes header = {0, 1, 0, 2, 0, 0, 0, 7, 0, 0, 0, 0, static_cast<std::uint8_t>((5 + options.size() / 4) << 4), 0x10};
    header.resize(20);
    for (const int byte : options) header.push_back(static_cast<std::uint8_t>(byte));
    PacketRecorder recorder;
    recorder.Decode(PacketBuilder().Ethernet().Ipv4("10.20.0.9", "198.51.100.7").Raw(6).Payload(header).Build());
    EXPECT_EQ(recorder.packets.size(), 1u);
    return recorder.packets.at(0).tcp;
  };
  const TcpFields times = options_of({1, 1, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0});
  EXPECT_TRUE(times.has_timestamp);
  EXPECT_EQ(times.timestamp, 0x01020304u);
  EXPECT_FALSE(times.has_signature);
  EXPECT_TRUE(options_of({19, 18, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1}).has_signature);
  EXPECT_TRUE(options_of({29, 4, 0, 0}).has_signature);
  EXPECT_FALSE(options_of({8, 10, 1, 2}).has_timestamp);  // cut short
}

TEST(Decoder, LinkTypesThatAreNotReadAreKnownAsSuch) {
  for (const Wrapping& wrapping : Wrappings()) EXPECT_TRUE(ReadsLinkType(wrapping.link_type));
  EXPECT_FALSE(ReadsLinkType(105));
  EXPECT_FALSE(ReadsLinkType(-1));
}

TEST(Decoder, ReadsIpv4OptionsAndIpv6ExtensionHeaders) {
  PacketRecorder recorder;
  recorder.Decode(PacketBuilder()
                      .Ethernet()
                      .Ipv4("10.0.0.1", "10.0.0.2", {.id = 77, .option_words = 10})
                      .Udp(1, 2)
                      .Payload(kText)
                      .Build());
  recorder.Decode(PacketBuilder()
                      .Ethernet()
                      .Ipv6("fd00::1", "fd00::2")
                      .Ipv6Extension(0)
                      .Ipv6Extension(43, 2)
                      .Ipv6Extension(60, 5)
                      .Udp(1, 2)
                      .Payload(kText)
                      .Build());
  EXPECT_THAT(recorder.payloads, ElementsAre(kText, kText));
  EXPECT_EQ(recorder.packets[0].ip_id, 77);
}

TEST(Decoder, VlanIdentifiersAreTheOutermostTwo) {
  PacketRecorder recorder;
  recorder.Decode(InnerTcp(PacketBuilder().Ethernet().Vlan(7, 0x88a8).Vlan(120).Vlan(9)).Build());
  ASSERT_EQ(recorder.packets.size(), 1u);
  EXPECT_THAT(recorder.packets[0].vlan, ElementsAre(7, 120));
}

TEST(Decoder, BothDirectionsOfAnEchoAreOneConversation) {
  PacketRecorder recorder;
  recorder.Decode(PacketBuilder().Ethernet().Ipv4("10.0.0.1", "10.0.0.2").IcmpEcho(99, 1).Payload(kText).Build());
  ASSERT_EQ(recorder.packets.size(), 1u);
  EXPECT_EQ(recorder.packets[0].transport, Transport::kIcmp);
  EXPECT_EQ(recorder.packets[0].source.port, 99);
  EXPECT_EQ(recorder.packets[0].destination.port, 99);
  EXPECT_EQ(recorder.payloads[0], kText);
}

TEST(Decoder, UnknownTransportsAreHandedOverWithTheirBytes) {
  PacketRecorder recorder;
  recorder.Decode(PacketBuilder().Ethernet().Ipv4("10.0.0.1", "10.0.0.2").Raw(253).Payload(kText).Build());
  ASSERT_EQ(recorder.packets.size(), 1u);
  EXPECT_EQ(recorder.packets[0].transport, Transport::kOther);
  EXPECT_EQ(recorder.packets[0].ip_protocol, 253);
  EXPECT_EQ(recorder.payloads[0], kText);
}

TEST(Decoder, TunnelWithUnusableContentIsHandedOverItself) {
  PacketRecorder recorder;
  recorder.Decode(
      PacketBuilder().Ethernet().Ipv4("10.0.0.1", "10.0.0.2").Udp(5000, 4789).Vxlan(1).Payload(kText).Build());
  ASSERT_EQ(recorder.packets.size(), 1u);
  EXPECT_EQ(recorder.packets[0].transport, Transport::kUdp);
  EXPECT_EQ(recorder.packets[0].destination.port, 4789);
  EXPECT_TRUE(recorder.payloads[0].ends_with(kText));
  EXPECT_EQ(recorder.packets[0].encapsulation_count, 0);
}

TEST(Decoder, OrdinaryDatagramToATunnelPortStaysADatagram) {
  for (const std::uint16_t port : {4789, 6081, 2152}) {
    PacketRecorder recorder;
    recorder.Decode(PacketBuilder()
                        .Ethernet()
                        .Ipv4("10.0.0.1", "10.0.0.2")
                        .Udp(5000, port)
                        .Payload("\xf1"
                                 "abc")
                        .Build());
    EXPECT_THAT(recorder.payloads, ElementsAre("\xf1"
                                               "abc"))
        << port;
    EXPECT_TRUE(recorder.anomalies.empty()) << port;
  }
}

TEST(Decoder, NestingEndsAtItsLimitAndTheBytesAreStillSearched) {
  PacketBuilder builder;
  builder.Ethernet();
  for (int i = 0; i < 100; ++i) builder.Ipv4("10.0.0.1", "10.0.0.2");
  PacketRecorder recorder;
  recorder.Decode(InnerTcp(builder).Build());
  ASSERT_EQ(recorder.packets.size(), 1u);
  EXPECT_TRUE(recorder.payloads[0].ends_with(kText));
  EXPECT_THAT(recorder.anomalies, ::testing::Contains(AnomalyCode::packet_too_many_layers));
}

TEST(Decoder, ContradictoryHeadersAreDroppedByReason) {
  PacketRecorder recorder;
  Bytes frame = InnerTcp(PacketBuilder().Ethernet()).Build();
  frame[14] = 0x41;  // a header of one word
  recorder.Decode(frame);
  frame[14] = 0x45;
  frame[46] = 0x10;  // a TCP header of one word
  recorder.Decode(frame);
  EXPECT_TRUE(recorder.packets.empty());
  EXPECT_EQ(recorder.Get(Counter::packets_dropped_malformed), 2u);
  EXPECT_THAT(recorder.anomalies,
              ElementsAre(AnomalyCode::packet_malformed_header, AnomalyCode::packet_malformed_header));
}

TEST(Decoder, LinkControlIsCountedWithoutAnAnomalyButUnknownTypesHaveOne) {
  PacketRecorder recorder;
  Bytes frame = PacketBuilder().Ethernet().Payload(kText).Build();
  recorder.Decode(frame);
  EXPECT_THAT(recorder.anomalies, ElementsAre(AnomalyCode::packet_unknown_link));
  frame[12] = 0x08;
  frame[13] = 0x06;  // ARP
  recorder.Decode(frame);
  EXPECT_EQ(recorder.anomalies.size(), 1u);
  EXPECT_EQ(recorder.Get(Counter::packets_dropped_unknown), 2u);
}

}  // namespace
}  // namespace spanwatch::decode
