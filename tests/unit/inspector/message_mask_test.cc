#include "inspector/message_mask.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "fingerprint/plate_mask.h"
#include "process/message_codec.h"

namespace spanwatch::inspector {
namespace {

constexpr const char* kPlate = "of BCD1234";

FlowSummary FlowWithPlates() {
  FlowSummary flow;
  flow.facts.exchange = {kPlate, kPlate};
  flow.facts.tls_alpn = kPlate;
  flow.facts.ssh_client_banner = kPlate;
  flow.facts.ssh_server_banner = kPlate;
  return flow;
}

Sighting SightingWithPlates() {
  Sighting sighting;
  sighting.flow = FlowWithPlates();
  sighting.object_name = kPlate;
  sighting.media_type = kPlate;
  sighting.provenance = {"http BCD1234", "zip lane/BCD1234.jpg"};
  sighting.items.emplace_back().provenances = {{"zip BCD1234"}};
  return sighting;
}

// As it is written into the ring: whatever the codec carries is looked at.
bool ShowsPlate(const InspectorMessage& message) { return AsText(process::EncodeMessage(message)).contains("BCD1234"); }

TEST(MessageMask, NoStringOfAnyMessageShowsAPlate) {
  const auto plates = [](const std::string& text) { return fingerprint::MaskPlates(text); };
  const auto nothing = [](const std::string&) { return std::string(); };
  const InspectorMessage messages[] = {SightingWithPlates(), TransferSummary{.flow = FlowWithPlates()},
                                       AnomalyReport{.flow = FlowWithPlates()}};
  for (const TextMask& mask : {TextMask(plates), TextMask(nothing)}) {
    for (InspectorMessage message : messages) {
      ASSERT_TRUE(ShowsPlate(message));
      MaskMessage(message, mask);
      EXPECT_FALSE(ShowsPlate(message)) << message.index();
    }
  }
}

TEST(MessageMask, WhatTheSensorWordedStays) {
  Sighting sighting;
  sighting.collection = "lanes 2019";
  sighting.flow.facts.protocol = "http";
  sighting.flow.facts.tls_ja4 = "t13d1516h2_8daaf6152771_02713d6af862";
  sighting.flow.facts.tls_alpn = "h2";
  sighting.media_type = "image/jpeg";
  sighting.flow.facts.ssh_server_banner = "SSH-2.0-OpenSSH_9.2p1";
  sighting.provenance = {"http 200", "multipart[2]"};
  InspectorMessage message = sighting;
  MaskMessage(message, [](const std::string&) { return std::string("gone"); });
  const auto& masked = std::get<Sighting>(message);
  EXPECT_EQ(masked.collection, sighting.collection);
  EXPECT_EQ(masked.flow.facts.tls_ja4, sighting.flow.facts.tls_ja4);
  EXPECT_EQ(masked.provenance, (Provenance{"http gone", "multipart[2]"}));
  EXPECT_EQ(masked.object_name, "");
  EXPECT_EQ(masked.flow.facts.tls_alpn, "h2");
  EXPECT_EQ(masked.media_type, "image/jpeg");
  EXPECT_EQ(masked.flow.facts.ssh_server_banner, "SSH-2.0-gone");
}

}  // namespace
}  // namespace spanwatch::inspector
