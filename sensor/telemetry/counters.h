// Counters: one plain block per inspector, in memory it shares with the supervisor (design.md section 2).
//
// One writer (the inspector thread), relaxed stores, no read-modify-write shared with anyone; the supervisor sums the
// blocks when it is scraped. A stage takes a Counters& and writes `counters.Add(Counter::packets_captured)`.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

namespace spanwatch {

enum class Counter : std::uint16_t {
#define COUNTER(id, metric, labels, help) id,
#include "telemetry/counters.def"
#undef COUNTER
};

struct CounterDescription {
  std::string_view id;
  std::string_view metric;
  std::string_view labels;
  std::string_view help;
};

inline constexpr auto kCounters = std::to_array<CounterDescription>({
#define COUNTER(id, metric, labels, help) {#id, metric, labels, help},
#include "telemetry/counters.def"
#undef COUNTER
});

// Trivially copyable layout: may be placed in shared memory that starts zeroed.
struct alignas(64) Counters {
  std::array<std::atomic<std::uint64_t>, kCounters.size()> values{};

  void Add(Counter counter, std::uint64_t amount = 1) noexcept {
    auto& value = values[static_cast<std::size_t>(counter)];
    value.store(value.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  void Set(Counter counter, std::uint64_t amount) noexcept {
    values[static_cast<std::size_t>(counter)].store(amount, std::memory_order_relaxed);
  }
  std::uint64_t Get(Counter counter) const noexcept {
    return values[static_cast<std::size_t>(counter)].load(std::memory_order_relaxed);
  }
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

}  // namespace spanwatch
