// Whether a live sensor could start from a configuration: what `run` asks first, and all that `config check` and
// `run -T` look at.
#pragma once

#include "config/config.h"

namespace spanwatch::cli {

// What a live sensor cannot do without: interface, hash sets, somebody who is trusted.
Status CheckLive(const config::Config& config);

// Looks at all that `run` needs, as the user it will run as (when root asks): the file itself, interface, folders,
// keys, hash sets, rules, receivers; delivers nothing and changes nothing. Prints a line for each problem on standard
// error, and what is good on standard output. `interface`: in place of the configured one. Returns the exit status.
int CheckConfiguration(const std::string& file, const std::string& interface);

}  // namespace spanwatch::cli
