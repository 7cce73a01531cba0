// What `run -T` and `config check` do: everything the sensor reads at its start, read and judged without starting it.
#pragma once

#include "base/result.h"
#include "config/config.h"

namespace spanwatch::cli {

// What a live sensor cannot do without.
Status CheckLive(const config::Config& config);
// Hash sets, keys, rules, authorisations. Prints what it found on standard output; an error says what, where and why.
Status CheckSensor(const config::Config& config);

}  // namespace spanwatch::cli
