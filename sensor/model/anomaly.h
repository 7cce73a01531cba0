// AnomalySink: where stages report what is malformed, evasive or over a limit. The vocabulary is
// telemetry/anomalies.def.
#pragma once

#include <cstdint>

namespace spanwatch {

enum class AnomalyCode : std::uint16_t;  // defined by telemetry/anomaly_codes.h

class AnomalySink {
 public:
  virtual ~AnomalySink() = default;
  // Counted always; an event at a bounded rate. Cheap enough for the packet path.
  virtual void OnAnomaly(AnomalyCode code) noexcept = 0;
};

}  // namespace spanwatch
