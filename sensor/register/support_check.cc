#include "register/support_check.h"

#include <fmt/format.h>

#include "fingerprint/support_finder.h"

namespace spanwatch::enrolment {

void SupportCheck::Add(std::size_t column, const std::string& value, std::optional<fingerprint::DateOrder> order,
                       std::uint64_t line) {
  if (value.empty()) return;
  Column& seen = columns_[column];
  ++seen.values;
  if (fingerprint::FindsBeside(value, order)) return;
  if (seen.lost++ == 0) seen.lost_line = line;
}

std::vector<std::string> SupportCheck::Problems() const {
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const Column& column = columns_[i];
    if (column.lost == 0 || column.lost < column.values) continue;
    lines.push_back(fmt::format(
        "no value of column '{}' can support a plate: sensors do not find them as they are written here", names_[i]));
  }
  return lines;
}

std::vector<std::string> SupportCheck::Notices() const {
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const Column& column = columns_[i];
    if (column.lost == 0 || column.lost == column.values) continue;
    lines.push_back(fmt::format(
        "{} of {} values of column '{}' cannot support their plate, since sensors do not find them as they are written "
        "here (line {} is the first)",
        column.lost, column.values, names_[i], column.lost_line));
  }
  return lines;
}

}  // namespace spanwatch::enrolment
