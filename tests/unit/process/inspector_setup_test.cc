#include "process/inspector_setup.h"

#include <gtest/gtest.h>

#include "support/memory_file.h"

namespace spanwatch::process {
namespace {

using test::ContentOf;
using test::MemoryFile;

TEST(InspectorSetup, ArrivesWithEveryFieldAndDescriptor) {
  auto channels = ControlChannel::MakePair();
  ASSERT_TRUE(channels.has_value());
  InspectorSetup setup;
  setup.sensor_name = "edge-1";
  setup.index = 1;
  setup.count = 3;
  setup.zones = Zones::Inside({*ParseNetwork("10.20.0.0/16"), *ParseNetwork("fd00::/8")});
  setup.limits.capture_snap_length_bytes = 1500;
  setup.trusted_keys = {Bytes(32, 7)};
  setup.shared_block = MemoryFile("block");
  setup.ring = MemoryFile("ring");
  setup.handover_receiving = MemoryFile("mine");
  setup.handover_sending.resize(3);
  setup.handover_sending[0] = MemoryFile("of the first");
  setup.handover_sending[2] = MemoryFile("of the third");
  setup.hashsets.push_back({MemoryFile("set"), Bytes(32, 9), "agency.swset"});
  setup.inputs.push_back({"a.pcap", MemoryFile("capture")});
  ASSERT_TRUE(SendSetup(channels->first, setup).has_value());
  const auto received = ReceiveSetup(channels->second);
  ASSERT_TRUE(received.has_value()) << received.error().message;
  EXPECT_EQ(received->sensor_name, "edge-1");
  EXPECT_EQ(received->index, 1u);
  EXPECT_EQ(received->count, 3u);
  EXPECT_EQ(received->zones.inside(), setup.zones.inside());
  EXPECT_EQ(received->limits.capture_snap_length_bytes, 1500u);
  EXPECT_EQ(received->trusted_keys, setup.trusted_keys);
  EXPECT_EQ(received->hashsets[0].record_key, Bytes(32, 9));
  EXPECT_EQ(ContentOf(received->hashsets[0].file), "set");
  EXPECT_EQ(received->inputs[0].name, "a.pcap");
  EXPECT_EQ(ContentOf(received->inputs[0].file), "capture");
  EXPECT_EQ(ContentOf(received->ring), "ring");
  EXPECT_EQ(ContentOf(received->handover_receiving), "mine");
  ASSERT_EQ(received->handover_sending.size(), 3u);
  EXPECT_EQ(ContentOf(received->handover_sending[0]), "of the first");
  EXPECT_FALSE(static_cast<bool>(received->handover_sending[1]));
  EXPECT_EQ(ContentOf(received->handover_sending[2]), "of the third");
}

TEST(InspectorSetup, AnythingElseIsRefused) {
  auto channels = ControlChannel::MakePair();
  ASSERT_TRUE(channels->first.Send(AsBytes("no setup")).has_value());
  EXPECT_FALSE(ReceiveSetup(channels->second).has_value());
  {
    const ControlChannel closed = std::move(channels->first);
  }
  const auto gone = ReceiveSetup(channels->second);
  ASSERT_FALSE(gone.has_value());
  EXPECT_EQ(gone.error().code, ErrorCode::kUnavailable);
}

TEST(ReloadMessage, CarriesAllThatTakesEffectInARunningInspector) {
  auto channels = ControlChannel::MakePair();
  InspectorReload reload;
  reload.generation = 0x123456789abc;
  reload.tag_names = true;
  reload.zones = Zones::Inside({*ParseNetwork("10.20.0.0/16")});
  reload.trusted_keys = {Bytes(32, 7)};
  reload.hashsets.push_back({MemoryFile("new"), {}, "new.swset"});
  ASSERT_TRUE(SendReload(channels->first, reload).has_value());
  const auto received = ParseReload(*channels->second.Receive());
  ASSERT_TRUE(received.has_value());
  EXPECT_EQ(received->generation, 0x123456789abcu);
  EXPECT_TRUE(received->tag_names);
  EXPECT_EQ(received->zones.inside(), reload.zones.inside());
  EXPECT_EQ(received->trusted_keys, std::vector<Bytes>{Bytes(32, 7)});
  EXPECT_EQ(ContentOf(received->hashsets.at(0).file), "new");
}

}  // namespace
}  // namespace spanwatch::process
