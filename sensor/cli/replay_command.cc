// spanwatch replay: inspects capture files with the same processes as the live sensor, without drops and on packet
// time.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdio>
#include <thread>

#include "base/file.h"
#include "base/file_walk.h"
#include "base/output_file.h"
#include "cli/replay_summary.h"
#include "cli/sensor_options.h"
#include "inspector/inspector_process.h"
#include "process/inspector_group.h"
#include "process/sandbox.h"
#include "supervisor/supervisor.h"
#include "telemetry/log.h"

namespace spanwatch::cli {
namespace {

constexpr std::chrono::milliseconds kIdleWait{2};
constexpr std::chrono::seconds kDeliveryWait{20};

struct ReplayOptions {
  SensorOptions sensor;
  std::vector<std::string> captures;
  bool fail_on_alert = false;
  bool quiet = false;
  std::uint32_t linger_seconds = 0;
};

// The captures as descriptors of their own for one inspector: each reads them from the beginning.
Result<std::vector<process::NamedFile>> OpenCaptures(const std::vector<std::string>& names) {
  std::vector<process::NamedFile> files;
  for (const std::string& name : names) {
    if (name == "-") {
      files.push_back({"standard input", UniqueFd(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0))});
      continue;
    }
    auto file = OpenForReading(name);
    if (!file) return Fail(file.error());
    files.push_back({name, std::move(*file)});
  }
  return files;
}

// What of the captures can be read: of a folder every file below it, in the order of their names. What cannot be is
// named and counted, and the rest goes on.
std::vector<std::string> ReadableCaptures(const std::vector<std::string>& arguments, std::size_t& unreadable) {
  std::vector<std::string> captures;
  const auto tell = [&](const Error& error) {
    ++unreadable;
    Report(error);
  };
  for (const std::string& argument : arguments) {
    std::error_code error;
    std::vector<std::string> names{argument};
    if (argument != "-" && std::filesystem::is_directory(argument, error)) {
      names = FilesBelow(argument, [&](const std::string& what) { tell({ErrorCode::kIo, what}); });
    }
    for (std::string& name : names) {
      const bool regular = std::filesystem::is_regular_file(name, error) || !std::filesystem::exists(name, error);
      const auto file = name != "-" && regular ? OpenForReading(name) : Result<UniqueFd>(UniqueFd());
      file ? captures.push_back(std::move(name)) : tell(file.error());
    }
  }
  return captures;
}

std::uint64_t TotalBytes(const std::vector<std::string>& names) {
  std::uint64_t total = 0;
  struct stat status{};
  for (const std::string& name : names) {
    if (name != "-" && ::stat(name.c_str(), &status) == 0) total += static_cast<std::uint64_t>(status.st_size);
  }
  return total;
}

Status StartInspectors(process::InspectorGroup& group, const config::Config& config, OpenedHashSets& sets,
                       const std::vector<std::string>& captures) {
  for (std::size_t i = 0; i < group.count(); ++i) {
    process::InspectorSetup setup;
    setup.mode = process::InspectorMode::kReplay;
    setup.sensor_name = config.sensor_name;
    setup.tag_names = config.tag_names;
    setup.zones = config.zones;
    setup.limits = config.limits;
    setup.trusted_keys = sets.trusted_keys;
    for (const process::HashSetInput& input : sets.inputs) {
      setup.hashsets.push_back({UniqueFd(::fcntl(input.file.get(), F_DUPFD_CLOEXEC, 0)), input.record_key, input.name});
    }
    auto files = OpenCaptures(captures);
    if (!files) return Fail(files.error());
    setup.inputs = std::move(*files);
    if (Status status = group.Start(i, std::move(setup)); !status) return status;
  }
  return {};
}

// Drives inspectors and supervisor until the captures are through. Returns whether every inspector ended well.
Result<bool> Drive(process::InspectorGroup& group, supervisor::Supervisor& supervisor, boost::asio::io_context& io,
                   ProgressBar& progress) {
  bool all_well = true;
  std::size_t running = group.count();
  while (running > 0) {
    auto taken = supervisor.Drain();
    if (!taken) return Fail(taken.error());
    io.poll();
    std::uint64_t position = 0;
    for (std::size_t i = 0; i < group.count(); ++i) {
      position += group.block(i).input_bytes_read.load(std::memory_order_relaxed);
      const auto ended = group.TakeEnded(i);
      if (!ended) continue;
      --running;
      supervisor.OnInspectorEnded(i);
      if (*ended == 0) continue;
      all_well = false;
      if (*ended == inspector::kInputNotWhole) continue;  // it has said so
      Log(LogLevel::kError, "An inspector ended early; its flows are incomplete", "index={} status={}", i, *ended);
    }
    progress.Show(position / group.count());
    if (*taken == 0) std::this_thread::sleep_for(kIdleWait);
  }
  return all_well;
}

// Lets alerts leave for a bounded time; what is still there stays in the outbox of --state.
void DeliverAlerts(supervisor::Supervisor& supervisor, boost::asio::io_context& io) {
  const auto deadline = std::chrono::steady_clock::now() + kDeliveryWait;
  while (!supervisor.outbox_idle() && std::chrono::steady_clock::now() < deadline) io.run_for(kIdleWait);
}

// Events are appended to a file of events, to nothing else, and not to what is read.
Status MayWriteEvents(const ReplayOptions& options, const std::vector<std::string>& captures) {
  if (options.sensor.events.empty() || options.sensor.events == "-") return {};
  std::vector<std::filesystem::path> inputs(captures.begin(), captures.end());
  for (const auto* more : {&options.sensor.hashsets, &options.sensor.trust, &options.sensor.record_keys})
    inputs.insert(inputs.end(), more->begin(), more->end());
  return MayWrite(options.sensor.events, {"file of events", "{\"", true}, inputs);
}

Result<int> Replay(const ReplayOptions& given) {
  if (Status status = CheckInspected(given.captures); !status) return Fail(status.error());
  ReplayOptions options = given;
  std::size_t unreadable = 0;
  options.captures = ReadableCaptures(given.captures, unreadable);
  if (options.captures.empty()) return kExitFailed;
  auto config = ConfigOf(options.sensor);
  if (!config) return Fail(config.error());
  if (Status status = MayWriteEvents(options, options.captures); !status) return Fail(status.error());
  const bool reads_stdin = std::ranges::find(options.captures, "-") != options.captures.end();
  if (reads_stdin && config->inspectors > 1) {
    return Fail(ErrorCode::kUsage, "'-' can be read once only; use --inspectors 1 or a file");
  }
  auto sets = OpenHashSets(*config);
  if (!sets) return Fail(sets.error());
  auto group = process::InspectorGroup::Make(config->inspectors, kOfflineRingBytes);
  if (!group) return Fail(group.error());
  std::vector<supervisor::InspectorLink> links;
  for (std::size_t i = 0; i < group->count(); ++i) {
    auto ring = group->DuplicateRing(i);
    auto block = group->DuplicateBlock(i);
    if (!ring || !block) return Fail(ErrorCode::kIo, "cannot share memory with the inspectors");
    links.push_back({std::move(*ring), std::move(*block)});
  }
  boost::asio::io_context io;
  auto supervisor = supervisor::Supervisor::Start(io, *config, std::move(links), sets->figures);
  if (!supervisor) return Fail(supervisor.error());
  if (Status status = StartInspectors(*group, *config, *sets, options.captures); !status) return Fail(status.error());
  ProgressBar progress(TotalBytes(options.captures), options.quiet);
  const auto well = Drive(*group, **supervisor, io, progress);
  if (!well) return Fail(well.error());
  if (Status status = (*supervisor)->Finish(true); !status) return Fail(status.error());
  DeliverAlerts(**supervisor, io);
  progress.Clear();
  if (!options.quiet) PrintSummary((*supervisor)->summary(), *group);
  io.restart();
  io.run_for(std::chrono::seconds(options.linger_seconds));
  const Status heard = AllHeard((*supervisor)->summary());
  if (!heard) return Fail(heard.error());
  if (!*well || unreadable > 0) return kExitFailed;
  const bool alerted = std::ranges::any_of((*supervisor)->summary().alerts, [](const auto& entry) {
    return entry.second.severity > Severity::kInformational;
  });
  return options.fail_on_alert && alerted ? kExitFound : kExitDone;
}

}  // namespace

