#include "register/row_problems.h"

#include <fmt/ranges.h>

namespace spanwatch::enrolment {

void RowProblems::Add(Reasons& reasons, const std::string& what, const WantedRow& row) {
  Lines& lines = reasons[{row.place, what}];
  if (!lines.ranges.empty() && row.line <= lines.ranges.back().second + 1 && row.line >= lines.ranges.back().first) {
    lines.ranges.back().second = std::max(row.line, lines.ranges.back().second);
  } else if (lines.ranges.size() < kRangesShown) {
    lines.ranges.emplace_back(row.line, row.line);
  } else {
    ++lines.more;
  }
}

std::string RowProblems::Describe(const Reason& reason, const Lines& lines) const {
  std::vector<std::string> shown;
  for (const auto& [first, last] : lines.ranges) {
    shown.push_back(first == last ? fmt::format("{}", first) : fmt::format("{}-{}", first, last));
  }
  const bool one = shown.size() == 1 && lines.ranges[0].first == lines.ranges[0].second;
  const std::string more = lines.more == 0 ? "" : fmt::format(" and {} more", lines.more);
  const std::string place = reason.first.empty() ? "" : fmt::format("worksheet '{}', ", reason.first);
  return fmt::format("{}: {}{} {}{}: {}", path_, place, one ? "line" : "lines", fmt::join(shown, ", "), more,
                     reason.second);
}

void RowProblems::Tell() const {
  for (const auto& [reason, lines] : reasons_) observer_->OnProblem(Describe(reason, lines));
  for (const auto& [reason, lines] : notices_) observer_->OnNotice(Describe(reason, lines));
}

}  // namespace spanwatch::enrolment
