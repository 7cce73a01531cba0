#include <cstdio>

#include "cli/command.h"

#include "base/printable.h"

namespace spanwatch::cli {

int Report(const Error& error) {
  if (!error.message.empty()) std::fprintf(stderr, "spanwatch: %s\n", Printable(error.message).c_str());
  return error.code == ErrorCode::kUsage ? kExitUsage : kExitFailed;
}

void AddVersionCommand(CLI::App& app, int& exit_status) {
  CLI::App* command = app.add_subcommand("version", "Prints the version");
  command->footer("Example: spanwatch version");
  command->callback([&exit_status] {
    std::puts("spanwatch " SPANWATCH_VERSION);
    exit_status = kExitDone;
  });
}

}  // namespace spanwatch::cli
