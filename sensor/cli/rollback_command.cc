#include "cli/rollback_command.h"

#include "config/config.h"
#include "supervisor/hashset_store.h"

namespace spanwatch::cli {
namespace {

struct RollbackOptions {
  std::string config_file = "/etc/spanwatch/spanwatch.yaml";
  std::string state;  // in place of the configured one
  bool list = false;
};

void PrintGenerations(const supervisor::HashSetStore& store) {
  for (std::size_t i = 0; i < store.generations().size(); ++i) {
    const supervisor::Generation& generation = store.generations()[i];
    fmt::print("{} since {}\n", i == 0 ? "in force" : "before  ", generation.taken);
    for (const supervisor::TakenSet& set : generation.sets) {
      fmt::print("  {} serial {} ({})\n", set.name, set.serial, set.file);
    }
  }
}

Status RollBack(const RollbackOptions& options) {
  std::filesystem::path directory = options.state;
  config::Config config;
  if (directory.empty()) {
    auto loaded = config::LoadConfig(options.config_file);
    if (!loaded) return Fail(loaded.error());
    config = std::move(*loaded);
    directory = config.state_directory;
  }
  if (!std::filesystem::exists(directory / "hashsets" / "taken.json")) {
    return Fail(ErrorCode::kNotFound, "{} holds no hash sets of a sensor; name its folder with --state",
                directory.string());
  }
  auto store = supervisor::HashSetStore::Open(directory, config.limits.hashset_generations_kept);
  if (!store) return Fail(store.error());
  if (options.list) {
    PrintGenerations(*store);
    return {};
  }
  const auto changes = store->RollBack();
  if (!changes) return Fail(changes.error());
  for (const std::string& change : *changes) fmt::print("{}\n", change);
  fmt::print(stderr,
             "takes effect with the next reload (systemctl reload spanwatch); it holds until a later set comes\n");
  return {};
}

}  // namespace

void AddRollbackAction(CLI::App& hashset, int& exit_status) {
  CLI::App* command = hashset.add_subcommand(
      "rollback",
      "Goes back to the hash sets a sensor used before; what it used last is held back until a later one comes");
  const auto options = std::make_shared<RollbackOptions>();
  command->add_option("-c,--config", options->config_file, "Configuration file")
      ->capture_default_str()
      ->type_name("FILE");
  command->add_option("--state", options->state, "State folder, in place of the configured one")->type_name("DIR");
  command->add_flag("--list", options->list, "Only show what is in force and what was before");
  command->footer("Example: spanwatch hashset rollback && systemctl reload spanwatch");
  command->callback([options, &exit_status] {
    const Status status = RollBack(*options);
    exit_status = status ? kExitDone : Report(status.error());
  });
}

}  // namespace spanwatch::cli
