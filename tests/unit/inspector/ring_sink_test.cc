#include "inspector/ring_sink.h"

#include <gtest/gtest.h>

#include <set>

#include "process/message_codec.h"

namespace spanwatch::inspector {
namespace {

Sighting SomeSighting(std::uint64_t flow, std::uint8_t item) {
  Sighting sighting;
  sighting.flow.flow_id = flow;
  sighting.collection = "lanes";
  sighting.provenance = {std::string(200, 'p')};
  sighting.items.emplace_back().id[0] = item;
  return sighting;
}

struct Rig {
  explicit Rig(RingSink::WhenFull when_full)
      : sink(std::move(*process::RingWriter::Open(fd.get())), when_full, Same, limits, counters,
             [this] { return ++asked < 3; }) {}
  static std::string Same(const std::string& text) { return text; }

  UniqueFd fd = std::move(*process::MakeRing(8192));
  process::RingReader reader = std::move(*process::RingReader::Open(fd.get()));
  config::Limits limits;
  Counters counters;
  int asked = 0;
  RingSink sink;
};

TEST(RingSink, InReplayAFullRingMakesItWaitAndGoneReadersEndTheWait) {
  Rig rig(RingSink::WhenFull::kWait);
  for (int i = 0; i < 30; ++i) rig.sink.OnMessage(SomeSighting(1, 1));
  EXPECT_GT(rig.asked, 0);
  EXPECT_GT(rig.counters.Get(Counter::messages_dropped), 0u);
}

TEST(RingSink, LiveNoItemIsForgottenWhenEverythingIsFull) {
  Rig rig(RingSink::WhenFull::kQueue);
  rig.limits.inspector_waiting_bytes = 2000;
  for (int i = 0; i < 200; ++i) rig.sink.OnMessage(SomeSighting(i % 3, static_cast<std::uint8_t>(i)));
  EXPECT_EQ(rig.asked, 0);
  EXPECT_GT(rig.counters.Get(Counter::sightings_merged), 0u);
  std::set<std::pair<std::uint64_t, std::uint8_t>> seen;
  for (int round = 0; round < 1000; ++round) {
    while (const auto message = rig.reader.Take()) {
      const auto decoded = process::DecodeMessage(message->payload);
      ASSERT_TRUE(decoded.has_value());
      const auto& sighting = std::get<Sighting>(*decoded);
      for (const auto& item : sighting.items) seen.emplace(sighting.flow.flow_id, item.id[0]);
      rig.reader.Release();
    }
    if (rig.sink.Flush() && rig.reader.empty()) break;
  }
  EXPECT_EQ(seen.size(), 200u);
}

TEST(RingSink, WhatIsSeenBetterIsToldBetterWhenSightingsMerge) {
  Rig rig(RingSink::WhenFull::kQueue);
  rig.limits.inspector_waiting_bytes = 1;
  for (int i = 0; i < 100; ++i) rig.sink.OnMessage(SomeSighting(7, 0));
  for (const Confidence confidence : {Confidence::kWeak, Confidence::kSure, Confidence::kWeak}) {
    Sighting sighting = SomeSighting(1, 1);
    sighting.confidence = sighting.items[0].confidence = confidence;
    sighting.method = sighting.items[0].method = Method::kRecord;
    rig.sink.OnMessage(sighting);
  }
  std::vector<Confidence> told;
  for (int round = 0; round < 100; ++round) {
    while (const auto message = rig.reader.Take()) {
      const auto sighting = std::get<Sighting>(*process::DecodeMessage(message->payload));
      if (sighting.flow.flow_id == 1) told.push_back(sighting.items.at(0).confidence);
      rig.reader.Release();
    }
    rig.sink.Flush();
  }
  EXPECT_EQ(told, std::vector{Confidence::kSure});
}

TEST(RingSink, NothingLeavesUnmaskedAndNothingIsMaskedTwice) {
  Rig rig(RingSink::WhenFull::kQueue);
  rig.sink.SetMask([](const std::string& text) { return "masked " + text; });
  Sighting sighting = SomeSighting(1, 0);
  sighting.flow.facts.exchange.server_name = "host";
  for (std::uint8_t i = 1; i < 200; ++i) sighting.items.emplace_back().id[0] = i;
  rig.sink.OnMessage(sighting);  // in parts
  std::size_t messages = 0;
  for (int round = 0; round < 100; ++round) {
    while (const auto message = rig.reader.Take()) {
      ++messages;
      const auto decoded = std::get<Sighting>(*process::DecodeMessage(message->payload));
      EXPECT_EQ(decoded.flow.facts.exchange.server_name, "masked host");
      rig.reader.Release();
    }
    rig.sink.Flush();
  }
  EXPECT_GT(messages, 1u);
}

TEST(RingSink, ASightingLongerThanTheRingTakesGoesOutInParts) {
  Rig rig(RingSink::WhenFull::kQueue);
  Sighting sighting = SomeSighting(1, 0);
  for (std::uint8_t i = 1; i < 200; ++i) sighting.items.emplace_back().id[0] = i;
  rig.sink.OnMessage(sighting);
  std::set<std::uint8_t> seen;
  for (int round = 0; round < 100; ++round) {
    while (const auto message = rig.reader.Take()) {
      const auto decoded = process::DecodeMessage(message->payload);
      ASSERT_TRUE(decoded.has_value());
      for (const auto& item : std::get<Sighting>(*decoded).items) seen.insert(item.id[0]);
      rig.reader.Release();
    }
    rig.sink.Flush();
  }
  EXPECT_EQ(seen.size(), 200u);
}

}  // namespace
}  // namespace spanwatch::inspector
