// Budget: what everything opened inside one object of a flow may cost together (limits `content`). Owned by the root's
// consumer, charged by every ObjectNode below it. Inspector thread only.
#pragma once

#include <chrono>
#include <cstdint>

#include "config/limits.h"

namespace spanwatch::content {

class Budget {
 public:
  enum class Refusal : std::uint8_t { kNone, kStopped, kExpansion, kChildren, kTime };  // kStopped: was told already

  explicit Budget(const config::Limits& limits) : limits_(limits) {}

  // At each call into the root: `length` more bytes came from the flow.
  void BeginCall(std::uint64_t length) {
    input_ += length;
    call_output_ = 0;
    exhausted_ = false;
  }
  // `length` bytes are about to come out. Anything but kNone: give up the layers that are at work in this call.
  Refusal Charge(std::uint64_t length);
  Refusal ChargeChild();
  // A limit was hit in this call; until the next call nothing more comes out.
  bool exhausted() const { return exhausted_; }

 private:
  bool OverTime();

  const config::Limits& limits_;
  std::uint64_t input_ = 0;
  std::uint64_t output_ = 0;
  std::uint64_t children_ = 0;
  std::uint64_t call_output_ = 0;  // since BeginCall
  std::chrono::steady_clock::time_point call_clock_;
  bool exhausted_ = false;
};

}  // namespace spanwatch::content
