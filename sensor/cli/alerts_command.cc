// spanwatch alerts list | show: what the state directory of a sensor holds of alerts; reads only, also while the sensor
// runs.
#include <cstdio>

#include "alert/alert_document.h"
#include "base/printable.h"
#include "cli/command.h"
#include "config/config.h"
#include "state/state.h"

namespace spanwatch::cli {
namespace {

struct AlertsOptions {
  std::string config_file = "/etc/spanwatch/spanwatch.yaml";
  std::string state;  // in place of the configured one
  std::size_t limit = 50;
  bool json = false;
  std::string id;
};

Result<std::filesystem::path> StateFile(const AlertsOptions& options) {
  std::filesystem::path directory = options.state;
  if (directory.empty()) {
    const auto config = config::LoadConfig(options.config_file);
    if (!config) return Fail(config.error());
    directory = config->state_directory;
  }
  if (!std::filesystem::exists(directory / "state.db")) {
    return Fail(ErrorCode::kNotFound, "{} holds no state of a sensor; name its folder with --state",
                directory.string());
  }
  return directory / "state.db";
}

void PrintLine(const Alert& alert) {
  const std::string rule = alert.rules.empty() ? "" : Printable(alert.rules.front().name);
  std::printf("%s  %-6s  %-13s  %s  %s -> %s  %llu items  %s%s\n", alert.id.c_str(),
              std::string(ToString(alert.state)).c_str(), std::string(ToString(alert.severity)).c_str(),
              FormatRfc3339(alert.last).c_str(), ToString(alert.source.address).c_str(),
              ToString(alert.destination.address).c_str(), static_cast<unsigned long long>(alert.totals.items),
              rule.c_str(), alert.authorised ? " (authorized)" : "");
}

void PrintJson(const Alert& alert, int indent) {
  const nlohmann::json document = alert::AlertDocument({alert.told, alert}, alert.told);
  std::printf("%s\n", document.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

Status List(const AlertsOptions& options) {
  const auto file = StateFile(options);
  if (!file) return Fail(file.error());
  const config::Limits limits;
  Counters counters;
  auto state = state::State::Open(file->string(), limits, counters, state::Access::kReader);
  if (!state) return Fail(state.error());
  if (!options.id.empty()) {
    const auto alert = (*state)->alerts().Find(options.id);
    if (!alert) return Fail(alert.error());
    if (!*alert)
      return Fail(ErrorCode::kNotFound, "there is no alert '{}'; 'alerts list' shows those there are", options.id);
    PrintJson(**alert, 2);
    return {};
  }
  const auto alerts = (*state)->alerts().List(options.limit);
  if (!alerts) return Fail(alerts.error());
  for (const Alert& alert : *alerts) options.json ? PrintJson(alert, -1) : PrintLine(alert);
  return {};
}

}  // namespace

void AddAlertsCommand(CLI::App& app, int& exit_status) {
  CLI::App* command = app.add_subcommand("alerts", "The alerts that a sensor has raised");
  command->require_subcommand(1);
  auto options = std::make_shared<AlertsOptions>();
  const auto run = [options, &exit_status] {
    const Status status = List(*options);
    exit_status = status ? kExitDone : Report(status.error());
  };
  CLI::App* list = command->add_subcommand("list", "The newest first, a line each");
  CLI::App* show = command->add_subcommand("show", "All of one, as JSON");
  for (CLI::App* one : {list, show}) {
    one->add_option("-c,--config", options->config_file, "Configuration file")
        ->capture_default_str()
        ->type_name("FILE");
    one->add_option("--state", options->state, "State folder, in place of the configured one")->type_name("DIR");
    one->callback(run);
  }
  list->add_option("--limit", options->limit, "At most so many")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000));
  list->add_flag("--json", options->json, "A JSON object a line");
  list->footer("Example: spanwatch alerts list --limit 20");
  show->add_option("alert", options->id, "Its id")->required();
  show->footer("Example: spanwatch alerts show 0f3c9d... --state /var/lib/spanwatch");
}

}  // namespace spanwatch::cli