void AddReplayCommand(CLI::App& app, int& exit_status) {
  CLI::App* command =
      app.add_subcommand("replay", "Inspects capture files: events as JSON lines, a summary on standard error");
  auto options = std::make_shared<ReplayOptions>();
  AddHashSetOptions(*command, options->sensor);
  command->add_option("--inside", options->sensor.inside, "Network whose outgoing bytes are egress, or 'any'")
      ->type_name("CIDR")
      ->allow_extra_args(false);
  command->add_option("--rules", options->sensor.rules, "Folder of rules in place of the embedded ones")
      ->type_name("DIR");
  command->add_flag("--allow-unsigned-authorisations", options->sensor.allow_unsigned,
                    "Let unsigned authorisations count; marks what they touch");
  command->add_option("--state", options->sensor.state, "Folder that keeps state; left out: nothing is kept")
      ->type_name("DIR");
  command->add_option("--events", options->sensor.events, "File of JSON lines, '-' for standard output")
      ->type_name("FILE");
  command->add_option("--inspectors", options->sensor.inspectors, "Inspector processes")->check(CLI::Range(1, 64));
  command->add_option("--metrics", options->sensor.metrics, "Serve /metrics there, like 127.0.0.1:9464")
      ->type_name("ADDRESS");
  command->add_option("--linger", options->linger_seconds, "Seconds that --metrics goes on after the end")
      ->check(CLI::Range(0, 86'400));
  command->add_flag("--fail-on-alert", options->fail_on_alert, "Exit with 3 when something raised an alert");
  command->add_flag("-q,--quiet", options->quiet, "No progress and no summary");
  command
      ->add_option("captures,-r", options->captures,
                   "Capture files (pcap, pcapng, also gzip or zstd) or folders of them, '-' for standard input")
      ->required();
  command->footer(
      "Example: spanwatch replay --hashset agency.swset --trust owner.pub --record-key record.key \\\n"
      "           --inside 10.20.0.0/16 --events - span.pcap");
  command->callback([options, &exit_status] {
    const auto result = Replay(*options);
    exit_status = result ? *result : Report(result.error());
  });
}

}  // namespace spanwatch::cli
