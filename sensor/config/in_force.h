// What of a configuration can take effect while a sensor runs, and a text of all that is set, for its digest. Used by
// whoever reads the configuration again (SIGHUP): launcher and supervisor come to the same answer.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace spanwatch::config {

// `wanted` as far as it can take effect now: what cannot has the value of `running`, and its keys are put into
// `needs_restart` where the two differ.
Config InForce(const Config& running, Config wanted, std::vector<std::string>& needs_restart);

// The values of zones.inside and of webhooks as they stand there: equal for equal ones.
std::string ShowInside(const Config& config);
std::string ShowWebhooks(const Config& config);

// `section.key=value`, a line a key, each once, in the order of the reference page. Holds no secret.
std::string Describe(const Config& config);

}  // namespace spanwatch::config
