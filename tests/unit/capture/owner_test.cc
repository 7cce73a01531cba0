// The owner function, and that the kernel's program computes the same.
#include "capture/owner.h"

#include <gtest/gtest.h>

#include <array>
#include <iostream>
#include <set>

#include "base/file.h"
#include "capture/capture_file.h"
#include "capture/fanout_program.h"
#include "support/classic_bpf.h"
#include "support/packet_builder.h"
#include "support/shared_captures.h"

namespace spanwatch::capture {
namespace {

using testing::PacketBuilder;

std::uint32_t HashOf(std::string_view a, std::string_view b) {
  return OwnerHash(*ParseIpAddress(a), *ParseIpAddress(b));
}

std::vector<PacketBuilder> Outsides() {
  const auto ip = [] { return PacketBuilder().Ethernet().Ipv4("192.0.2.1", "192.0.2.2", {.option_words = 2}); };
  const auto ip6 = [] { return PacketBuilder().Ethernet().Vlan(4).Ipv6("2001:db8::1", "2001:db8::2"); };
  return {PacketBuilder().Ethernet(),
          PacketBuilder().Ethernet().Vlan(7, 0x88a8).Vlan(120),
          PacketBuilder().Ethernet().Vlan(1).Vlan(2).Vlan(3).Vlan(4),
          PacketBuilder().Ethernet().Mpls(1).Mpls(2),
          PacketBuilder().Ethernet().Mpls(1).PseudoWireControlWord().Ethernet(),
          PacketBuilder().Ethernet().Vlan(9).Pppoe(),
          ip(),
          ip6(),
          ip().Gre(),
          ip6().Gre(true, true, true),
          ip().Gre().Ethernet().Vlan(3),
          ip().Erspan(2).Ethernet(),
          ip6().Erspan(3).Ethernet(),
          ip().Udp(5000, 4789).Vxlan(42).Ethernet().Vlan(5).Vlan(6),
          ip6().Udp(5000, 6081).Geneve(42, 3).Ethernet(),
          ip().Udp(2152, 2152).GtpU(1),
          ip().Udp(2152, 2152).GtpU(1, 1),
          ip6().Udp(2152, 2152).GtpU(1, 2)};
}

TEST(Owner, IsTheSameBehindEveryEncapsulationAndInBothDirections) {
  for (PacketBuilder outside : Outsides()) {
    PacketBuilder back = outside;
    PacketBuilder six = outside;
    EXPECT_EQ(OwnerHashOfFrame(1, outside.Ipv4("10.20.0.9", "198.51.100.7").Udp(1, 2).Build()),
              HashOf("10.20.0.9", "198.51.100.7"));
    EXPECT_EQ(OwnerHashOfFrame(1, back.Ipv4("198.51.100.7", "10.20.0.9").Udp(2, 1).Build()),
              HashOf("10.20.0.9", "198.51.100.7"));
    EXPECT_EQ(OwnerHashOfFrame(1, six.Ipv6("fd00::9", "2001:db8::7").Udp(1, 2).Build()),
              HashOf("2001:db8::7", "fd00::9"));
  }
}

TEST(Owner, OtherLinkTypesGiveTheSame) {
  const std::uint32_t expected = HashOf("10.20.0.9", "198.51.100.7");
  const auto hash = [](PacketBuilder outside, int link_type) {
    return OwnerHashOfFrame(link_type, outside.Ipv4("10.20.0.9", "198.51.100.7").Udp(1, 2).Build());
  };
  EXPECT_EQ(hash(PacketBuilder(), 12), expected);
  EXPECT_EQ(hash(PacketBuilder().Null(), 0), expected);
  EXPECT_EQ(hash(PacketBuilder().LinuxCooked(), 113), expected);
  EXPECT_EQ(hash(PacketBuilder().LinuxCooked2(), 276), expected);
}

TEST(Owner, FragmentsBelongToTheOuterPair) {
  const auto frames = PacketBuilder()
                          .Ethernet()
                          .Ipv4("192.0.2.1", "192.0.2.2")
                          .Raw(4)
                          .Payload(std::string(3000, 'x'))
                          .BuildFragments(1000, 1);
  for (const Bytes& frame : frames) EXPECT_EQ(OwnerHashOfFrame(1, frame), HashOf("192.0.2.1", "192.0.2.2"));
}

TEST(Owner, SpreadsAddressPairsEvenly) {
  std::array<int, 6> buckets{};
  for (int host = 0; host < 60000; ++host) {
    const std::string client = fmt::format("10.20.{}.{}", host / 250, host % 250 + 1);
    ++buckets[HashOf(client, "198.51.100.7") % buckets.size()];
  }
  for (const int count : buckets) EXPECT_NEAR(count, 10000, 500);
}

// Frames of real captures and of every encapsulation: the program, as the kernel runs it, gives what the function
// gives.
class Comparison final : public CapturedPacketConsumer {
 public:
  void OnCaptured(const CapturedPacket& packet) noexcept override {
    if (packet.link_type != 1) return;
    ++frames;
    const std::uint32_t owner = OwnerHashOfFrame(1, packet.bytes) % 7;
    owners.insert(owner);
    const auto result = testing::RunClassicBpf(*program_, testing::StripOutermostVlanTag(packet.bytes));
    EXPECT_EQ(result, owner);
  }
  std::uint64_t frames = 0;
  std::set<std::uint32_t> owners;

