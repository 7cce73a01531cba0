#include "state/event_table.h"

#include "unit/state/state_fixtures.h"

namespace spanwatch::state {
namespace {

TEST(EventTable, TakesEachRingMessageOnce) {
  StateFile file;
  auto state = file.Open();
  ASSERT_TRUE(state->Begin());
  EXPECT_TRUE(state->events().TakeRingMessage(1, 1));
  EXPECT_TRUE(state->events().TakeRingMessage(1, 2));
  EXPECT_FALSE(state->events().TakeRingMessage(1, 2));
  EXPECT_TRUE(state->events().TakeRingMessage(2, 1)) << "another inspector counts by itself";
  ASSERT_TRUE(state->Commit());
  state.reset();
  state = file.Open();
  EXPECT_FALSE(state->events().TakeRingMessage(1, 2)) << "committed before the restart";
  EXPECT_TRUE(state->events().TakeRingMessage(1, 3));
}

TEST(EventTable, MessagesOfAnUncommittedBatchAreTakenAgain) {
  StateFile file;
  {
    auto state = file.Open();
    ASSERT_TRUE(state->Begin());
    EXPECT_TRUE(state->events().TakeRingMessage(1, 1));
    ASSERT_EQ(*state->events().NumberEvent("a", At(0s), "spanwatch.sighting"), 1u);
  }  // died before the commit
  auto state = file.Open();
  ASSERT_TRUE(state->Begin());
  EXPECT_TRUE(state->events().TakeRingMessage(1, 1));
  EXPECT_EQ(*state->events().NumberEvent("a", At(0s), "spanwatch.sighting"), 1u) << "no number is lost";
  ASSERT_TRUE(state->Commit());
}

TEST(EventTable, NumbersWithoutGapsAndKnowsRepeats) {
  StateFile file;
  auto state = file.Open();
  ASSERT_TRUE(state->Begin());
  EXPECT_EQ(*state->events().NumberEvent("a", At(0s), "spanwatch.sighting"), 1u);
  EXPECT_EQ(*state->events().NumberEvent("a", At(0s), "spanwatch.sighting"), std::nullopt);
  EXPECT_EQ(*state->events().NumberEvent("b", At(0s), "spanwatch.transfer"), 2u);
  ASSERT_TRUE(state->Commit());
  ASSERT_TRUE(state->Begin());
  EXPECT_EQ(*state->events().NumberEvent("c", At(0s), "spanwatch.sighting"), 3u);
  state->Rollback();
  ASSERT_TRUE(state->Begin());
  EXPECT_EQ(*state->events().NumberEvent("d", At(0s), "spanwatch.sighting"), 3u);
  ASSERT_TRUE(state->Commit());
}

TEST(EventTable, NumbersGoOnAfterAPurgeAndARestart) {
  StateFile file;
  {
    auto state = file.Open();
    ASSERT_TRUE(state->Begin());
    EXPECT_EQ(*state->events().NumberEvent("a", At(0s), "spanwatch.sighting"), 1u);
    ASSERT_TRUE(state->Commit());
    ASSERT_TRUE(state->Purge(BothAt(24h * 1000)));
  }
  auto state = file.Open();
  ASSERT_TRUE(state->Begin());
  EXPECT_EQ(*state->events().NumberEvent("b", At(0s), "spanwatch.sighting"), 2u);
  ASSERT_TRUE(state->Commit());
}

TEST(EventTable, KeepsDocumentsUntilTheyAreWritten) {
  StateFile file;
  {
    auto state = file.Open();
    ASSERT_TRUE(state->Begin());
    for (int i = 1; i <= 3; ++i) {
      const auto number = *state->events().NumberEvent(fmt::format("e{}", i), At(0s), "spanwatch.sighting");
      ASSERT_TRUE(state->events().KeepDocument(*number, fmt::format("{{\"n\":{}}}", i)));
    }
    ASSERT_TRUE(state->Commit());
    state->events().ConfirmWritten(1);
    ASSERT_TRUE(state->Begin());
    ASSERT_TRUE(state->Commit());
    state->events().ConfirmWritten(2);  // dies before the next commit: number 2 will be written again
    EXPECT_EQ(state->events().UnwrittenDocuments(10)->size(), 1u);
  }
  auto state = file.Open();
  const auto documents = state->events().UnwrittenDocuments(10);
  ASSERT_EQ(documents->size(), 2u);
  EXPECT_EQ(documents->front().sequence, 2u);
  EXPECT_EQ(documents->front().document, "{\"n\":2}");
}

TEST(EventTable, WhatTakesTheNumberOfALostDocumentIsNotTakenForWritten) {
  StateFile file;
  auto state = file.Open();
  const auto keep = [&](const std::string& id) {
    ASSERT_TRUE(state->Begin());
    ASSERT_EQ(*state->events().NumberEvent(id, At(0s), "spanwatch.sighting"), 1u);
    ASSERT_TRUE(state->events().KeepDocument(1, id));
  };
  keep("lost");
  state->events().ConfirmWritten(1);  // out of a transaction that a full disk keeps open
  state->Rollback();
  keep("next");
  ASSERT_TRUE(state->Commit());
  ASSERT_EQ(state->events().UnwrittenDocuments(10)->size(), 1u);
  EXPECT_EQ(state->events().UnwrittenDocuments(10)->front().document, "next");
}

}  // namespace
}  // namespace spanwatch::state
