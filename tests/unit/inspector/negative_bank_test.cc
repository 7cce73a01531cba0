// A negative bank in a set of its own, with a seed of its own: what it knows gives no sighting, and hides nothing else.
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "fingerprint/file_fingerprint.h"
#include "fingerprint/fragment_search.h"
#include "fingerprint/object_sketch.h"
#include "hashset/hashset_writer.h"
#include "hashset/snapshot.h"
#include "inspector/flow_sightings.h"
#include "support/memory_file.h"

namespace spanwatch::inspector {
namespace {

Bytes RandomBytes(std::uint64_t seed, std::size_t size) {
  std::mt19937_64 random(seed);
  Bytes bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

Bytes Joined(std::initializer_list<ByteView> parts) {
  Bytes all;
  for (const ByteView part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

std::shared_ptr<const hashset::MappedHashSet> SetOf(ByteView content, bool negative, std::uint64_t fragment_seed) {
  hashset::HashSetWriter writer({.name = negative ? "bank" : "agency", .fragment_seed = fragment_seed});
  writer.AddCollection({.name = negative ? "logos" : "lanes", .owner = "Agency", .negative = negative});
  const FileFingerprint file =
      fingerprint::FingerprintBytes(content, {.fragment_seed = fragment_seed, .fragment_density = 256}, {});
  const std::uint32_t row = writer.AddItem({.id = {1}, .collection = 0, .size = content.size()});
  writer.AddFile(row, file);
  const Bytes seed(32, 1);
  const Bytes bytes = *writer.Encode(seed);
  const hashset::PublicKey key = hashset::PublicKeyOf(seed);
  const std::vector<Bytes> trusted{{key.begin(), key.end()}};
  return *hashset::MappedHashSet::Open(test::MemoryFile(bytes), "set", trusted);
}

struct CountingAnomalies final : AnomalySink {
  void OnAnomaly(AnomalyCode) noexcept override {}
};

// Methods by which anything is told of `content`, sent in pieces of `piece` bytes.
std::set<Method> MethodsToldOf(const hashset::SetList& sets, ByteView content, std::size_t piece = 1460) {
  struct MethodRecorder final : InspectorSink {
    void OnMessage(const InspectorMessage& message) noexcept override {
      methods.insert(std::get<Sighting>(message).method);
    }
    std::set<Method> methods;
  } recorder;
  Counters counters;
  const config::Limits limits;
  const auto snapshot = *hashset::Snapshot::Make(sets, &counters);
  const fingerprint::RecordSearch records(*snapshot, {}, limits, counters);
  CountingAnomalies anomalies;
  const PacketTime now{};
  FlowSightings sightings({*snapshot, limits, counters, recorder, now, [](Direction) { return FlowSummary(); },
                           [](Direction, ItemRef) { return PictureEvidence(); }});
  ObjectInfo info;
  info.step = "http POST /a";
  const Provenance provenance{info.step};
  ObjectContext object;
  object.info = &info;
  object.provenance = &provenance;
  ObjectEvidence& evidence = sightings.Begin(object, false);
  fingerprint::FragmentSearch fragments(*snapshot);
  fingerprint::ObjectSketch sketch({*snapshot, records, fragments, evidence, limits, counters, anomalies}, object);
  for (std::size_t at = 0; at < content.size(); at += piece) {
    sketch.OnData(content.subspan(at, std::min(piece, content.size() - at)));
  }
  sketch.OnEnd(ObjectEnd::kComplete);
  sightings.Complete(evidence, ObjectEnd::kComplete, PacketTime());
  sightings.Finish(PacketTime());
  return recorder.methods;
}

class NegativeBank : public ::testing::Test {
 protected:
  const Bytes logo = RandomBytes(1, 60'000);
  const Bytes body = RandomBytes(2, 60'000);
  const Bytes registered = Joined({body, logo});
  const hashset::SetList agency{SetOf(registered, false, 11)};
  const hashset::SetList both{SetOf(registered, false, 11), SetOf(logo, true, 22)};
};

TEST_F(NegativeBank, AForeignDocumentWithTheSameLogoGivesNoSighting) {
  const Bytes foreign = Joined({RandomBytes(3, 10'000), logo, RandomBytes(4, 10'000)});
  EXPECT_EQ(MethodsToldOf(agency, foreign), std::set<Method>{Method::kFragment}) << "mistaken without the bank";
  for (const std::size_t piece : {1u, 100u, 1460u, 100'000u}) {
    EXPECT_TRUE(MethodsToldOf(both, foreign, piece).empty()) << "in pieces of " << piece;
  }
  EXPECT_TRUE(MethodsToldOf(both, logo).empty());
}

TEST_F(NegativeBank, WhatIsRegisteredIsStillFoundBesideIt) {
  EXPECT_TRUE(MethodsToldOf(both, registered).contains(Method::kExact));
  const Bytes part = Joined({logo, ByteView(body).first(20'000), logo});
  EXPECT_EQ(MethodsToldOf(both, part), std::set<Method>{Method::kFragment});
}

TEST_F(NegativeBank, AloneItTellsNothing) {
  EXPECT_TRUE(MethodsToldOf({both[1]}, logo).empty());
  EXPECT_TRUE(MethodsToldOf({both[1]}, registered).empty());
}

}  // namespace
}  // namespace spanwatch::inspector
