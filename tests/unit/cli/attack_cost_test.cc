#include "cli/attack_cost.h"

#include <gtest/gtest.h>

#include "fingerprint/plate_shapes.h"

namespace spanwatch::cli {
namespace {

hashset::Manifest TexasAndDelaware() {
  hashset::Manifest manifest;
  manifest.shapes = {{*fingerprint::PlateShapeOfPattern("NNNNNN"), 500},
                     {*fingerprint::PlateShapeOfPattern("LLLNNNN"), 60000}};
  return manifest;
}

TEST(AttackCost, SpacesAreThoseOfTheShapes) {
  const AttackCost cost = CostOfAttack(TexasAndDelaware());
  ASSERT_EQ(cost.shapes.size(), 2U);
  EXPECT_EQ(cost.shapes[0].registered, 60000U);
  EXPECT_DOUBLE_EQ(cost.shapes[0].possible, 26.0 * 26 * 26 * 10000);
  EXPECT_DOUBLE_EQ(cost.shapes[0].false_plates, 26.0 * 26 * 26 * 10000 / 18446744073709551616.0);
  EXPECT_DOUBLE_EQ(cost.possible, 26.0 * 26 * 26 * 10000 + 1e6);
  EXPECT_EQ(cost.registered, 60500U);
}

TEST(AttackCost, ReportNamesTimesOfTheRatesGiven) {
  const std::string report = DescribeAttackCost(CostOfAttack(TexasAndDelaware()), 1e8, 1.6e10);
  EXPECT_TRUE(report.contains("LLLNNNN           60000     1.76e+08       1.76 s        11 ms")) << report;
  EXPECT_TRUE(report.contains("NNNNNN              500        1e+06        10 ms")) << report;
  EXPECT_TRUE(report.contains("years on a\nmillion such GPUs")) << report;
}

TEST(AttackCost, MeasuredRateIsOfThisWorld) {
  const double rate = MeasureTagRate();
  EXPECT_GT(rate, 1e5);
  EXPECT_LT(rate, 1e11);
}

}  // namespace
}  // namespace spanwatch::cli
