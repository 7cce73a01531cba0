// ZoneWatch: notices zones under which nothing can cross, by a wrong `inside` for one: registered material was seen,
// and every time it stayed on one side. Then no rule about what leaves ever speaks, which is no good news. Supervisor
// thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "model/zones.h"

namespace spanwatch::supervisor {

class ZoneWatch {
 public:
  using Clock = std::chrono::steady_clock;

  explicit ZoneWatch(Clock::time_point now) : begun_(now) {}

  void OnSighting(Crossing crossing);
  // Registered material was seen since the zones came into force, and none of it crossed them.
  bool CrossedNothing() const { return inside_only_ + outside_only_ > 0 && crossed_ == 0; }
  // What is to be looked at, as part of a sentence. REQUIRES: CrossedNothing().
  std::string Reason() const;
  // Logs it, a minute after the beginning at the earliest and once an hour at most. Now and then.
  void Tick(Clock::time_point now);

 private:
  Clock::time_point begun_;
  Clock::time_point told_{};
  std::uint64_t inside_only_ = 0;
  std::uint64_t outside_only_ = 0;
  std::uint64_t crossed_ = 0;
};

}  // namespace spanwatch::supervisor
