// spanwatch replay: inspects capture files with the same processes as the live sensor, without drops and on packet
// time.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdio>
#include <thread>

#include "base/file.h"
#include "base/file_walk.h"
#include "base/output_file.h"
#include "base/printable.h"
#include "cli/interruption.h"
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
constexpr std::chrono::milliseconds kLingerStep{50};
constexpr std::chrono::seconds kDeliveryWait{20};
constexpr std::chrono::seconds kInterruptedWait{10};  // for inspectors to tell what they have found

struct ReplayOptions {
  SensorOptions sensor;
  std::vector<std::string> captures;
  bool fail_on_alert = false;
  bool quiet = false;
  bool append = false;  // to the file of events
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

// How the inspection of the captures went.
struct Course {
  bool all_well = true;
  bool interrupted = false;
  std::uint64_t bytes_read = 0;
};

// Ends inspectors before their captures do, on the user's word: each finishes what it follows and tells it.
class EarlyEnd {
 public:
  explicit EarlyEnd(process::InspectorGroup& group) : group_(group) {}

  bool begun() const { return deadline_.has_value(); }
  void Advance() {
    if (!Interruption::asked()) return;
    if (!deadline_) {
      deadline_ = Clock::now() + kInterruptedWait;
      const auto drain = static_cast<std::uint8_t>(process::ControlKind::kDrain);
      // One that has ended meanwhile needs no word.
      ForEachRunning([&](process::Child& child) { (void)child.channel().Send(ByteView(&drain, 1)); });
    } else if (Clock::now() > *deadline_) {
      ForEachRunning([](process::Child& child) { child.Signal(SIGKILL); });  // one that waits for its input for ever
    }
  }

 private:
  using Clock = std::chrono::steady_clock;
  template <typename Action>
  void ForEachRunning(Action action) {
    for (std::size_t i = 0; i < group_.count(); ++i) {
      if (group_.running(i)) action(group_.child(i));
    }
  }

  process::InspectorGroup& group_;
  std::optional<Clock::time_point> deadline_;
};

// Drives inspectors and supervisor until the captures are through, or the user has enough.
Result<Course> Drive(process::InspectorGroup& group, supervisor::Supervisor& supervisor, boost::asio::io_context& io,
                     ProgressBar& progress) {
  Course course;
  EarlyEnd early_end(group);
  supervisor.feed().OnDistrust([&](std::size_t inspector) {
    if (group.running(inspector)) group.child(inspector).Signal(SIGKILL);
  });
  std::size_t running = group.count();
  while (running > 0) {
    early_end.Advance();
    auto taken = supervisor.Drain();
    if (!taken) return Fail(taken.error());
    io.poll();
    std::uint64_t position = 0;
    for (std::size_t i = 0; i < group.count(); ++i) {
      position += group.block(i).input_bytes_read.load(std::memory_order_relaxed);
      const auto ended = group.TakeEnded(i);
      if (!ended) continue;
      --running;
      supervisor.feed().OnEnded(i);
      if (*ended == 0) continue;
      course.all_well = false;
      if (*ended == inspector::kInputNotWhole) continue;  // it has said so
      Log(LogLevel::kError, "An inspector ended early; its flows are incomplete", "index={} status={}", i, *ended);
    }
    course.bytes_read = position / group.count();
    progress.Show(course.bytes_read);
    if (*taken == 0) std::this_thread::sleep_for(kIdleWait);
  }
  course.interrupted = early_end.begun();
  return course;
}

// Serves the metrics until the time is over or somebody asks for the end.
void Linger(boost::asio::io_context& io, std::chrono::seconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (!Interruption::asked() && std::chrono::steady_clock::now() < end) {
    io.restart();
    io.run_for(kLingerStep);
  }
}

// Lets alerts leave for a bounded time; what is still there stays in the outbox of --state.
void DeliverAlerts(supervisor::Supervisor& supervisor, boost::asio::io_context& io) {
  const auto deadline = std::chrono::steady_clock::now() + kDeliveryWait;
  while (!supervisor.outbox_idle() && std::chrono::steady_clock::now() < deadline) io.run_for(kIdleWait);
}

void TellInterrupted(const Course& course, const ReplayOptions& options) {
  const auto total = TotalBytes(options.captures);
  std::string kept;
  if (!options.sensor.events.empty()) kept += "; the events of that part are in " + options.sensor.events;
  if (options.sensor.events == "-") kept = "; the events of that part were printed";
  if (!options.sensor.state.empty()) kept += "; its state is kept in " + options.sensor.state;
  std::fprintf(stderr, "spanwatch: interrupted after %s; what was found until then is told%s\n",
               AmountOf(course.bytes_read, total).c_str(), Printable(kept).c_str());
}

// Events go to a file of events, to nothing else, and not to what is read.
Status MayWriteEvents(const ReplayOptions& options, const std::vector<std::string>& captures) {
  if (options.sensor.events.empty() || options.sensor.events == "-") return {};
  std::vector<std::filesystem::path> inputs(captures.begin(), captures.end());
  for (const auto* more : {&options.sensor.hashsets, &options.sensor.trust, &options.sensor.record_keys})
    inputs.insert(inputs.end(), more->begin(), more->end());
  return MayWrite(options.sensor.events, {"file of events", "{\"", true}, inputs);
}

// A replay begins a new file: what an earlier one left there would be read as this one's.
Status BeginEvents(const ReplayOptions& options) {
  std::error_code error;
  const std::string& file = options.sensor.events;
  if (options.append || file.empty() || !std::filesystem::is_regular_file(file, error)) return {};
  if (::truncate(file.c_str(), 0) != 0) return FailErrno("cannot begin " + file + " anew");
  return {};
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
  if (Status status = BeginEvents(options); !status) return Fail(status.error());
  const Interruption interruption;
  boost::asio::io_context io;
  auto supervisor = supervisor::Supervisor::Start(
      io, supervisor::SupervisorMode::kReplay,
      {.config = *config, .hashsets = sets->facts, .trusted_keys = sets->trusted_keys}, std::move(links));
  if (!supervisor) return Fail(supervisor.error());
  if (Status status = StartInspectors(*group, *config, *sets, options.captures); !status) return Fail(status.error());
  ProgressBar progress(TotalBytes(options.captures), options.quiet);
  const auto course = Drive(*group, **supervisor, io, progress);
  if (!course) return Fail(course.error());
  // A capture that ran out is not the end of time: with a state that is kept, the next one may go on with the alerts.
  using OpenAlerts = supervisor::Supervisor::OpenAlerts;
  const OpenAlerts open_alerts = options.sensor.state.empty() ? OpenAlerts::kClose : OpenAlerts::kTell;
  if (Status status = (*supervisor)->Finish(open_alerts); !status) return Fail(status.error());
  DeliverAlerts(**supervisor, io);
  progress.Clear();
  if (course->interrupted) TellInterrupted(*course, options);
  const supervisor::Summary summary = (*supervisor)->summary();
  if (!options.quiet) PrintSummary(summary, *group);
  Linger(io, std::chrono::seconds(options.linger_seconds));
  const Status heard = AllHeard(summary);
  if (!heard) return Fail(heard.error());
  if (!course->all_well || course->interrupted || unreadable > 0) return kExitFailed;
  const bool alerted = std::ranges::any_of(
      summary.alerts, [](const auto& entry) { return entry.second.severity > Severity::kInformational; });
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
  CLI::Option* events =
      command->add_option("--events", options->sensor.events, "File of JSON lines, begun anew; '-' for standard output")
          ->type_name("FILE");
  command->add_flag("--append", options->append, "Keep what the file of events holds and write behind it")
      ->needs(events);
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
