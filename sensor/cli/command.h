// How a subcommand joins the command line: one file `<name>_command.cc` that defines Add<Name>Command, and one line in
// commands.def. RunCommandLine calls each once; the callback that CLI11 runs sets `exit_status` (0 done, 1 failed, 2
// wrong usage, 3 something registered was found).
#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "base/result.h"

namespace spanwatch::cli {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitFound = 3;

// Prints `spanwatch: <message>` as one line on standard error, nothing of an error without a message: the process that
// it happened to has told it. Returns kExitUsage for ErrorCode::kUsage, else kExitFailed.
int Report(const Error& error);

#define COMMAND(name) void Add##name##Command(CLI::App& app, int& exit_status);
#include "cli/commands.def"
#undef COMMAND

}  // namespace spanwatch::cli
