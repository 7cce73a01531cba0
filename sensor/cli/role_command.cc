// spanwatch role <name>: how the launcher starts its processes; not for people.
#include <cstdlib>

#include "cli/command.h"
#include "inspector/inspector_process.h"
#include "supervisor/supervisor_process.h"

namespace spanwatch::cli {

void AddRoleCommand(CLI::App& app, int& exit_status) {
  CLI::App* role = app.add_subcommand("role", "")->group("");
  role->require_subcommand(1);
  // A sealed process ends at once: what libraries do at exit (a leak check forks) its sandbox forbids.
  role->add_subcommand("inspector", "")->callback([] { std::_Exit(inspector::RunInspectorProcess()); });
  role->add_subcommand("supervisor", "")->callback([&exit_status] {
    exit_status = supervisor::RunSupervisorProcess();
  });
}

}  // namespace spanwatch::cli
