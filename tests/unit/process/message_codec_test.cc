#include "process/message_codec.h"

#include <gtest/gtest.h>

#include <random>

namespace spanwatch::process {
namespace {

FlowSummary SomeFlow() {
  FlowSummary flow;
  flow.flow_id = 42;
  flow.source = {*ParseIpAddress("10.20.0.9"), 51514};
  flow.destination = {*ParseIpAddress("2001:db8::7"), 80};
  flow.crossing = Crossing::kEgress;
  flow.vlan = {120, 0};
  flow.encapsulations = {Encapsulation::kVlan, Encapsulation::kGre};
  flow.interface_name = "eth1";
  flow.facts.protocol = "http";
  flow.facts.visibility = Visibility::kClear;
  return flow;
}

Sighting SomeSighting() {
  Sighting sighting;
  sighting.time = PacketTimeFromNanoseconds(1557713500120000000);
  sighting.flow = SomeFlow();
  sighting.sha256 = Sha256Digest{1, 2, 3};
  sighting.provenance = {"http POST /up", "zip lane3/1.jpg"};
  sighting.collection = "lanes";
  SightedItem item;
  item.id = {9, 8, 7};
  item.coverage = 0.5f;
  item.provenances = {{"a"}, {"b", "c"}};
  sighting.items = {item, item};
  sighting.records = RecordEvidence{12, 3, 15, 1e-30, true};
  sighting.archive = ArchiveEvidence{100, 97, 2, 1e-200};
  sighting.pictures = PictureEvidence{70, 8, 0.25};
  return sighting;
}

TEST(MessageCodec, BringsBackEveryKindOfMessage) {
  TransferSummary transfer;
  transfer.flow = SomeFlow();
  transfer.counters.delivered_bytes = 77;
  transfer.encrypted_archive = true;
  transfer.flood = FloodSum{Flood::kToHost, 7, *ParseNetwork("10.20.0.0/16"), *ParseNetwork("2001:db8::7")};
  AnomalyReport anomaly{PacketTime{}, "packet_truncated", 3, SomeFlow()};
  for (const InspectorMessage& message : {InspectorMessage(SomeSighting()), InspectorMessage(transfer),
                                          InspectorMessage(anomaly), InspectorMessage(Watermark{})}) {
    const Bytes bytes = EncodeMessage(message);
    const auto back = DecodeMessage(bytes);
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(back->index(), message.index());
    EXPECT_EQ(EncodeMessage(*back), bytes);
  }
  const auto back = std::get<Sighting>(*DecodeMessage(EncodeMessage(SomeSighting())));
  EXPECT_EQ(back.provenance[1], "zip lane3/1.jpg");
  EXPECT_EQ(back.items[1].provenances[1][1], "c");
  EXPECT_EQ(back.records->distinct_plates, 12u);
  EXPECT_EQ(back.archive->entries_matched, 97u);
  EXPECT_EQ(back.archive->probability, 1e-200);
  EXPECT_EQ(back.pictures->pictures_seen, 70u);
  EXPECT_EQ(back.pictures->pictures_alike, 8u);
  EXPECT_EQ(back.pictures->probability, 0.25);
  EXPECT_EQ(ToString(back.flow.destination.address), "2001:db8::7");
  const auto sum = std::get<TransferSummary>(*DecodeMessage(EncodeMessage(transfer))).flood;
  EXPECT_EQ(sum->flood, Flood::kToHost);
  EXPECT_EQ(sum->conversations, 7u);
  EXPECT_EQ(ToString(sum->sources), "10.20.0.0/16");
  EXPECT_EQ(ToString(sum->destinations), "2001:db8::7/128");
}

// Sends `message` through the codec once for each enumerator that `place` may hold.
template <typename Message, typename Enum>
void ExpectEveryOneBack(Message message, Enum& (*place)(Message&)) {
  for (const Enum value : Enumerators<Enum>()) {
    place(message) = value;
    auto back = DecodeMessage(EncodeMessage(message));
    ASSERT_TRUE(back.has_value()) << "number " << static_cast<int>(value);
    EXPECT_EQ(place(std::get<Message>(*back)), value);
  }
}

TEST(MessageCodec, BringsBackEveryEnumeratorOfEveryEnumeration) {
  using Report = Sighting;
  const Report whole = SomeSighting();
  ExpectEveryOneBack(whole, +[](Report& s) -> SightingPhase& { return s.phase; });
  ExpectEveryOneBack(whole, +[](Report& s) -> ObjectKind& { return s.object_kind; });
  ExpectEveryOneBack(whole, +[](Report& s) -> Method& { return s.method; });
  ExpectEveryOneBack(whole, +[](Report& s) -> Confidence& { return s.confidence; });
  ExpectEveryOneBack(whole, +[](Report& s) -> Method& { return s.items[1].method; });
  ExpectEveryOneBack(whole, +[](Report& s) -> Confidence& { return s.items[1].confidence; });
  ExpectEveryOneBack(whole, +[](Report& s) -> View& { return s.items[1].view; });
  ExpectEveryOneBack(whole, +[](Report& s) -> Transport& { return s.flow.transport; });
  ExpectEveryOneBack(whole, +[](Report& s) -> Crossing& { return s.flow.crossing; });
  ExpectEveryOneBack(whole, +[](Report& s) -> Visibility& { return s.flow.facts.visibility; });
  ExpectEveryOneBack(whole, +[](Report& s) -> Encapsulation& { return s.flow.encapsulations[1]; });
}

TEST(MessageCodec, WritesNothingThatTheReaderRefuses) {
  Sighting sighting = SomeSighting();
  sighting.items[0].coverage = std::numeric_limits<float>::quiet_NaN();
  sighting.records->probability = std::numeric_limits<double>::infinity();
  sighting.object_name = std::string(100'000, 'n');
  EXPECT_TRUE(DecodeMessage(EncodeMessage(sighting)).has_value());
}

TEST(MessageCodec, RefusesEveryTruncationAndSurvivesEveryFlip) {
  const Bytes bytes = EncodeMessage(SomeSighting());
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(DecodeMessage(ByteView(bytes).first(length)).has_value()) << length;
  }
  Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_FALSE(DecodeMessage(longer).has_value());
  std::mt19937 random(1);
  for (int round = 0; round < 20000; ++round) {
    Bytes damaged = bytes;
    for (int i = 0; i < 3; ++i) damaged[random() % damaged.size()] = static_cast<std::uint8_t>(random());
    const auto message = DecodeMessage(damaged);
    if (message) {
      EXPECT_LE(EncodeMessage(*message).size(), damaged.size());
    }
  }
}

}  // namespace
}  // namespace spanwatch::process
