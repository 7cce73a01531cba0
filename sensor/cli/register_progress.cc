#include "cli/register_progress.h"

#include "cli/command.h"

namespace spanwatch::cli {

int FinishEnrolment(const Result<enrolment::EnrolmentSummary>& summary, ProgressLine& progress,
                    const std::string& collection) {
  progress.EndLine();
  if (!summary) return Report(summary.error());
  fmt::print(stderr, "{}: {} new items, {} further sources, {} known already, {} problems\n", collection,
             summary->added, summary->sources, summary->known, summary->problems);
  return summary->problems == 0 ? kExitDone : kExitFailed;
}

}  // namespace spanwatch::cli