 private:
  Result<std::vector<sock_filter>> program_ = BuildFanoutProgram(1, 7);
};

TEST(FanoutProgram, AgreesWithTheOwnerFunctionOnEveryPrefixOfEveryEncapsulation) {
  Comparison comparison;
  for (PacketBuilder outside : Outsides()) {
    for (const bool six : {false, true}) {
      PacketBuilder builder = outside;
      const Bytes frame = (six ? builder.Ipv6("fd00::9", "2001:db8::7") : builder.Ipv4("10.20.0.9", "198.51.100.7"))
                              .Udp(1, 2)
                              .Payload("some bytes")
                              .Build();
      for (std::size_t length = 0; length <= frame.size(); ++length) {
        comparison.OnCaptured(PacketBuilder::Captured(Bytes(frame.begin(), frame.begin() + static_cast<long>(length))));
      }
    }
  }
  EXPECT_GT(comparison.frames, 3000u);
}

TEST(FanoutProgram, AgreesWithTheOwnerFunctionOverRealCaptures) {
  const auto folder = testing::SharedCaptures();
  if (!folder) GTEST_SKIP() << "no shared captures: set SPANWATCH_SHARED";
  Comparison comparison;
  for (const auto& line : testing::ReadJsonLines(*folder / "captures.jsonl")) {
    auto fd = OpenForReading(*folder / line["capture"].get<std::string>());
    ASSERT_TRUE(fd.has_value());
    auto source = OpenCaptureFile(std::move(*fd), "capture");
    while (source) {
      const auto state = (*source)->Deliver(comparison, 1000);
      if (!state || *state == PacketSource::State::kEnd) break;
    }
  }
  std::cout << comparison.frames << " Ethernet frames agree\n";
  EXPECT_GT(comparison.frames, 10000u);
  EXPECT_EQ(comparison.owners.size(), 7u);
}

TEST(FanoutProgram, TableNamesTheMemberOfEachBucket) {
  const std::vector<std::uint32_t> members = {2, 0, 1};
  const auto program = BuildFanoutProgram(1, 3, members);
  ASSERT_TRUE(program.has_value());
  for (int host = 1; host < 50; ++host) {
    const std::string client = fmt::format("10.20.0.{}", host);
    const Bytes frame = PacketBuilder().Ethernet().Ipv4(client, "198.51.100.7").Udp(1, 2).Build();
    EXPECT_EQ(testing::RunClassicBpf(*program, testing::StripOutermostVlanTag(frame)),
              members[HashOf(client, "198.51.100.7") % 3]);
  }
}

TEST(FanoutProgram, RefusesWhatCannotBeShared) {
  EXPECT_FALSE(BuildFanoutProgram(113, 2).has_value());
  EXPECT_FALSE(BuildFanoutProgram(1, 0).has_value());
  EXPECT_FALSE(BuildFanoutProgram(1, 3, std::vector<std::uint32_t>{0, 1}).has_value());
  EXPECT_LT(BuildFanoutProgram(1, 256)->size(), 4096u);
}

}  // namespace
}  // namespace spanwatch::capture
