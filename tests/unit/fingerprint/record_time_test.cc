#include "fingerprint/record_time.h"

#include <gtest/gtest.h>

#include <vector>

namespace spanwatch::fingerprint {
namespace {

constexpr std::int64_t kDay = 20489;                         // 2026-02-05
constexpr std::int64_t kMinute = kDay * 1440 + 14 * 60 + 7;  // 14:07

std::vector<RecordTime> ReadTime(std::string_view text, std::optional<DateOrder> order = std::nullopt) {
  const RecordTimes times = ReadRecordTimes(text, order);
  return {times.readings.begin(), times.readings.begin() + static_cast<std::ptrdiff_t>(times.count)};
}

TEST(RecordTime, FormsThatSayTheirOrder) {
  for (const char* text : {"2026-02-05 14:07",
                           "2026-2-5 14:07:59",
                           "2026/02/05T14:07:00.5Z",
                           "2026:02:05 14:07:00",
                           "20260205T140700",
                           "20260205140700",
                           "202602051407",
                           "5.2.2026 14:07",
                           "05.02.26 14:07:10",
                           "5 Feb 2026 14:07",
                           "05-Feb-26 2:07 PM",
                           "Feb 5, 2026 2:07PM",
                           "Feb  5 2026  2:07PM",
                           "Thu, 05 Feb 2026 14:07:00 GMT",
                           "2026-02-05 16:07+02:00",
                           "2026-02-05 2:07 p.m.",
                           "2026-02-05, 2:07\xE2\x80\xAFPM",
                           "1770300420",
                           "1770300420123",
                           "46058.58819444"}) {
    EXPECT_EQ(ReadTime(text), std::vector{(RecordTime{false, kMinute})}) << text;
    EXPECT_TRUE(ReadRecordTimes(text).order_told) << text;
    EXPECT_FALSE(IsDateAlone(text)) << text;
  }
  for (const char* text : {"2026-02-05", "2026/2/5", "20260205", "5.2.2026", "05.02.26", "5 Feb 2026", "05-FEB-2026",
                           "February 5, 2026", "46058"}) {
    EXPECT_EQ(ReadTime(text), std::vector{(RecordTime{true, kDay})}) << text;
    EXPECT_TRUE(IsDateAlone(text)) << text;
  }
}

TEST(RecordTime, NumbersAloneAreReadInEveryOrderTheyAllowOrInTheOneAskedFor) {
  constexpr std::int64_t kOther = 20575;  // 2026-05-02
  for (const char* text : {"05/02/2026", "5-2-2026"}) {
    EXPECT_EQ(ReadTime(text), (std::vector<RecordTime>{{true, kOther}, {true, kDay}})) << text;
    EXPECT_EQ(ReadTime(text, DateOrder::kDayFirst), std::vector{(RecordTime{true, kDay})}) << text;
    EXPECT_EQ(ReadTime(text, DateOrder::kMonthFirst), std::vector{(RecordTime{true, kOther})}) << text;
  }
  EXPECT_EQ(ReadTime("05/02/26").size(), 3u);
  EXPECT_EQ(ReadTime("26/02/05", DateOrder::kYearFirst), std::vector{(RecordTime{true, kDay})});
  EXPECT_EQ(ReadTime("05/02/2026 02:07 pm", DateOrder::kDayFirst), std::vector{(RecordTime{false, kMinute})});
  const RecordTimes shown = ReadRecordTimes("13/02/2026", DateOrder::kMonthFirst);
  EXPECT_EQ(shown.count, 1u);
  EXPECT_FALSE(shown.Allows(DateOrder::kMonthFirst));
  EXPECT_TRUE(ReadRecordTimes("05/05/2026").Allows(DateOrder::kMonthFirst));
  EXPECT_EQ(ReadRecordTimes("05/05/2026").count, 1u);
}

TEST(RecordTime, OtherTextsAreNoTimes) {
  for (const char* text :
       {"", "TX", "12:30", "192.168.10.20", "2026-13-05", "31/31/2026", "123/02/2026", "1/2/3", "12345678",
        "2026-02-05 25:00", "2026-02-05 14:07 x", "Mayor of 13 2019", "1234567890123456789", "5/2"}) {
    EXPECT_TRUE(ReadTime(text).empty()) << text;
  }
}

TEST(RecordTime, TimesOfDay) {
  for (const char* text : {"2:11", "02:11:40", "02:11:40.123", "2:11 PM", "14:07Z"})
    EXPECT_TRUE(IsTimeOfDay(text)) << text;
  for (const char* text : {"", "211", "25:00", "2026", "2:1", "ab:cd"}) EXPECT_FALSE(IsTimeOfDay(text)) << text;
}

}  // namespace
}  // namespace spanwatch::fingerprint
