// The command line: picks the subcommand and runs it. Each lives in <name>_command.cc.
#pragma once

namespace spanwatch::cli {

// For main; gives the exit status.
int RunCommandLine(int argc, char** argv);

}  // namespace spanwatch::cli
