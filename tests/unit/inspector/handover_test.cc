// Fragments of tunnels among several inspectors: what is joined ends where the kernel would have sent it whole.
#include "inspector/handover.h"

#include <gtest/gtest.h>

#include "capture/owner.h"
#include "decode/decoder.h"
#include "support/packet_builder.h"

namespace spanwatch::inspector {
namespace {

using testing::PacketBuilder;

constexpr std::uint32_t kInspectors = 5;

// One inspector as far as packets go: it decodes, hands over, and keeps what reaches its flows.
class Member final : public PacketConsumer, public AnomalySink {
 public:
  Member(std::uint32_t index, std::vector<UniqueFd> sending, UniqueFd receiving)
      : handover_(index, process::HandoverSender(std::move(sending), 1 << 20, counters),
                  process::HandoverReceiver(std::move(receiving), counters)),
        decoder_(limits_, counters, *this, *this, &handover_) {}

  void OnPacket(const DecodedPacket& packet) noexcept override {
    packets.push_back(packet);
    payloads.emplace_back(AsText(packet.payload));
  }
  void OnAnomaly(AnomalyCode) noexcept override {}

  void Decode(const Bytes& frame, PacketTime time) {
    ++given_;
    decoder_.Decode(PacketBuilder::Captured(frame, time));
  }
  void TakeHandedOver() {
    while (const auto datagram = handover_.TakeHandedOver(WallClockNow())) {
      ++given_;
      decoder_.DecodeJoined(*datagram);
    }
  }
  void DecodeJoined(const JoinedDatagram& datagram) { decoder_.DecodeJoined(datagram); }
  void EndCapture() { decoder_.Finish(); }

  // Every frame, and every packet taken, is accounted for.
  void ExpectConservation() const {
    std::uint64_t accounted = 0;
    for (const Counter counter : {Counter::packets_decoded, Counter::fragments_held, Counter::packets_dropped_truncated,
                                  Counter::packets_dropped_unknown, Counter::packets_dropped_malformed,
                                  Counter::packets_dropped_layers, Counter::datagrams_handed_over}) {
      accounted += counters.Get(counter);
    }
    EXPECT_EQ(accounted, given_);
    EXPECT_EQ(counters.Get(Counter::packets_decoded) + counters.Get(Counter::fragment_pieces), packets.size());
    EXPECT_EQ(counters.Get(Counter::handover_sent) + counters.Get(Counter::handover_dropped),
              counters.Get(Counter::datagrams_handed_over) + counters.Get(Counter::pieces_handed_over));
  }

  Counters counters;
  std::vector<DecodedPacket> packets;  // their `payload` is stale: see payloads
  std::vector<std::string> payloads;

 private:
  config::Limits limits_;
  Handover handover_;
  decode::Decoder decoder_;
  std::uint64_t given_ = 0;
};

// The inspectors of a sensor; frames come to them as the kernel shares them out.
class Group {
 public:
  Group() {
    std::vector<process::HandoverChannel> channels;
    for (std::uint32_t i = 0; i < kInspectors; ++i) channels.push_back(std::move(*process::MakeHandoverChannel()));
    for (std::uint32_t i = 0; i < kInspectors; ++i) {
      std::vector<UniqueFd> sending(kInspectors);
      for (std::uint32_t j = 0; j < kInspectors; ++j) {
        if (j != i) sending[j].reset(::dup(channels[j].sending.get()));
      }
      members.push_back(std::make_unique<Member>(i, std::move(sending), UniqueFd(::dup(channels[i].receiving.get()))));
    }
  }
  static std::uint32_t OwnerOf(const Bytes& frame) { return capture::OwnerHashOfFrame(1, frame) % kInspectors; }
  void Decode(const Bytes& frame) { members[OwnerOf(frame)]->Decode(frame, WallClockNow()); }
  void Finish() {
    for (auto& member : members) member->EndCapture();
    for (auto& member : members) member->TakeHandedOver();
    for (auto& member : members) member->ExpectConservation();
  }
  // The one packet that came out, and where.
  void ExpectOnly(std::uint32_t owner, std::string_view payload, const std::string& what) const {
    for (std::uint32_t i = 0; i < kInspectors; ++i) {
      ASSERT_EQ(members[i]->payloads.size(), i == owner ? 1u : 0u) << what << ", inspector " << i;
    }
    EXPECT_TRUE(members[owner]->payloads[0] == payload) << what;
  }
  std::uint64_t Sum(Counter counter) const {
    std::uint64_t sum = 0;
    for (const auto& member : members) sum += member->counters.Get(counter);
    return sum;
  }

