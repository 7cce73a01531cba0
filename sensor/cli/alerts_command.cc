// spanwatch alerts list | show | undelivered | resend: what the state directory of a sensor holds of alerts, and of
// their messages that have not reached their receiver. Reads only, also while the sensor runs; to have messages sent
// again it leaves a request, which the sensor takes within a second or at its next start.
#include <cstdio>

#include "alert/alert_document.h"
#include "base/printable.h"
#include "cli/command.h"
#include "config/config.h"
#include "state/state.h"
#include "supervisor/operator_requests.h"

namespace spanwatch::cli {
namespace {

constexpr std::size_t kEverything = 10'000'000;

struct AlertsOptions {
  std::string config_file = "/etc/spanwatch/spanwatch.yaml";
  std::string state;  // in place of the configured one
  std::size_t limit = 50;
  bool json = false;
  std::string id;
  std::string endpoint;
  bool all = false;
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

// Of the state whose tables point to it.
struct OpenedState {
  config::Limits limits;
  Counters counters;
  std::unique_ptr<state::State> opened;
  state::State* operator->() const { return opened.get(); }
};

Result<std::unique_ptr<OpenedState>> OpenState(const AlertsOptions& options) {
  const auto file = StateFile(options);
  if (!file) return Fail(file.error());
  auto opened = std::make_unique<OpenedState>();
  auto state = state::State::Open(file->string(), opened->limits, opened->counters, state::Access::kReader);
  if (!state) return Fail(state.error());
  opened->opened = std::move(*state);
  return opened;
}

// The alert that a message is about: msg_<alert>_<transition>.
std::string AlertOf(const OutboxMessage& message) {
  const std::size_t first = message.message_id.find('_');
  const std::size_t last = message.message_id.rfind('_');
  return first == last ? message.message_id : message.message_id.substr(first + 1, last - first - 1);
}

bool Wanted(const OutboxMessage& message, const AlertsOptions& options) {
  return (options.endpoint.empty() || message.endpoint == options.endpoint) &&
         (options.id.empty() || message.message_id == options.id || AlertOf(message) == options.id);
}

void PrintMessage(const OutboxMessage& message, bool disabled, bool json) {
  const char* const state = message.dead ? "given up" : disabled ? "switched off" : "waiting";
  const std::string error = Printable(message.last_error);
  if (!json) {
    std::printf("%s  %-12s  %s  %s  entered %s  %u attempts%s%s\n", message.message_id.c_str(), state,
                Printable(message.endpoint).c_str(), message.type.c_str(), FormatRfc3339(message.created).c_str(),
                message.attempts, error.empty() ? "" : ", the last: ", error.c_str());
    return;
  }
  nlohmann::json line = {{"message", message.message_id}, {"alert", AlertOf(message)},
                         {"endpoint", message.endpoint},  {"state", state},
                         {"type", message.type},          {"entered", FormatRfc3339(message.created)},
                         {"attempts", message.attempts},  {"last_error", message.last_error}};
  if (message.failing_since != PacketTime{}) line["failing_since"] = FormatRfc3339(message.failing_since);
  if (!message.dead && !disabled) line["next_attempt"] = FormatRfc3339(message.next_attempt);
  std::printf("%s\n", line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

Status Undelivered(const AlertsOptions& options) {
  auto state = OpenState(options);
  if (!state) return Fail(state.error());
  const auto messages = (**state)->outbox().Undelivered(kEverything);
  if (!messages) return Fail(messages.error());
  std::size_t shown = 0;
  for (const OutboxMessage& message : *messages) {
    if (!Wanted(message, options) || shown++ >= options.limit) continue;
    const auto disabled = (**state)->outbox().Disabled(message.endpoint);
    if (!disabled) return Fail(disabled.error());
    PrintMessage(message, *disabled, options.json);
  }
  return {};
}

Status Resend(const AlertsOptions& options) {
  if (options.all == !(options.id.empty() && options.endpoint.empty())) {
    return Fail(ErrorCode::kUsage,
                "name a message or an alert, an --endpoint, or --all; 'alerts undelivered' lists them");
  }
  const auto file = StateFile(options);
  if (!file) return Fail(file.error());
  std::size_t count = 0;
  {
    auto state = OpenState(options);
    if (!state) return Fail(state.error());
    const auto messages = (**state)->outbox().Undelivered(kEverything);
    if (!messages) return Fail(messages.error());
    for (const OutboxMessage& message : *messages) count += Wanted(message, options) ? 1 : 0;
  }
  if (count == 0) {
    return Fail(ErrorCode::kNotFound, "nothing undelivered is of that name; 'alerts undelivered' lists what there is");
  }
  if (Status status = supervisor::LeaveResend(file->parent_path(), {options.id, options.endpoint}); !status)
    return status;
  fmt::print(stderr, "{} {} sent again within a second, or when the sensor starts\n", count,
             count == 1 ? "message is" : "messages are");
  return {};
}

Status List(const AlertsOptions& options) {
  auto state = OpenState(options);
  if (!state) return Fail(state.error());
  if (!options.id.empty()) {
    const auto alert = (**state)->alerts().Find(options.id);
    if (!alert) return Fail(alert.error());
    if (!*alert)
      return Fail(ErrorCode::kNotFound, "there is no alert '{}'; 'alerts list' shows those there are", options.id);
    PrintJson(**alert, 2);
    return {};
  }
  const auto alerts = (**state)->alerts().List(options.limit);
  if (!alerts) return Fail(alerts.error());
  for (const Alert& alert : *alerts) options.json ? PrintJson(alert, -1) : PrintLine(alert);
  return {};
}

}  // namespace

void AddAlertsCommand(CLI::App& app, int& exit_status) {
  CLI::App* command = app.add_subcommand("alerts", "The alerts that a sensor has raised");
  command->require_subcommand(1);
  auto options = std::make_shared<AlertsOptions>();
  const auto add = [&](const char* name, const char* help, Status (*act)(const AlertsOptions&)) {
    CLI::App* one = command->add_subcommand(name, help);
    one->add_option("-c,--config", options->config_file, "Configuration file")
        ->capture_default_str()
        ->type_name("FILE");
    one->add_option("--state", options->state, "State folder, in place of the configured one")->type_name("DIR");
    one->callback([options, act, &exit_status] {
      const Status status = act(*options);
      exit_status = status ? kExitDone : Report(status.error());
    });
    return one;
  };
  CLI::App* list = add("list", "The newest first, a line each", List);
  CLI::App* show = add("show", "All of one, as JSON", List);
  CLI::App* undelivered = add("undelivered", "Messages that wait for their receiver or were given up", Undelivered);
  CLI::App* resend = add("resend", "Sends such messages again, also to a receiver that answered 410", Resend);
  for (CLI::App* one : {list, undelivered}) {
    one->add_option("--limit", options->limit, "At most so many")
        ->capture_default_str()
        ->check(CLI::Range(1, 1'000'000));
    one->add_flag("--json", options->json, "A JSON object a line");
  }
  for (CLI::App* one : {undelivered, resend}) {
    one->add_option("id", options->id, "Of one message or alert only");
    one->add_option("--endpoint", options->endpoint, "To the webhook of this name only")->type_name("NAME");
  }
  show->add_option("alert", options->id, "Its id")->required();
  resend->add_flag("--all", options->all, "Everything that is undelivered");
  list->footer("Example: spanwatch alerts list --limit 20");
  show->footer("Example: spanwatch alerts show 0f3c9d... --state /var/lib/spanwatch");
  undelivered->footer("Example: spanwatch alerts undelivered --endpoint soc");
  resend->footer("Example: spanwatch alerts resend --endpoint soc");
}

}  // namespace spanwatch::cli
