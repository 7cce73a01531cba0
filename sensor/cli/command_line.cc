#include "cli/command_line.h"

#include <exception>

#include "cli/command.h"
#include "cli/usage_error.h"

namespace spanwatch::cli {
namespace {

int Run(int argc, char** argv) {
  CLI::App app("Spanwatch: sees registered images and plate records leave, and says whether they may");
  app.name("spanwatch");
  app.set_version_flag("-V,--version", "spanwatch " SPANWATCH_VERSION);
  app.require_subcommand(1);
  int exit_status = kExitDone;
#define COMMAND(name) Add##name##Command(app, exit_status);
#include "cli/commands.def"
#undef COMMAND
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    return Report({ErrorCode::kUsage, DescribeUsageError(app, error, {argv + 1, argv + argc})});
  }
  return exit_status;
}

}  // namespace

int RunCommandLine(int argc, char** argv) {
  try {
    return Run(argc, argv);
  } catch (const std::exception& error) {
    // Third-party libraries throw on the control plane; whatever was not turned into a Result ends as one clear line.
    return Report({ErrorCode::kIo, error.what()});
  }
}

}  // namespace spanwatch::cli