  std::vector<std::unique_ptr<Member>> members;
};

// The IP packet at `at` of a frame in fragments of `length` bytes; IPv6 extension headers stay in front of them all.
std::vector<Bytes> Fragment(const Bytes& frame, std::size_t at, std::size_t length, std::uint16_t id) {
  const bool six = frame[at] >> 4 == 6;
  std::size_t next_header = at + 6;
  std::size_t content = at + (six ? 40 : (frame[at] & 0xfu) * 4);
  while (six && frame[next_header] == 0) {
    next_header = content;
    content += (frame[content + 1] + 1u) * 8;
  }
  std::vector<Bytes> fragments;
  for (std::size_t from = content; from < frame.size(); from += length) {
    const std::size_t to = std::min(from + length, frame.size());
    const auto offset_and_more =
        static_cast<std::uint16_t>((from - content) / 8 * (six ? 8 : 1) | (to < frame.size()) * (six ? 1u : 0x2000u));
    Bytes made(frame.begin(), frame.begin() + static_cast<long>(content));
    const auto put = [&](std::size_t where, std::size_t value) {
      made[where] = static_cast<std::uint8_t>(value >> 8);
      made[where + 1] = static_cast<std::uint8_t>(value);
    };
    if (six) {
      const std::uint8_t protocol = made[next_header];
      made[next_header] = 44;
      made.insert(made.end(), {protocol, 0, 0, 0, 0, 0, 0, 0});
      put(content + 2, offset_and_more);
      put(content + 6, id);
    } else {
      put(at + 4, id);
      put(at + 6, offset_and_more);
    }
    made.insert(made.end(), frame.begin() + static_cast<long>(from), frame.begin() + static_cast<long>(to));
    put(at + (six ? 4 : 2), made.size() - at - (six ? 40 : 0));
    if (frame[12] < 6) put(12, made.size() - 14);  // 802.3: a length
    fragments.push_back(std::move(made));
  }
  return fragments;
}

struct Outside {
  std::string name;
  PacketBuilder link;    // before the outer IP header
  PacketBuilder tunnel;  // with it, as far as the inner IP header
};

std::vector<Outside> Outsides() {
  const PacketBuilder ethernet = PacketBuilder().Ethernet();
  const PacketBuilder tagged = PacketBuilder().Ethernet().Vlan(7, 0x88a8).Vlan(120);
  const PacketBuilder labelled = PacketBuilder().Ethernet().Mpls(1).Mpls(2);
  const PacketBuilder wire = PacketBuilder().Ethernet().Mpls(1).PseudoWireControlWord().Ethernet();
  const PacketBuilder snap = PacketBuilder().Ethernet().Snap();
  const PacketBuilder many_tags = PacketBuilder().Ethernet().Vlan(1).Vlan(2).Vlan(3).Vlan(4).Vlan(5);
  const auto four = [](PacketBuilder link) { return link.Ipv4("192.0.2.1", "192.0.2.2", {.option_words = 1}); };
  const auto six = [](PacketBuilder link) { return link.Ipv6("2001:db8::1", "2001:db8::2"); };
  return {{"nothing", ethernet, ethernet},
          {"ipip", ethernet, four(ethernet)},
          {"6in6 behind two tags", tagged, six(tagged)},
          {"gre", labelled, four(labelled).Gre(true, true, true)},
          {"gre of ipv6", ethernet, six(ethernet).Gre()},
          {"gre ethernet", ethernet, four(ethernet).Gre().Ethernet().Vlan(3)},
          {"erspan", ethernet, four(ethernet).Erspan(2).Ethernet()},
          {"erspan 3", ethernet, six(ethernet).Erspan(3).Ethernet()},
          {"vxlan", tagged, four(tagged).Udp(5000, 4789).Vxlan(42).Ethernet()},
          {"geneve", ethernet, six(ethernet).Udp(5000, 6081).Geneve(42, 3).Ethernet()},
          {"gtp-u", ethernet, four(ethernet).Udp(2152, 2152).GtpU(1, 1)},
          {"gre in gre", ethernet, four(ethernet).Gre().Ipv4("203.0.113.3", "203.0.113.2").Gre()},
          {"gre in a pseudo-wire", wire, four(wire).Gre()},
          {"gre behind an extension header", ethernet, six(ethernet).Ipv6Extension(0).Gre()},
          {"gre in 802.3", snap, four(snap).Gre()},
          {"gre behind more tags than the kernel reads", many_tags, four(many_tags).Gre()}};
}

PacketBuilder Inside(PacketBuilder outside, int host, std::string_view payload) {
  return outside.Ipv4(fmt::format("10.20.0.{}", host), "198.51.100.7").Udp(5001, 5002).Payload(payload);
}

TEST(Handover, OuterFragmentsEndWhereTheKernelSendsThePacketWhole) {
  const std::string payload(1200, 'x');  // with all headers no longer than 802.3 can tell
  for (const Outside& outside : Outsides()) {
    std::uint64_t handed_over = 0;
    for (int host = 1; host <= 12; ++host) {
      const Bytes whole = Inside(outside.tunnel, host, payload).Build();
      Group group;
      for (const Bytes& fragment : Fragment(whole, outside.link.Build().size(), 480, 9)) group.Decode(fragment);
      group.Finish();
      group.ExpectOnly(Group::OwnerOf(whole), payload, outside.name);
      handed_over += group.Sum(Counter::datagrams_handed_over);
      EXPECT_EQ(group.Sum(Counter::handover_taken), group.Sum(Counter::handover_sent));
    }
    const bool stays = outside.name == "nothing" || outside.name.find("802.3") != std::string::npos ||
                       outside.name.find("pseudo-wire") != std::string::npos ||
                       outside.name.find("behind an ext") != std::string::npos ||
                       outside.name.find("behind more") != std::string::npos;
    EXPECT_EQ(handed_over == 0, stays) << outside.name;
  }
}

TEST(Handover, FragmentsInsideFragmentsMeetTheirOwner) {
  const std::string payload(2500, 'y');
  for (const Outside& outside : Outsides()) {
    for (int host = 1; host <= 6; ++host) {
      Group group;
      std::uint32_t owner = 0;
      std::uint16_t id = 100;
      for (const Bytes& inner : Inside(outside.tunnel, host, payload).BuildFragments(1000, 77)) {
        owner = Group::OwnerOf(inner);
        if (outside.name == "nothing") {
          group.Decode(inner);
          continue;
        }
        for (const Bytes& fragment : Fragment(inner, outside.link.Build().size(), 400, id)) group.Decode(fragment);
        ++id;
      }
      for (auto& member : group.members) member->TakeHandedOver();
      group.Finish();
      group.ExpectOnly(owner, payload, outside.name);
    }
  }
}

TEST(Handover, TheBeginningOfATunnelPacketThatNeverBecameWholeGoesToItsOwnerToo) {
  const std::string payload(3000, 'z');
  int elsewhere = 0;
  for (int host = 1; host <= 12; ++host) {
    const PacketBuilder tunnel = PacketBuilder().Ethernet().Ipv4("192.0.2.1", "192.0.2.2").Gre();
    const Bytes whole = Inside(tunnel, host, payload).Build();
    const auto fragments = Fragment(whole, 14, 1480, 9);
    Group group;
    group.Decode(fragments[0]);
    group.Finish();
    const std::uint32_t owner = Group::OwnerOf(whole);
    ASSERT_EQ(group.members[owner]->packets.size(), 1u);
    EXPECT_EQ(group.members[owner]->packets[0].payload_length, 1480u - 4 - 20 - 8) << "what is known of its length";
    EXPECT_TRUE(group.members[owner]->payloads[0] == payload.substr(0, 1480 - 4 - 20 - 8));
    elsewhere += Group::OwnerOf(fragments[0]) != owner;
    EXPECT_EQ(group.Sum(Counter::pieces_handed_over), Group::OwnerOf(fragments[0]) != owner);
  }
  EXPECT_GT(elsewhere, 0);
}

TEST(Handover, TagsAndTimesComeAlong) {
  const PacketBuilder tunnel =
      PacketBuilder().Ethernet().Vlan(7, 0x88a8).Vlan(120).Ipv4("192.0.2.1", "192.0.2.2").Gre();
  for (int host = 1; host <= 12; ++host) {
    const Bytes whole = Inside(tunnel, host, std::string(2000, 'x')).Build();
    const auto fragments = Fragment(whole, 22, 1480, 9);
    const std::uint32_t owner = Group::OwnerOf(whole);
    if (Group::OwnerOf(fragments[0]) == owner) continue;
    Group group;
    const PacketTime time = WallClockNow();
    for (const Bytes& fragment : fragments) group.members[Group::OwnerOf(fragment)]->Decode(fragment, time);
    group.members[owner]->TakeHandedOver();
    ASSERT_EQ(group.members[owner]->packets.size(), 1u);
    const DecodedPacket& packet = group.members[owner]->packets[0];
    EXPECT_EQ(packet.time, time);
    EXPECT_EQ(packet.vlan, (std::array<std::uint16_t, 2>{7, 120}));
    EXPECT_TRUE(packet.reassembled);
    ASSERT_EQ(packet.encapsulation_count, 3u);
    EXPECT_EQ(packet.encapsulations[2], Encapsulation::kGre);
    EXPECT_EQ(ToString(packet.source.address), fmt::format("10.20.0.{}", host));
    return;
  }
  FAIL() << "no host whose owner differs";
}

TEST(Handover, WhatCameOverAChannelIsNotHandedOn) {
  Group group;
  JoinedDatagram misdirected;
  misdirected.begun.time = WallClockNow();
  misdirected.begun.source.address = *ParseIpAddress("192.0.2.1");
  misdirected.begun.destination.address = *ParseIpAddress("192.0.2.2");
  const Bytes whole = Inside(PacketBuilder().Ethernet().Ipv4("192.0.2.1", "192.0.2.2").Gre(), 9, "text").Build();
  misdirected.protocol = 47;
  misdirected.content = ByteView(whole).subspan(14 + 20);
  misdirected.length = static_cast<std::uint32_t>(misdirected.content.size());
  for (auto& member : group.members) {
    member->DecodeJoined(misdirected);
    EXPECT_EQ(member->packets.size(), 1u);
    EXPECT_EQ(member->counters.Get(Counter::datagrams_handed_over), 0u);
  }
}

}  // namespace
}  // namespace spanwatch::inspector
