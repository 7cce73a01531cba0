// What is wrong with a command line that CLI11 refused, in one line: the word that is not known and the nearest that
// is, or what is missing. Called by RunCommandLine.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"

namespace spanwatch::cli {

// `arguments`: those of the program, without its name. Ends with the help page to look at.
std::string DescribeUsageError(CLI::App& app, const CLI::ParseError& error, const std::vector<std::string>& arguments);

}  // namespace spanwatch::cli
