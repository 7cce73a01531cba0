// spanwatch run: the live sensor. This process becomes the launcher (process/launcher.h).
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/fanout_program.h"
#include "capture/live_capture.h"
#include "cli/sensor_check.h"
#include "cli/sensor_options.h"
#include "process/launcher.h"
#include "process/sandbox.h"
#include "telemetry/log.h"

namespace spanwatch::cli {
namespace {

struct RunOptions {
  std::string config_file;
  std::string interface;
  bool test_only = false;
  bool verbose = false;
};

Result<config::Config> LoadFor(const RunOptions& options) {
  auto config = config::LoadConfig(options.config_file);
  if (!config) return Fail(config.error());
  if (!options.interface.empty()) config->interface = options.interface;
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

// The plan of the moment, from the files: at the start and at each SIGHUP.
Result<process::SensorPlan> LoadPlan(const RunOptions& options, Store::When when) {
  auto config = LoadFor(options);
  if (!config) return Fail(config.error());
  if (Status status = CheckLive(*config); !status) return Fail(status.error());
  std::shared_ptr<Store> store;
  auto sets = TakeIn(*config, when, store);
  if (!sets) return Fail(sets.error());
  process::SensorPlan plan;
  if (store) {
    plan.on_in_force = [store] {
      if (Status status = store->Commit(); !status) {
        Log(LogLevel::kError, "The hash sets in force could not be noted, a rollback will not know them",
            "reason=\"{}\"", status.error().message);
      }
    };
  }
  plan.facts = std::move(sets->facts);
  plan.config = std::move(*config);
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
  auto config = LoadFor(options);
  if (!config) return Fail(config.error());
  if (options.test_only) {
    if (Status status = CheckLive(*config); !status) return status;
    return CheckSensor(*config);
  }
  if (options.verbose) SetLogLevel(LogLevel::kDebug);
  SetLogRole("launcher");
  if (Status status = PrepareStateDirectory(*config); !status) return status;
  if (Status status = process::Harden(); !status) return status;
  if (Status status = process::KeepCapturePrivilege(config->run_as); !status) return status;
  // From here on as the user who runs the sensor: what a reload could not read is found out now.
  auto plan = LoadPlan(options, Store::When::kStart);
  if (!plan) return Fail(plan.error());
  process::LauncherOptions launching;
  launching.config_file = std::filesystem::absolute(options.config_file).string();
  launching.verbose = options.verbose;
  launching.load = [options] { return LoadPlan(options, Store::When::kReload); };
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
    const Status status = Run(*options);
    exit_status = status ? kExitDone : Report(status.error());
  });
}

}  // namespace spanwatch::cli
