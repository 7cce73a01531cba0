// spanwatch config check | reference: judges a configuration file, and prints the page of every key.
#include <cstdio>

#include "cli/command.h"
#include "cli/sensor_check.h"
#include "config/config.h"

namespace spanwatch::cli {

void AddConfigCommand(CLI::App& app, int& exit_status) {
  CLI::App* command = app.add_subcommand("config", "Checks a configuration file; prints the reference of every key");
  command->require_subcommand(1);
  auto file = std::make_shared<std::string>("/etc/spanwatch/spanwatch.yaml");
  CLI::App* check =
      command->add_subcommand("check", "Looks at all that `run` needs, as the user it will run as; a line a problem");
  check->add_option("file", *file, "Configuration file")->capture_default_str()->type_name("FILE");
  check->footer("Example: spanwatch config check /etc/spanwatch/spanwatch.yaml");
  check->callback([file, &exit_status] { exit_status = CheckConfiguration(*file, ""); });
  CLI::App* reference = command->add_subcommand("reference", "The reference page, in Markdown");
  reference->footer("Example: spanwatch config reference > configuration.md");
  reference->callback([&exit_status] {
    std::fputs(config::ConfigReference().c_str(), stdout);
    exit_status = kExitDone;
  });
}

}  // namespace spanwatch::cli
