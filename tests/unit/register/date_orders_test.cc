#include "register/date_orders.h"

#include <gtest/gtest.h>

namespace spanwatch::enrolment {
namespace {

using fingerprint::DateOrder;

DateOrders Seen(const std::vector<std::string>& cells) {
  DateOrders seen({"at"});
  for (std::size_t i = 0; i < cells.size(); ++i) seen.Add(0, cells[i], i + 2);
  return seen;
}

TEST(DateOrders, ADayAboveTwelveShowsTheOrder) {
  const DateOrders day = Seen({"05/02/2026", "", "13/02/2026 10:00", "01/02/2026"});
  EXPECT_EQ(day.Inferred(), std::vector{std::optional(DateOrder::kDayFirst)});
  EXPECT_EQ(day.Describe(), std::vector<std::string>{"the dates of column 'at' are read day first, as line 4 shows"});
  EXPECT_EQ(Seen({"05/02/2026", "2/13/2026"}).Inferred(), std::vector{std::optional(DateOrder::kMonthFirst)});
}

TEST(DateOrders, NothingIsInferredFromWhatShowsNothingOrContradicts) {
  for (const auto& cells :
       {std::vector<std::string>{"05/02/2026", "05/05/2026"}, {"13/02/2026", "02/13/2026", "01/02/2026"}}) {
    const DateOrders seen = Seen(cells);
    EXPECT_EQ(seen.Inferred(), std::vector{std::optional<DateOrder>()});
    ASSERT_EQ(seen.Describe().size(), 1u);
    EXPECT_NE(seen.Describe()[0].find("--date-order"), std::string::npos);
  }
}

TEST(DateOrders, WhatIsWrittenWithoutDoubtIsNotMentioned) {
  EXPECT_TRUE(Seen({"2026-02-05", "5.2.2026", "TX", "5 Feb 2026", "1557713500", "13/02/2026"}).Describe().empty());
}

}  // namespace
}  // namespace spanwatch::enrolment
