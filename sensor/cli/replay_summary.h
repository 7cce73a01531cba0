// What `replay` shows a person on standard error: progress while it runs, and at the end the alerts, what stayed silent
// and what could not be seen.
#pragma once

#include <chrono>

#include "process/inspector_group.h"
#include "supervisor/supervisor.h"

namespace spanwatch::cli {

class ProgressBar {
 public:
  // Shows nothing when `quiet`, or when standard error is no terminal.
  ProgressBar(std::uint64_t total_bytes, bool quiet);
  void Show(std::uint64_t position_bytes);
  void Clear();

 private:
  std::uint64_t total_bytes_;
  bool shown_;
  std::chrono::steady_clock::time_point next_{};
};

// `1.2 MB of 40.0 MB`; of standard input, whose size nobody knows (`total` 0), the first alone.
std::string AmountOf(std::uint64_t bytes, std::uint64_t total);

// Fails when anything that an inspector told did not reach the supervisor's judgement: the events are incomplete.
Status AllHeard(const supervisor::Summary& summary);

void PrintSummary(const supervisor::Summary& summary, const process::InspectorGroup& group);

}  // namespace spanwatch::cli
