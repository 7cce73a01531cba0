#include "state/quarantine_table.h"

#include "state_fixtures.h"

namespace spanwatch::state {
namespace {

class QuarantineTableTest : public testing::Test {
 protected:
  void SetUp() override {
    file.limits.quarantine_flows = 4;
    file.limits.quarantine_destinations = 3;
    file.limits.quarantine_window_seconds = 60;
    file.limits.quarantine_hold_seconds = 600;
    Reopen();
  }
  void Reopen() {
    state.reset();
    state = file.Open();
  }
  bool See(std::uint64_t flow, std::uint64_t destination, PacketTime time, const FollowedItem& item = kItem) {
    EXPECT_TRUE(state->Begin());
    const bool quarantined = state->quarantine().Observe(item, "lanes", Severity::kHigh, {flow, destination, time});
    EXPECT_TRUE(state->Commit());
    return quarantined;
  }
  static inline const FollowedItem kItem{Item(1), Method::kPerceptual, Confidence::kSure};

  StateFile file;
  std::unique_ptr<State> state;
};

TEST_F(QuarantineTableTest, ManyFlowsToManyDestinationsAreNeeded) {
  for (std::uint64_t i = 0; i < 50; ++i) EXPECT_FALSE(See(i, 1 + i % 3, At(1s))) << "three destinations are few";
  EXPECT_TRUE(See(50, 7, At(2s)));
  const QuarantinedItem* found = state->quarantine().Find(kItem, At(3s));
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->collection, "lanes");
  EXPECT_EQ(found->severity, Severity::kHigh);
  EXPECT_EQ(found->until, At(602s));
  EXPECT_EQ(file.counters.Get(Counter::quarantine_items), 1u);
}

TEST_F(QuarantineTableTest, OneFlowCountsOnceHoweverManyAddressesItNames) {
  for (std::uint64_t i = 0; i < 50; ++i) EXPECT_FALSE(See(1, i, At(1s)));
}

TEST_F(QuarantineTableTest, WhatIsSlowerThanTheWindowIsNoFlood) {
  for (std::uint64_t i = 0; i < 50; ++i) EXPECT_FALSE(See(i, i, At(20s * i)));
  bool quarantined = false;
  for (std::uint64_t i = 0; i < 5; ++i) quarantined = See(100 + i, 100 + i, At(2000s + 1s * i));
  EXPECT_TRUE(quarantined);
}

TEST_F(QuarantineTableTest, AnotherItemMethodOrConfidenceIsAnotherMatter) {
  for (std::uint64_t i = 0; i < 5; ++i) See(i, i, At(1s));
  EXPECT_NE(state->quarantine().Find(kItem, At(2s)), nullptr);
  for (const FollowedItem& other : {FollowedItem{Item(2), Method::kPerceptual, Confidence::kSure},
                                    FollowedItem{Item(1), Method::kExact, Confidence::kSure},
                                    FollowedItem{Item(1), Method::kPerceptual, Confidence::kWeak}}) {
    EXPECT_EQ(state->quarantine().Find(other, At(2s)), nullptr);
  }
}

TEST_F(QuarantineTableTest, ItEndsByTimeOrByRelease) {
  for (std::uint64_t i = 0; i < 5; ++i) See(i, i, At(0s));
  EXPECT_NE(state->quarantine().Find(kItem, At(599s)), nullptr);
  EXPECT_EQ(state->quarantine().Find(kItem, At(600s)), nullptr);
  EXPECT_EQ(state->quarantine().Find(kItem, At(-24h * 365)), nullptr) << "a time that it was never quarantined at";
  ASSERT_TRUE(state->quarantine().Purge(At(601s)));
  EXPECT_TRUE(state->quarantine().List().empty());
  bool again = false;
  for (std::uint64_t i = 0; i < 5; ++i) again = See(i, i, At(700s));
  EXPECT_TRUE(again) << "a new flood is a new quarantine";
  EXPECT_EQ(state->quarantine().Release(Item(2)), 0u);
  EXPECT_EQ(state->quarantine().Release(Item(1)), 1u);
  EXPECT_EQ(state->quarantine().Find(kItem, At(701s)), nullptr);
  EXPECT_EQ(file.counters.Get(Counter::quarantine_items), 0u);
}

TEST_F(QuarantineTableTest, ARestartForgetsNeitherTheQuarantineNorTheWayThere) {
  for (std::uint64_t i = 0; i < 4; ++i) EXPECT_FALSE(See(i, i, At(1s)));
  Reopen();
  EXPECT_TRUE(See(4, 4, At(2s)));
  ASSERT_TRUE(state->Begin());
  state->quarantine().CountHeld(kItem);
  state->quarantine().CountHeld(kItem);
  ASSERT_TRUE(state->Commit());
  Reopen();
  const QuarantinedItem* found = state->quarantine().Find(kItem, At(3s));
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->held, 2u);
  EXPECT_EQ(found->since, At(2s));
  ASSERT_TRUE(state->Begin());
  state->quarantine().Release(Item(1));
  ASSERT_TRUE(state->Commit());
  Reopen();
  EXPECT_EQ(state->quarantine().Find(kItem, At(3s)), nullptr);
}

