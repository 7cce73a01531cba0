#include "cli/quarantine_command.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/hex.h"
#include "config/config.h"
#include "state/state.h"
#include "supervisor/operator_requests.h"

namespace spanwatch::cli {
namespace {

struct QuarantineOptions {
  std::string config_file = "/etc/spanwatch/spanwatch.yaml";
  std::string state;  // in place of the configured one
  bool json = false;
  std::string item;
};

Result<std::filesystem::path> StateDirectory(const QuarantineOptions& options) {
  if (!options.state.empty()) return std::filesystem::path(options.state);
  const auto config = config::LoadConfig(options.config_file);
  if (!config) return Fail(config.error());
  return config->state_directory;
}

void Print(const state::QuarantinedItem& entry, bool json) {
  const auto& [id, method, confidence] = entry.item;
  if (json) {
    fmt::print("{}\n", nlohmann::ordered_json{{"item", ToHex(id)},
                                              {"collection", entry.collection},
                                              {"method", ToString(method)},
                                              {"confidence", ToString(confidence)},
                                              {"severity", ToString(entry.severity)},
                                              {"since", FormatRfc3339(entry.since)},
                                              {"until", FormatRfc3339(entry.until)},
                                              {"held_sightings", entry.held}}
                           .dump());
    return;
  }
  fmt::print("{}  {:<13} {:<4}  {}  since {}  until {}  {} sightings held\n", ToHex(id), ToString(method),
             ToString(confidence), entry.collection, FormatRfc3339(entry.since), FormatRfc3339(entry.until),
             entry.held);
}

Status List(const QuarantineOptions& options) {
  const auto directory = StateDirectory(options);
  if (!directory) return Fail(directory.error());
  if (!std::filesystem::exists(*directory / "state.db")) {
    return Fail(ErrorCode::kNotFound, "{} holds no state of a sensor; name its folder with --state",
                directory->string());
  }
  const config::Limits limits;
  Counters counters;
  const auto state = state::State::Open((*directory / "state.db").string(), limits, counters, state::Access::kReader);
  if (!state) return Fail(state.error());
  for (const auto& entry : (*state)->quarantine().List()) Print(entry, options.json);
  return {};
}

Status Release(const QuarantineOptions& options) {
  const auto id = FromHex(options.item);
  ItemId item{};
  if (!id || id->size() != item.size()) {
    return Fail(ErrorCode::kUsage, "'{}' is not an item's id; 'hashset quarantine list' shows them", options.item);
  }
  std::ranges::copy(*id, item.begin());
  const auto directory = StateDirectory(options);
  if (!directory) return Fail(directory.error());
  if (Status status = supervisor::LeaveRelease(*directory, item); !status) return status;
  fmt::print(stderr, "the sensor lets it out within a second, or when it starts\n");
  return {};
}

}  // namespace

void AddQuarantineActions(CLI::App& hashset, int& exit_status) {
  CLI::App* quarantine =
      hashset.add_subcommand("quarantine", "Items that matched everywhere: their sightings are held, recorded, marked");
  quarantine->require_subcommand(1);
  const auto options = std::make_shared<QuarantineOptions>();
  CLI::App* list = quarantine->add_subcommand("list", "What is in quarantine, the oldest first");
  CLI::App* release = quarantine->add_subcommand("release", "Lets an item out: it raises alerts again");
  const std::pair<CLI::App*, Status (*)(const QuarantineOptions&)> actions[] = {{list, List}, {release, Release}};
  for (const auto& [app, action] : actions) {
    app->add_option("-c,--config", options->config_file, "Configuration file")
        ->capture_default_str()
        ->type_name("FILE");
    app->add_option("--state", options->state, "State folder, in place of the configured one")->type_name("DIR");
    app->callback([options, run = action, &exit_status] {
      const Status status = run(*options);
      exit_status = status ? kExitDone : Report(status.error());
    });
  }
  list->add_flag("--json", options->json, "A JSON object a line");
  list->footer("Example: spanwatch hashset quarantine list");
  release->add_option("ITEM", options->item, "Its id")->required();
  release->footer("Example: spanwatch hashset quarantine release 00112233445566778899aabbccddeeff");
}

}  // namespace spanwatch::cli
