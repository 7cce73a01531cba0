#include "inspector/flood_transfers.h"

#include <gtest/gtest.h>

namespace spanwatch::inspector {
namespace {

constexpr PacketTime kBegun(std::chrono::seconds(1'700'000'000));

class KeptMessages : public InspectorSink {
 public:
  void OnMessage(const InspectorMessage& message) noexcept override {
    transfers.push_back(std::get<TransferSummary>(message));
  }
  std::vector<TransferSummary> transfers;
};

TransferSummary Transfer(const char* source, const char* destination, PacketTime time) {
  TransferSummary transfer;
  transfer.time = time;
  transfer.start = time - std::chrono::milliseconds(5);
  transfer.flow.source = {*ParseIpAddress(source), 5000};
  transfer.flow.destination = {*ParseIpAddress(destination), 53};
  transfer.flow.transport = Transport::kUdp;
  transfer.counters.packets = 1;
  transfer.counters.delivered_bytes = transfer.counters.payload_bytes = 10;
  transfer.opaque_bytes = 10;
  return transfer;
}

TEST(FloodTransfers, OneMessageStandsForTheConversationsOfAFloodAndAWindow) {
  const config::Limits limits;
  Counters counters;
  KeptMessages sink;
  FloodTransfers floods(limits, counters, sink);
  floods.Advance(kBegun);
  for (int i = 0; i < 200; ++i) {
    const std::string source = "10.20.0." + std::to_string(i);
    floods.Add(Flood::kToHost, Transfer(source.c_str(), "198.51.100.7", kBegun + std::chrono::milliseconds(i)));
    floods.Add(Flood::kToHost, Transfer(source.c_str(), "198.51.100.8", kBegun + std::chrono::milliseconds(i)));
  }
  floods.Advance(kBegun + std::chrono::seconds(1));
  EXPECT_TRUE(sink.transfers.empty());
  floods.Advance(kBegun + std::chrono::milliseconds(limits.flow_flood_window_ms));
  ASSERT_EQ(sink.transfers.size(), 2u);
  const TransferSummary& sum = sink.transfers[0];
  EXPECT_EQ(sum.flood->flood, Flood::kToHost);
  EXPECT_EQ(sum.flood->conversations, 200u);
  EXPECT_EQ(ToString(sum.flood->sources), "10.20.0.0/24");
  EXPECT_EQ(ToString(sum.flood->destinations), "198.51.100.7/32");
  EXPECT_EQ(ToString(sum.flow.source.address), "10.20.0.0");
  EXPECT_EQ(sum.flow.source.port, 0u);
  EXPECT_EQ(sum.counters.packets, 200u);
  EXPECT_EQ(sum.counters.delivered_bytes, 2000u);
  EXPECT_EQ(sum.opaque_bytes, 2000u);
  EXPECT_EQ(sum.start, kBegun - std::chrono::milliseconds(5));
  EXPECT_EQ(sum.time, kBegun + std::chrono::milliseconds(199));
  EXPECT_NE(sum.flow.flow_id, sink.transfers[1].flow.flow_id);
  EXPECT_EQ(counters.Get(Counter::flood_transfers_summed), 400u);
  floods.Tell();
  EXPECT_EQ(sink.transfers.size(), 2u);  // told once
}

TEST(FloodTransfers, FamiliesAndFloodsOfOtherKindsAreToldApart) {
  const config::Limits limits;
  Counters counters;
  KeptMessages sink;
  FloodTransfers floods(limits, counters, sink);
  floods.Add(Flood::kAnywhere, Transfer("10.20.0.1", "198.51.100.7", kBegun));
  floods.Add(Flood::kAnywhere, Transfer("fd00::1", "2001:db8::7", kBegun));
  floods.Add(Flood::kAnywhere, Transfer("10.20.9.1", "203.0.113.7", kBegun));
  floods.Add(Flood::kFromNetwork, Transfer("10.20.9.1", "203.0.113.7", kBegun));
  floods.Tell();
  ASSERT_EQ(sink.transfers.size(), 3u);
  std::uint64_t conversations = 0;
  for (const TransferSummary& sum : sink.transfers) conversations += sum.flood->conversations;
  EXPECT_EQ(conversations, 4u);
}

}  // namespace
}  // namespace spanwatch::inspector
