// spanwatch run: the live sensor. This process becomes the launcher (process/launcher.h).
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hex.h"
#include "capture/fanout_program.h"
#include "capture/live_capture.h"
#include "cli/sensor_check.h"
#include "cli/sensor_options.h"
#include "config/in_force.h"
#include "process/confinement.h"
#include "process/launcher.h"
#include "process/sandbox.h"
#include "supervisor/edition.h"
#include "telemetry/log.h"

namespace spanwatch::cli {
namespace {

struct RunOptions {
  std::string config_file;
  std::string interface;
  bool test_only = false;
  bool verbose = false;
};

// Reads the plan of the moment from the files, at the start and at each SIGHUP. Remembers what it started with: that
// is what counts of the settings that need a restart.
class Planner {
 public:
  static Result<std::unique_ptr<Planner>> Make(const RunOptions& options);

  const config::Config& config() const { return started_with_; }
  Result<process::SensorPlan> Load(supervisor::HashSetStore::When when) const;

 private:
  explicit Planner(const RunOptions& options) : options_(options) {}
  Result<config::Config> Parse(const std::string& text) const;

  const RunOptions options_;
  std::string text_;
  config::Config started_with_;
};

Result<std::unique_ptr<Planner>> Planner::Make(const RunOptions& options) {
  std::unique_ptr<Planner> planner(new Planner(options));
  auto text = config::ReadConfigFile(options.config_file);
  if (!text) return Fail(text.error());
  auto config = planner->Parse(*text);
  if (!config) return Fail(config.error());
  planner->text_ = std::move(*text);
  planner->started_with_ = std::move(*config);
  return planner;
}

Result<config::Config> Planner::Parse(const std::string& text) const {
  auto config = config::ParseConfig(text, options_.config_file);
  if (config && !options_.interface.empty()) config->interface = options_.interface;
  return config;
}

using Store = supervisor::HashSetStore;

// Takes the sets in through the sensor's store, when it has a state directory. `store` is to be committed once they are
// in force.
Result<OpenedHashSets> TakeIn(const config::Config& config, Store::When when, std::shared_ptr<Store>& store) {
  if (config.state_directory.empty()) return OpenHashSets(config);
  auto opened = Store::Open(config.state_directory, config.limits.hashset_generations_kept);
  if (!opened) return Fail(opened.error());
  store = std::make_shared<Store>(std::move(*opened));
  const HashSetIntake intake{*store, when};
  return OpenHashSets(config, &intake);
}

// The first 48 bits of a digest over all that is in force: as many as a metric holds exactly.
std::uint64_t DigestOf(const config::Config& config, const supervisor::Edition& edition,
                       const std::vector<process::HashSetFacts>& sets) {
  std::string text = config::Describe(config);
  for (const auto& set : sets) text += fmt::format("set {} {}\n", set.digest, set.unsearched_records);
  for (const auto& [name, content] : edition.rules.files)
    text += fmt::format("rules {} {}\n", name, policy::ContentDigest(content));
  text += edition.rules.manifest;
  for (const Bytes& key : edition.trusted_keys) text += ToHex(key) + "\n";
  return std::stoull(policy::ContentDigest(AsBytes(text)).substr(0, 12), nullptr, 16);
}

Result<process::SensorPlan> Planner::Load(Store::When when) const {
  auto text = config::ReadConfigFile(options_.config_file);
  if (!text) return Fail(text.error());
  auto wanted = Parse(*text);
  if (!wanted) return Fail(wanted.error());
  process::SensorPlan plan;
  plan.config = config::InForce(started_with_, std::move(*wanted), plan.needs_restart);
  if (Status status = CheckLive(plan.config); !status) return Fail(status.error());
  std::shared_ptr<Store> store;
  auto sets = TakeIn(plan.config, when, store);
  if (!sets) return Fail(sets.error());
  if (store) {
    plan.on_in_force = [store] {
      if (Status status = store->Commit(); !status) {
        Log(LogLevel::kError, "The hash sets in force could not be noted, a rollback will not know them",
            "reason=\"{}\"", status.error().message);
      }
    };
  }
  supervisor::Edition edition{.name = options_.config_file, .started_with = text_, .latest = std::move(*text)};
  edition.trusted_keys = sets->trusted_keys;
  edition.has_rules = !plan.config.rules_directory.empty();
  if (edition.has_rules) {
    auto rules = policy::ReadRuleFolder(plan.config.rules_directory);
    if (!rules) return Fail(rules.error());
    edition.rules = std::move(*rules);
  }
  plan.generation = edition.digest = DigestOf(plan.config, edition, sets->facts);
  auto part = supervisor::WriteEdition(edition);
  if (!part) return Fail(part.error());
  plan.supervisor_part = std::move(*part);
  plan.summary = fmt::format("inside={} names={} trusted_keys={}", config::ShowInside(plan.config),
                             plan.config.tag_names ? "tagged" : "masked", sets->trusted_keys.size());
  plan.facts = std::move(sets->facts);
  plan.trusted_keys = std::move(sets->set_keys);
  plan.hashsets = std::move(sets->inputs);
  return plan;
}

// Started as root, the state directory is made for the user who will write to it.
Status PrepareStateDirectory(const config::Config& config) {
  if (config.state_directory.empty()) return {};
  std::error_code error;
  std::filesystem::create_directories(config.state_directory, error);
  if (error) return Fail(ErrorCode::kIo, "{}: {}", config.state_directory.string(), error.message());
  if (::geteuid() != 0 || config.run_as.empty()) return {};
  const passwd* user = ::getpwnam(config.run_as.c_str());
  if (user == nullptr) {
    return Fail(ErrorCode::kNotFound, "there is no user '{}' to run as; create it or name another", config.run_as);
  }
  if (::chown(config.state_directory.c_str(), user->pw_uid, user->pw_gid) != 0) {
    return FailErrno("cannot give " + config.state_directory.string() + " to user " + config.run_as);
  }
  return {};
}

process::CaptureHooks HooksOfCapture() {
  process::CaptureHooks hooks;
  hooks.take_statistics = [](int socket) -> Result<process::CaptureHooks::Statistics> {
    const auto statistics = capture::TakeStatistics(socket);
    if (!statistics) return Fail(statistics.error());
    return process::CaptureHooks::Statistics{statistics->received, statistics->dropped};
  };
  hooks.set_fanout_program = [](int socket, int link_type, std::span<const std::uint32_t> member_of_bucket) -> Status {
    const auto members = static_cast<std::uint32_t>(member_of_bucket.size());
    const auto program = capture::BuildFanoutProgram(link_type, members, member_of_bucket);
    if (!program) return Fail(program.error());
    return capture::SetFanoutProgram(socket, *program);
  };
  return hooks;
}

Status Run(const RunOptions& options) {
  auto made = Planner::Make(options);
  if (!made) return Fail(made.error());
  const std::shared_ptr<const Planner> planner = std::move(*made);
  if (options.verbose) SetLogLevel(LogLevel::kDebug);
  SetLogRole("launcher");
  const config::Config& config = planner->config();
  process::CloseInherited();
  if (Status status = PrepareStateDirectory(config); !status) return status;
  if (Status status = process::Harden(); !status) return status;
  if (Status status = process::KeepCapturePrivilege(config.run_as); !status) return status;
  if (Status status = process::ConfineLauncher(); !status) return status;
  // From here on as the user who runs the sensor: what a reload could not read is found out now.
  auto plan = planner->Load(Store::When::kStart);
  if (!plan) return Fail(plan.error());
  process::LauncherOptions launching;
  launching.verbose = options.verbose;
  launching.load = [planner] { return planner->Load(Store::When::kReload); };
  launching.capture = HooksOfCapture();
  auto launcher = process::Launcher::Make(std::move(launching), std::move(*plan));
  if (!launcher) return Fail(launcher.error());
  return (*launcher)->Run();
}

}  // namespace

void AddRunCommand(CLI::App& app, int& exit_status) {
  CLI::App* command = app.add_subcommand("run", "The live sensor, until SIGTERM; SIGHUP reads everything again");
  auto options = std::make_shared<RunOptions>();
  command->add_option("-c,--config", options->config_file, "Configuration file")->type_name("FILE")->required();
  command->add_option("-i,--interface", options->interface, "Interface in place of the configured one")
      ->type_name("NAME");
  command->add_flag("-T,--test", options->test_only, "Test configuration, hash sets, rules and webhooks, and end");
  command->add_flag("-v,--verbose", options->verbose, "Say more");
  command->footer("Example: spanwatch run --config /etc/spanwatch/spanwatch.yaml");
  command->callback([options, &exit_status] {
    if (options->test_only) {
      exit_status = CheckConfiguration(options->config_file, options->interface);
      return;
    }
    const Status status = Run(*options);
    exit_status = status ? kExitDone : Report(status.error());
  });
}

}  // namespace spanwatch::cli
