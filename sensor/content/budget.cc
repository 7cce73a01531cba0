#include "content/budget.h"

namespace spanwatch::content {
namespace {

// The clock is read once for so many bytes; a call that makes less is short by itself.
constexpr std::uint64_t kClockStride = 1 << 20;
// What an empty child costs, so that a million empty members are bounded too.
constexpr std::uint64_t kChildCost = 512;

}  // namespace

Budget::Refusal Budget::Charge(std::uint64_t length) {
  if (exhausted_) return Refusal::kStopped;
  output_ += length;
  const std::uint64_t before = call_output_;
  call_output_ += length;
  const std::uint64_t allowed = limits_.content_expansion_allowance_bytes + input_ * limits_.content_expansion_ratio;
  if (output_ > allowed || output_ > limits_.content_output_bytes) {
    exhausted_ = true;
    return Refusal::kExpansion;
  }
  if (before / kClockStride != call_output_ / kClockStride && OverTime()) {
    exhausted_ = true;
    return Refusal::kTime;
  }
  return Refusal::kNone;
}

Budget::Refusal Budget::ChargeChild() {
  if (++children_ > limits_.content_children_count) return Refusal::kChildren;
  return Charge(kChildCost);
}

bool Budget::OverTime() {
  const auto now = std::chrono::steady_clock::now();
  if (call_output_ < 2 * kClockStride) {
    call_clock_ = now;
    return false;
  }
  return now - call_clock_ > std::chrono::milliseconds(limits_.content_call_time_ms);
}

}  // namespace spanwatch::content
