// DateOrders: in which order the dates of each column are written, as far as the column itself shows it. A day above
// twelve shows it; one column has one order. Used by enroll_records, which reads a table once for it; one thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fingerprint/record_time.h"

namespace spanwatch::enrolment {

class DateOrders {
 public:
  explicit DateOrders(const std::vector<std::string>& columns) : names_(columns), columns_(columns.size()) {}

  void Add(std::size_t column, std::string_view cell, std::uint64_t line);
  // Of each column; none where it has no such dates, does not show it, or contradicts itself.
  std::vector<std::optional<fingerprint::DateOrder>> Inferred() const;
  // A line for each column whose dates leave it open by their digits.
  std::vector<std::string> Describe() const;
  // The same for a table that could be read once only (a pipe): every reading of its dates is registered already.
  std::vector<std::string> DescribeOpen() const;

 private:
  struct Column {
    std::uint64_t open = 0;        // dates that can be read in more than one order
    std::uint64_t open_line = 0;   // the first of them
    std::uint8_t allowed = 0b111;  // orders that every date allows, as RecordTimes::orders_allowed
    std::uint64_t shown_line = 0;  // the last that allowed fewer than those before it
  };

  std::string DescribeOpen(std::size_t column) const;

  std::vector<std::string> names_;
  std::vector<Column> columns_;
};

}  // namespace spanwatch::enrolment
