// SupportCheck: which supporting columns have values that a sensor would not find beside the plate, as they are written
// in the table. Used by enroll_records; one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fingerprint/record_time.h"

namespace spanwatch::enrolment {

class SupportCheck {
 public:
  explicit SupportCheck(const std::vector<std::string>& columns) : names_(columns), columns_(columns.size()) {}

  // The value of a column in a row that is registered.
  void Add(std::size_t column, const std::string& value, std::optional<fingerprint::DateOrder> order,
           std::uint64_t line);
  // A line for each column none of whose values can support a plate, and for each where some cannot.
  std::vector<std::string> Problems() const;
  std::vector<std::string> Notices() const;

 private:
  struct Column {
    std::uint64_t values = 0;
    std::uint64_t lost = 0;
    std::uint64_t lost_line = 0;  // the first of them
  };

  std::vector<std::string> names_;
  std::vector<Column> columns_;
};

}  // namespace spanwatch::enrolment
