// AnomalyCode: one value per line of anomalies.def, and its name. Safe from any thread.
#pragma once

#include <array>
#include <string_view>

#include "model/anomaly.h"

namespace spanwatch {

enum class AnomalyCode : std::uint16_t {
#define ANOMALY(name, help) name,
#include "telemetry/anomalies.def"
#undef ANOMALY
};

struct AnomalyDescription {
  std::string_view name;
  std::string_view help;
};

inline constexpr auto kAnomalies = std::to_array<AnomalyDescription>({
#define ANOMALY(name, help) {#name, help},
#include "telemetry/anomalies.def"
#undef ANOMALY
});

constexpr std::string_view ToString(AnomalyCode code) { return kAnomalies[static_cast<std::size_t>(code)].name; }

}  // namespace spanwatch
