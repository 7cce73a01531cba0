// `spanwatch hashset quarantine list | release`: the items that a sensor holds in quarantine since they matched
// everywhere, and how to let one out.
#pragma once

#include "cli/command.h"

namespace spanwatch::cli {

void AddQuarantineActions(CLI::App& hashset, int& exit_status);

}  // namespace spanwatch::cli