TEST_F(QuarantineTableTest, WhatWasNotCommittedDidNotHappen) {
  ASSERT_TRUE(state->Begin());
  for (std::uint64_t i = 0; i < 5; ++i) {
    state->quarantine().Observe(kItem, "lanes", Severity::kHigh, {i, i, At(1s)});
  }
  state->Rollback();
  EXPECT_EQ(state->quarantine().Find(kItem, At(2s)), nullptr);
  EXPECT_TRUE(state->quarantine().List().empty());
}

TEST_F(QuarantineTableTest, AtItsLimitsNothingIsHeld) {
  file.limits.quarantine_items = 1;
  bool second = false;
  for (std::uint64_t i = 0; i < 5; ++i) See(i, i, At(1s));
  for (std::uint64_t i = 0; i < 9; ++i)
    second = See(i, i, At(1s), {Item(2), Method::kExact, Confidence::kSure}) || second;
  EXPECT_FALSE(second);
  EXPECT_GT(file.counters.Get(Counter::quarantine_items_over_limit), 0u);
  file.limits.quarantine_items = 100;
  file.limits.quarantine_items_followed = 16;
  for (std::uint32_t item = 10; item < 40; ++item) See(1, 1, At(1s), {Item(item), Method::kExact, Confidence::kSure});
  EXPECT_GT(file.counters.Get(Counter::quarantine_items_not_followed), 0u);
  for (std::uint64_t i = 0; i < 5; ++i) EXPECT_FALSE(See(i, i, At(2s), {Item(39), Method::kExact, Confidence::kSure}));
  for (std::uint64_t i = 0; i < 4; ++i) See(i, i, At(100s), {Item(39), Method::kExact, Confidence::kSure});
  EXPECT_TRUE(See(9, 9, At(100s), {Item(39), Method::kExact, Confidence::kSure})) << "the others were long ago";
}

TEST_F(QuarantineTableTest, AStateFileOfTheFirstVersionIsTakenOver) {
  // What version 3 added, then what version 2 did.
  ASSERT_TRUE(state->database().Execute("DROP INDEX outbox_order; ALTER TABLE outbox DROP COLUMN failing_since"));
  for (const char* table : {"events", "sightings", "flow_items", "transfers", "alerts"}) {
    ASSERT_TRUE(state->database().Execute(fmt::format("ALTER TABLE {} DROP COLUMN touched", table).c_str()));
  }
  ASSERT_TRUE(
      state->database().Execute("DROP TABLE quarantine; DROP TABLE quarantine_places; "
                                "ALTER TABLE sightings DROP COLUMN quarantined; PRAGMA user_version=1"));
  state.reset();
  EXPECT_FALSE(State::Open(file.path(), file.limits, file.counters, Access::kReader));
  Reopen();
  ASSERT_NE(state, nullptr);
  EXPECT_TRUE(state->sightings().Add("event", MakeSighting(1, 1, {{.id = Item(1)}}), false, 1));
}

}  // namespace
}  // namespace spanwatch::state
