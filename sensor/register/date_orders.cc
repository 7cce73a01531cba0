#include "register/date_orders.h"

#include <array>
#include <bit>

#include <fmt/format.h>

namespace spanwatch::enrolment {
namespace {

using fingerprint::DateOrder;

constexpr std::array<std::string_view, fingerprint::kDateOrders> kOrderNames{"month first", "day first", "year first"};

// The one order that a column allows.
std::optional<DateOrder> OnlyOrder(std::uint8_t allowed) {
  if (std::popcount(allowed) != 1) return std::nullopt;
  return static_cast<DateOrder>(std::countr_zero(allowed));
}

}  // namespace

void DateOrders::Add(std::size_t column, std::string_view cell, std::uint64_t line) {
  const fingerprint::RecordTimes times = fingerprint::ReadRecordTimes(cell);
  if (times.count == 0 || times.order_told) return;
  Column& seen = columns_[column];
  if (times.count > 1 && seen.open++ == 0) seen.open_line = line;
  const std::uint8_t both = seen.allowed & times.orders_allowed;
  if (both != seen.allowed) seen.shown_line = line;
  seen.allowed = both;
}

std::vector<std::optional<DateOrder>> DateOrders::Inferred() const {
  std::vector<std::optional<DateOrder>> orders;
  for (const Column& column : columns_) orders.push_back(OnlyOrder(column.allowed));
  return orders;
}

std::vector<std::string> DateOrders::Describe() const {
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const Column& column = columns_[i];
    if (column.open == 0) continue;
    if (const auto order = OnlyOrder(column.allowed)) {
      lines.push_back(fmt::format("the dates of column '{}' are read {}, as line {} shows", names_[i],
                                  kOrderNames[static_cast<std::size_t>(*order)], column.shown_line));
      continue;
    }
    lines.push_back(DescribeOpen(i));
  }
  return lines;
}

std::vector<std::string> DateOrders::DescribeOpen() const {
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].open > 0) lines.push_back(DescribeOpen(i));
  }
  return lines;
}

std::string DateOrders::DescribeOpen(std::size_t i) const {
  const Column& column = columns_[i];
  const std::string_view shown = column.allowed == 0         ? "contradicts itself about"
                                 : OnlyOrder(column.allowed) ? "shows too late"
                                                             : "does not show";
  return fmt::format(
      "column '{}' {} in which order day, month and year stand in {} of its dates (line {} is the first): every "
      "reading is registered; say which it is with --date-order dmy, mdy or ymd",
      names_[i], shown, column.open, column.open_line);
}

}  // namespace spanwatch::enrolment
