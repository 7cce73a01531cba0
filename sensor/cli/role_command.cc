// spanwatch role <name>: how the launcher starts its processes; not for people.
#include "cli/command.h"
#include "inspector/inspector_process.h"
#include "supervisor/supervisor_process.h"

namespace spanwatch::cli {

void AddRoleCommand(CLI::App& app, int& exit_status) {
  CLI::App* role = app.add_subcommand("role", "")->group("");
  role->require_subcommand(1);
  role->add_subcommand("inspector", "")->callback([&exit_status] { exit_status = inspector::RunInspectorProcess(); });
  role->add_subcommand("supervisor", "")->callback([&exit_status] { exit_status = supervisor::RunSupervisorProcess(); });
}

}  // namespace spanwatch::cli
