// Limits: the named bound of every buffer, table, depth and time, with its default. Filled from the configuration
// before anything starts, then only read; safe from any thread. To add one, add a line to limits.def.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace spanwatch::config {

struct Limits {
#define LIMIT(section, name, initial, minimum, maximum, help) std::uint64_t section##_##name = initial;
#include "config/limits.def"
#undef LIMIT
};

struct LimitDescription {
  std::string_view section;
  std::string_view name;
  std::uint64_t initial;
  std::uint64_t minimum;
  std::uint64_t maximum;
  std::string_view help;
  std::uint64_t Limits::* field;
};

inline constexpr auto kLimits = std::to_array<LimitDescription>({
#define LIMIT(section, name, initial, minimum, maximum, help) \
  {#section, #name, initial, minimum, maximum, help, &Limits::section##_##name},
#include "config/limits.def"
#undef LIMIT
});

}  // namespace spanwatch::config
