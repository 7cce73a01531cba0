// RowProblems: what is wrong with which rows of one table, told in a line a reason: `reads.csv: lines 3, 7-9: ...`.
// Used by enroll_records; one thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "register/enrolment.h"
#include "register/record_rows.h"

namespace spanwatch::enrolment {

class RowProblems {
 public:
  RowProblems(std::string path, EnrolmentObserver& observer) : path_(std::move(path)), observer_(&observer) {}

  void Add(const std::string& what, const WantedRow& row) { Add(reasons_, what, row); }
  // Of a row that is as it should be.
  void AddNotice(const std::string& what, const WantedRow& row) { Add(notices_, what, row); }
  void Tell() const;

 private:
  static constexpr std::size_t kRangesShown = 100;

  struct Lines {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
    std::uint64_t more = 0;
  };
  using Reason = std::pair<std::string, std::string>;  // where, what

  using Reasons = std::map<Reason, Lines>;

  static void Add(Reasons& reasons, const std::string& what, const WantedRow& row);
  std::string Describe(const Reason& reason, const Lines& lines) const;

  std::string path_;
  EnrolmentObserver* observer_;
  Reasons reasons_;
  Reasons notices_;
};

}  // namespace spanwatch::enrolment
