// What the longer commands of `spanwatch register` show on standard error. One thread at a time.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "cli/interruption.h"
#include "register/enrolment.h"

namespace spanwatch::cli {

// ", about 3 min left" when the rest takes as long as what is done; nothing while that says little.
std::string TimeLeft(std::chrono::nanoseconds elapsed, std::uint64_t done, std::uint64_t total);

// Progress on standard error: a line that is rewritten on a terminal, else a line every ten seconds. Asks an
// enrolment to end when the user interrupts it (interruption.h).
class ProgressLine final : public enrolment::EnrolmentObserver {
 public:
  ProgressLine();

  void OnProgress(std::uint64_t done, std::uint64_t total) override { Show("", done, total); }
  void OnProblem(const std::string& what) override;
  void OnNotice(const std::string& what) override { OnProblem(what); }
  bool WantsEnd() override { return Interruption::asked(); }
  // Of work in several steps: the estimate is that of the step. `total` 0: unknown.
  void Show(std::string_view step, std::uint64_t done, std::uint64_t total);
  void EndLine();

 private:
  const bool terminal_;
  bool open_ = false;
  std::string step_;
  std::chrono::steady_clock::time_point began_;  // the step
  std::chrono::steady_clock::time_point shown_;
};

// What is enrolled into, and the row of the register's log that says so.
struct LoggedEnrolment {
  enrolment::RegisterDatabase& database;
  std::int64_t log = 0;
  const std::string& collection;
};

// Ends the line, tells and logs the sums, and returns the exit status: 1 when something could not be enrolled.
int FinishEnrolment(const Result<enrolment::EnrolmentSummary>& summary, ProgressLine& progress,
                    const LoggedEnrolment& enrolment);

}  // namespace spanwatch::cli
