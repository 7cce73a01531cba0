// RestartDelay: how long a child that died waits for its next start: at first not at all, then twice as long each time
// that it died soon after its start. Used by the launcher for the supervisor and by InspectorKeeper. A value.
#pragma once

#include <algorithm>
#include <chrono>

namespace spanwatch::process {

class RestartDelay {
 public:
  std::chrono::seconds AfterDeath(std::chrono::steady_clock::duration lived, std::chrono::seconds longest) {
    quick_deaths_ = lived < kQuickDeath ? quick_deaths_ + 1 : 0;
    if (quick_deaths_ < 2) return std::chrono::seconds(0);
    return std::min(std::chrono::seconds(std::int64_t{1} << std::min(quick_deaths_ - 2, kDoublingsMax)), longest);
  }

 private:
  static constexpr std::chrono::seconds kQuickDeath{10};  // one that lives for so long has not died of its start
  static constexpr unsigned kDoublingsMax = 12;
  unsigned quick_deaths_ = 0;  // one after the other
};

}  // namespace spanwatch::process
