// What the enrolling commands of `spanwatch register` show on standard error. One thread.
#pragma once

#include <unistd.h>

#include <chrono>

#include "register/enrolment.h"

namespace spanwatch::cli {

// Progress on standard error: a line that is rewritten on a terminal, else a line every ten seconds.
class ProgressLine final : public enrolment::EnrolmentObserver {
 public:
  void OnProgress(std::uint64_t done, std::uint64_t total) override {
    if (done % 16 != 0 && done != total) return;
    const auto now = std::chrono::steady_clock::now();
    if (now - shown_at_ < (terminal_ ? std::chrono::milliseconds(200) : std::chrono::milliseconds(10'000))) return;
    shown_at_ = now;
    const std::string of = total == 0 ? "" : fmt::format(" of {}", total);
    fmt::print(stderr, "{}{}{} done{}", terminal_ ? "\r" : "", done, of, terminal_ ? "" : "\n");
    open_ = terminal_;
  }
  void OnProblem(const std::string& what) override {
    EndLine();
    fmt::print(stderr, "spanwatch: {}\n", what);
  }
  void EndLine() {
    if (open_) fmt::print(stderr, "\n");
    open_ = false;
  }

 private:
  const bool terminal_ = ::isatty(STDERR_FILENO) != 0;
  bool open_ = false;
  std::chrono::steady_clock::time_point shown_at_ = std::chrono::steady_clock::now();
};

// Ends the line, tells the sums, and returns the exit status: 1 when something could not be enrolled.
int FinishEnrolment(const Result<enrolment::EnrolmentSummary>& summary, ProgressLine& progress,
                    const std::string& collection);

}  // namespace spanwatch::cli
