#include "register/fragment_trade.h"

#include <gtest/gtest.h>

#include <random>

namespace spanwatch::enrolment {
namespace {

TEST(FragmentTrade, AgreesWithWindowsThrownAtRandom) {
  FragmentTrade trade(256, 64, 2);
  trade.Add(25'600'000, 100'000);
  std::mt19937 random(1);
  std::poisson_distribution<int> windows(1397 / 256.0);
  int one = 0, two = 0;
  constexpr int kTrials = 100'000;
  for (int i = 0; i < kTrials; ++i) {
    const int whole = windows(random);
    one += whole >= 1;
    two += whole >= 2;
  }
  EXPECT_NEAR(trade.Recall(1460, 1), one / double{kTrials}, 0.002);
  EXPECT_NEAR(trade.Recall(1460, 2), two / double{kTrials}, 0.003);
  EXPECT_GE(trade.Recall(1460, 1), 0.99);
  EXPECT_EQ(trade.Recall(63, 1), 0) << "no whole window";
}

TEST(FragmentTrade, LossOfPacketsLeavesEnough) {
  FragmentTrade trade(256, 64, 2);
  trade.Add(25'600'000, 100'000);
  EXPECT_GE(trade.RecallAfterLoss(100'000, 0.5, 2), 0.999);
  EXPECT_GE(trade.RecallAfterLoss(100'000, 0.9, 1), 0.99);
  EXPECT_LT(trade.RecallAfterLoss(100'000, 0.99, 1), 0.6);
}

TEST(FragmentTrade, SaysNothingOfNothing) {
  EXPECT_EQ(FragmentTrade().Describe(), "");
  FragmentTrade trade(256, 64, 2);
  trade.Add(25'600'000, 100'000);
  EXPECT_NE(trade.Describe().find("one in   256"), std::string::npos);
}

}  // namespace
}  // namespace spanwatch::enrolment
