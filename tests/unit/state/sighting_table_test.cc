#include "state/sighting_table.h"

#include "unit/state/state_fixtures.h"

namespace spanwatch::state {
namespace {

SightedItem By(std::uint32_t number, Method method, Confidence confidence = Confidence::kSure) {
  return {.id = Item(number), .method = method, .confidence = confidence};
}

TEST(SightingTable, AnItemCountsOncePerFlowByItsBestMethod) {
  StateFile file;
  auto state = file.Open();
  auto& table = state->sightings();
  EXPECT_EQ(*table.Add("a", MakeSighting(1, 1, {By(1, Method::kPerceptual), By(2, Method::kFragment)}), false), 2u);
  EXPECT_EQ(*table.Add("b", MakeSighting(1, 2, {By(1, Method::kExact), By(2, Method::kRecord)}), false), 0u);
  EXPECT_EQ(*table.Add("c", MakeSighting(2, 1, {By(1, Method::kPerceptual)}), false), 1u);
  const auto items = table.ItemsOfFlow(1);
  ASSERT_EQ(items->size(), 2u);
  EXPECT_EQ((*items)[0].method, Method::kExact);
  EXPECT_EQ((*items)[1].method, Method::kFragment);
  EXPECT_EQ((*items)[0].collection, "lanes");
}

TEST(SightingTable, SureReplacesWeakOfTheSameMethodOnly) {
  StateFile file;
  auto state = file.Open();
  auto& table = state->sightings();
  ASSERT_TRUE(table.Add("a", MakeSighting(1, 1, {By(1, Method::kPerceptual, Confidence::kWeak)}), false));
  ASSERT_TRUE(table.Add("b", MakeSighting(1, 2, {By(1, Method::kPerceptual, Confidence::kSure)}), false));
  EXPECT_EQ(table.ItemsOfFlow(1)->front().confidence, Confidence::kSure);
  ASSERT_TRUE(table.Add("c", MakeSighting(1, 3, {By(1, Method::kPerceptual, Confidence::kWeak)}), false));
  EXPECT_EQ(table.ItemsOfFlow(1)->front().confidence, Confidence::kSure);
}

TEST(SightingTable, TheSameEventTwiceChangesNothing) {
  StateFile file;
  auto state = file.Open();
  EXPECT_EQ(*state->sightings().Add("a", MakeSighting(1, 1, {By(1, Method::kExact)}), false), 1u);
  EXPECT_EQ(*state->sightings().Add("a", MakeSighting(1, 1, {By(1, Method::kExact)}), false), 0u);
  EXPECT_EQ(state->sightings().Totals()->sightings, 1u);
}

TEST(SightingTable, HoldsEveryItemOfALargeSighting) {
  StateFile file;
  auto state = file.Open();
  std::vector<SightedItem> items;
  for (std::uint32_t i = 0; i < 5000; ++i) items.push_back(By(i, Method::kRecord));
  ASSERT_TRUE(state->Begin());
  EXPECT_EQ(*state->sightings().Add("a", MakeSighting(1, 1, items), false), 5000u);
  ASSERT_TRUE(state->Commit());
  EXPECT_EQ(state->sightings().Totals()->distinct_items, 5000u);
}

TEST(SightingTable, ALaterSummaryOfATransferReplacesTheEarlier) {
  StateFile file;
  auto state = file.Open();
  TransferSummary transfer;
  transfer.flow = MakeSighting(1, 1, {}).flow;
  transfer.time = At(60s);
  transfer.counters.delivered_bytes = 1000;
  ASSERT_TRUE(state->sightings().AddTransfer("a", transfer));
  transfer.time = At(120s);
  transfer.counters.delivered_bytes = 5000;
  ASSERT_TRUE(state->sightings().AddTransfer("b", transfer));
  EXPECT_EQ(state->sightings().Totals()->transfers, 1u);
  auto bytes = state->database().Prepare("SELECT bytes FROM transfers");
  ASSERT_TRUE(*bytes->Step());
  EXPECT_EQ(bytes->Integer(0), 5000);
}

TEST(SightingTable, PurgeRemovesNothingThatOneClockDoesNotCallOld) {
  StateFile file;
  auto state = file.Open();
  ASSERT_TRUE(*state->sightings().Add("e1", MakeSighting(1, 1, {{Item(1)}}), false));
  for (const Clocks& now : {Clocks{PacketTime::max(), WallClockNow()},        // an inspector that lies
                            Clocks{At(24h * 365 * 7), WallClockNow()},        // a capture of 2019, replayed today
                            Clocks{At(1h), WallClockNow() + 24h * 365 * 80},  // a wall clock that is wrong
                            Clocks{At(-24h * 365 * 40), WallClockNow() - 24h * 365 * 50}}) {
    const auto purged = state->Purge(now);
    ASSERT_TRUE(purged.has_value());
    EXPECT_TRUE(purged->empty());
  }
  EXPECT_EQ(state->sightings().Totals()->sightings, 1u);
  const auto purged = state->Purge(BothAt(24h * 401));
  ASSERT_EQ(purged->size(), 2u);
  EXPECT_EQ(purged->front().table, "sightings");
  EXPECT_EQ(purged->front().rows, 1u);
}

TEST(SightingTable, PurgeRemovesOnlyWhatIsOlder) {
  StateFile file;
  auto state = file.Open();
  auto old = MakeSighting(1, 1, {By(1, Method::kExact)});
  auto recent = MakeSighting(2, 1, {By(1, Method::kExact)});
  recent.time = At(24h * 300);
  ASSERT_TRUE(state->sightings().Add("a", old, false));
  ASSERT_TRUE(state->sightings().Add("b", recent, false));
  ASSERT_TRUE(state->Purge(BothAt(24h * 500)));
  EXPECT_EQ(state->sightings().Totals()->sightings, 1u);
  EXPECT_EQ(state->sightings().ItemsOfFlow(1)->size(), 0u);
  EXPECT_EQ(state->sightings().ItemsOfFlow(2)->size(), 1u);
}

}  // namespace
}  // namespace spanwatch::state
