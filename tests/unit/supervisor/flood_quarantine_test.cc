// The quarantine as the supervisor asks it: an attacker's view of it.
#include "supervisor/flood_quarantine.h"

#include "state/state.h"
#include "unit/state/state_fixtures.h"

namespace spanwatch::supervisor {
namespace {

using state::Item;

SightedItem Seen(std::uint32_t number, Method method = Method::kExact, Confidence confidence = Confidence::kSure) {
  SightedItem item;
  item.id = Item(number);
  item.method = method;
  item.confidence = confidence;
  return item;
}

Verdict Alerting(Severity severity = Severity::kHigh) {
  Verdict verdict;
  verdict.matches.push_back({"r1", "rule", severity, true, 0, {}, {{"source.ip", "10.20.0.9"}}});
  return verdict;
}

class FloodQuarantineTest : public testing::Test {
 protected:
  void SetUp() override {
    file.limits.quarantine_flows = 5;
    file.limits.quarantine_destinations = 5;
    state = file.Open();
    guard = std::make_unique<FloodQuarantine>(state->quarantine());
    ASSERT_TRUE(state->Begin());
  }
  // What the supervisor does with a sighting; the place follows from `flow`.
  std::optional<QuarantineAlert> Send(std::uint64_t flow, const std::vector<SightedItem>& items,
                                      const Verdict& verdict = Alerting()) {
    const Sighting sighting = SightingOf(flow, items);
    held = guard->HeldOf(sighting);
    return guard->OnSighting(sighting, held, verdict);
  }
  static Sighting SightingOf(std::uint64_t flow, const std::vector<SightedItem>& items) {
    Sighting sighting = state::MakeSighting(flow, 1, items);
    sighting.flow.destination.address = *ParseIpAddress(fmt::format("198.51.100.{}", flow % 250));
    return sighting;
  }
  void Flood(const std::vector<SightedItem>& items) {
    for (std::uint64_t flow = 0; flow < 20; ++flow) Send(flow, items);
  }

  state::StateFile file;
  std::unique_ptr<state::State> state;
  std::vector<SightedItem> held;
  std::unique_ptr<FloodQuarantine> guard;
};

TEST_F(FloodQuarantineTest, TheFirstOnesAlertThenOneAlertStandsForTheRest) {
  int quarantine_alerts = 0;
  for (std::uint64_t flow = 0; flow < 20; ++flow) {
    const auto alert = Send(flow, {Seen(1)});
    EXPECT_EQ(held.empty(), flow <= 5) << "so many raise alerts of their own first";
    EXPECT_EQ(alert.has_value(), flow >= 5) << "the one that makes it a flood, and all that are held";
    if (!alert) continue;
    ++quarantine_alerts;
    ASSERT_EQ(alert->verdict.matches.size(), 1u);
    EXPECT_EQ(alert->verdict.matches[0].severity, Severity::kHigh) << "as high as what it stands for";
    EXPECT_EQ(alert->verdict.matches[0].group[1].second, "lanes");
    EXPECT_EQ(alert->sighting.items.size(), 1u);
  }
  EXPECT_EQ(quarantine_alerts, 15);
  EXPECT_EQ(state->quarantine().List()[0].held, 14u);
}

TEST_F(FloodQuarantineTest, ItHidesNoOtherItemOfTheSameTransfer) {
  Flood({Seen(1)});
  const auto alert = Send(30, {Seen(1), Seen(2)});
  ASSERT_EQ(held.size(), 1u) << "so the sighting is judged as any other";
  EXPECT_EQ(held[0].id, Item(1));
  ASSERT_TRUE(alert);
  EXPECT_EQ(alert->sighting.items.size(), 1u) << "the quarantine speaks of its own item alone";
}

TEST_F(FloodQuarantineTest, AFloodOfLookAlikesDoesNotHideTheExactCopy) {
  Flood({Seen(1, Method::kPerceptual, Confidence::kWeak)});
  Send(30, {Seen(1, Method::kPerceptual, Confidence::kWeak)});
  EXPECT_EQ(held.size(), 1u);
  for (const SightedItem& better : {Seen(1), Seen(1, Method::kFragment), Seen(1, Method::kPerceptual)}) {
    Send(31, {better});
    EXPECT_TRUE(held.empty());
  }
}

TEST_F(FloodQuarantineTest, WhatRaisesNoAlertLeadsToNoQuarantine) {
  Verdict authorised = Alerting(Severity::kHigh);
  authorised.authorised = true;
  for (const Verdict& silent : {Verdict(), authorised, Alerting(Severity::kInformational)}) {
    for (std::uint64_t flow = 0; flow < 20; ++flow) EXPECT_FALSE(Send(flow, {Seen(1)}, silent));
  }
  EXPECT_TRUE(state->quarantine().List().empty());
}

TEST_F(FloodQuarantineTest, AnAuthorisedTransferOfAQuarantinedItemSaysNothing) {
  Flood({Seen(1)});
  Verdict authorised;
  authorised.authorised = true;
  EXPECT_FALSE(Send(30, {Seen(1)}, authorised));
  EXPECT_EQ(held.size(), 1u);
}

}  // namespace
}  // namespace spanwatch::supervisor
