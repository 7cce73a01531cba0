// Dates and times as exporters of plate records write them. Enrolment reads a column's values, detection the texts near
// a plate; both through record_value.h, which lists the forms. Pure; any thread; no allocation.
//
// 05/02/2026 is the fifth of February or the second of May: the digits do not tell. Enrolment asks for the order, or
// infers it from the column; where nobody says, both readings are given, here as there.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace spanwatch::fingerprint {

enum class DateOrder : std::uint8_t { kMonthFirst, kDayFirst, kYearFirst };
inline constexpr std::size_t kDateOrders = 3;

// A day since the Unix epoch, or a minute since it.
struct RecordTime {
  bool is_day = false;
  std::int64_t count = 0;
  bool operator==(const RecordTime&) const = default;
};

// Every reading of a date or a date with its time; none when the text is neither. The likeliest is first.
struct RecordTimes {
  std::array<RecordTime, kDateOrders> readings{};
  std::array<DateOrder, kDateOrders> orders{};  // of each, where the digits alone do not tell
  std::size_t count = 0;
  bool order_told = true;  // false: numbers whose order the notation does not say, though they may allow but one
  std::uint8_t orders_allowed = 0;  // by the numbers: a bit for each DateOrder; two may give one and the same day

  bool Allows(DateOrder order) const { return (orders_allowed >> static_cast<unsigned>(order) & 1) != 0; }
  void Add(RecordTime time, DateOrder order);
};

// With `order` that reading alone, when the numbers allow it; else all that they allow.
RecordTimes ReadRecordTimes(std::string_view value, std::optional<DateOrder> order = std::nullopt);
// A date without a time of day, and a time of day without a date (2:11, 02:11:40 PM).
bool IsDateAlone(std::string_view value);
bool IsTimeOfDay(std::string_view value);

}  // namespace spanwatch::fingerprint
