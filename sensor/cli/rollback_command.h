// `spanwatch hashset rollback`: goes back to the hash sets that were in force before, or shows which those are.
#pragma once

#include "cli/command.h"

namespace spanwatch::cli {

void AddRollbackAction(CLI::App& hashset, int& exit_status);

}  // namespace spanwatch::cli
