#include "cli/register_progress.h"

#include <unistd.h>

#include "base/printable.h"
#include "cli/command.h"

namespace spanwatch::cli {

using std::chrono::steady_clock;

std::string TimeLeft(std::chrono::nanoseconds elapsed, std::uint64_t done, std::uint64_t total) {
  if (done == 0 || done >= total || elapsed < std::chrono::seconds(2)) return "";
  const double each = std::chrono::duration<double>(elapsed).count() / static_cast<double>(done);
  const double seconds = each * static_cast<double>(total - done);
  if (seconds < 90) return fmt::format(", about {:.0f} s left", seconds);
  if (seconds < 90 * 60) return fmt::format(", about {:.0f} min left", seconds / 60);
  return fmt::format(", about {:.0f} h left", seconds / 3600);
}

ProgressLine::ProgressLine()
    : terminal_(::isatty(STDERR_FILENO) != 0), began_(steady_clock::now()), shown_(steady_clock::now()) {}

void ProgressLine::OnProblem(const std::string& what) {
  EndLine();
  fmt::print(stderr, "spanwatch: {}\n", Printable(what));
}

void ProgressLine::Show(std::string_view step, std::uint64_t done, std::uint64_t total) {
  const auto now = steady_clock::now();
  if (step != step_) {
    step_ = step;
    began_ = now;
  }
  if (now - shown_ < (terminal_ ? std::chrono::milliseconds(200) : std::chrono::milliseconds(10'000))) return;
  shown_ = now;
  const std::string of = total == 0 ? "" : fmt::format(" of {}", total);
  fmt::print(stderr, "{}{}{}{}{} done{}{}", terminal_ ? "\r" : "", step, step.empty() ? "" : ": ", done, of,
             TimeLeft(now - began_, done, total), terminal_ ? "\x1b[K" : "\n");
  open_ = terminal_;
}

void ProgressLine::EndLine() {
  if (open_) fmt::print(stderr, "\n");
  open_ = false;
}

int FinishEnrolment(const Result<enrolment::EnrolmentSummary>& summary, ProgressLine& progress,
                    const LoggedEnrolment& enrolment) {
  progress.EndLine();
  if (!summary) return Report(summary.error());
  const std::string sums = fmt::format("{} new items, {} further sources, {} known already, {} problems",
                                       summary->added, summary->sources, summary->known, summary->problems);
  fmt::print(stderr, "{}: {}{}\n", Printable(enrolment.collection), sums,
             summary->interrupted ? "; interrupted: these are kept, and the same command goes on with the rest" : "");
  const std::string logged = summary->interrupted ? sums + ", interrupted" : sums;
  if (Status status = enrolment.database.EndLog(enrolment.log, summary->added, logged); !status)
    return Report(status.error());
  return summary->problems == 0 && !summary->interrupted ? kExitDone : kExitFailed;
}

}  // namespace spanwatch::cli
