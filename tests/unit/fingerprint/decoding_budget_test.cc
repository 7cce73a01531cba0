#include "fingerprint/decoding_budget.h"

#include <gtest/gtest.h>

namespace spanwatch::fingerprint {
namespace {

PacketTime After(int milliseconds) {
  return PacketTimeFromNanoseconds(1'557'713'500'000'000'000) + std::chrono::milliseconds(milliseconds);
}

config::Limits SmallLimits() {
  config::Limits limits;
  limits.perceptual_pixels = 1'000'000;
  limits.perceptual_pixels_per_byte = 10;
  limits.perceptual_pixels_per_second = 100'000;
  return limits;
}

TEST(DecodingBudget, BytesOfTheConversationPayFirst) {
  const config::Limits limits = SmallLimits();
  DecodingPool pool(limits);
  DecodingBudget budget(pool);
  budget.Earn(50'000);
  budget.Spend(500'000);
  EXPECT_EQ(pool.pixels(), 1'000'000u);
  EXPECT_TRUE(budget.Affords(1'000'000));
  EXPECT_FALSE(budget.Affords(1'000'001));
  budget.Spend(400'000);
  EXPECT_EQ(pool.pixels(), 600'000u);
}

TEST(DecodingBudget, AnEmptyPoolLeavesToEveryoneWhatItEarned) {
  const config::Limits limits = SmallLimits();
  DecodingPool pool(limits);
  DecodingBudget spender(pool), other(pool);
  spender.Spend(1'000'000);
  EXPECT_FALSE(spender.Affords(1));
  other.Earn(1000);
  EXPECT_TRUE(other.Affords(10'000));
  EXPECT_FALSE(other.Affords(10'001));
}

TEST(DecodingBudget, DebtIsPaidBeforeAnythingElse) {
  const config::Limits limits = SmallLimits();
  DecodingPool pool(limits);
  DecodingBudget budget(pool);
  budget.Spend(1'500'000);  // dearer than announced
  budget.Earn(50'000);
  EXPECT_FALSE(budget.Affords(1));
  budget.Earn(100);
  EXPECT_TRUE(budget.Affords(1000));
}

TEST(DecodingBudget, ThePoolFillsWithPacketTimeUpToTheLargestPicture) {
  const config::Limits limits = SmallLimits();
  DecodingPool pool(limits);
  pool.Advance(After(0));
  EXPECT_EQ(pool.Take(2'000'000), 1'000'000u);
  for (int step = 1; step <= 100; ++step) pool.Advance(After(step));  // in small steps, nothing is lost
  EXPECT_EQ(pool.pixels(), 10'000u);
  pool.Advance(After(50));  // packets of a span port may come late
  EXPECT_EQ(pool.pixels(), 10'000u);
  pool.Advance(After(60'000));
  EXPECT_EQ(pool.pixels(), 1'000'000u);
}

TEST(DecodingBudget, WhatIsNotSpentIsKeptUpToTheLargestPicture) {
  const config::Limits limits = SmallLimits();
  DecodingPool pool(limits);
  DecodingBudget budget(pool);
  for (int i = 0; i < 100; ++i) budget.Earn(UINT64_MAX);
  EXPECT_TRUE(budget.Affords(2'000'000));
  EXPECT_FALSE(budget.Affords(2'000'001));
}

}  // namespace
}  // namespace spanwatch::fingerprint
