// The command line: picks the subcommand and runs it. Each lives in cli/<name>_command.cc.
#include <exception>

#include "cli/command.h"

namespace {

int RunCommandLine(int argc, char** argv) {
  CLI::App app("Spanwatch: sees registered images and plate records leave, and says whether they may");
  app.name("spanwatch");
  app.set_version_flag("-V,--version", "spanwatch " SPANWATCH_VERSION);
  app.require_subcommand(1);
  int exit_status = spanwatch::cli::kExitDone;
#define COMMAND(name) spanwatch::cli::Add##name##Command(app, exit_status);
#include "cli/commands.def"
#undef COMMAND
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? spanwatch::cli::kExitDone : spanwatch::cli::kExitUsage;
  }
  return exit_status;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return RunCommandLine(argc, argv);
  } catch (const std::exception& error) {
    // Third-party libraries throw on the control plane; whatever was not turned into a Result ends as one clear line.
    return spanwatch::cli::Report({spanwatch::ErrorCode::kIo, error.what()});
  }
}
