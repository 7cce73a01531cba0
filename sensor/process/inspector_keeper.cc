#include "process/inspector_keeper.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "base/byte_reader.h"
#include "telemetry/log.h"

namespace spanwatch::process {
namespace {

using std::chrono::seconds;

constexpr seconds kStatisticsInterval{1};
constexpr int kMessagesAtOnce = 16;
// So long inspectors may take to finish their flows when the interface has left.
constexpr seconds kLeaveTime{3};

std::string_view CauseOf(int exit_status) { return exit_status > 128 ? "signal" : "exit"; }

}  // namespace

InspectorKeeper::InspectorKeeper(InspectorGroup group, const SensorPlan& plan, bool verbose, CaptureHooks hooks,
                                 Counters& counters, Observer& observer)
    : group_(std::move(group)),
      plan_(plan),
      verbose_(verbose),
      hooks_(std::move(hooks)),
      counters_(counters),
      observer_(observer),
      places_(group_.count()) {
  DrawFanoutGroup();
}

// Another sensor on this host must not share the group, and none of an interface that left may be joined.
void InspectorKeeper::DrawFanoutGroup() {
  if (::getrandom(&fanout_group_, sizeof(fanout_group_), 0) != sizeof(fanout_group_)) {
    fanout_group_ = static_cast<std::uint16_t>(::getpid());
  }
}

void InspectorKeeper::AddPollFds(std::vector<pollfd>& waited) {
  for (std::uint32_t i = 0; i < group_.count(); ++i) {
    if (places_[i].channel_open) waited.push_back({group_.child(i).channel().fd(), POLLIN, 0});
  }
}

std::vector<HashSetInput> InspectorKeeper::HashSets() const {
  std::vector<HashSetInput> hashsets;
  for (const HashSetInput& input : plan_.hashsets) {
    hashsets.push_back({UniqueFd(::fcntl(input.file.get(), F_DUPFD_CLOEXEC, 0)), input.record_key, input.name});
  }
  return hashsets;
}

Status InspectorKeeper::Start(std::uint32_t index, Clock::time_point now) {
  Place& place = places_[index];
  InspectorSetup setup;
  setup.mode = InspectorMode::kLive;
  setup.sensor_name = plan_.config.sensor_name;
  setup.interface = plan_.config.interface;
  setup.run_as = plan_.config.run_as;
  setup.fanout_group = fanout_group_;
  setup.join_fanout = group_.count() > 1;
  setup.carry_on = place.joined != 0;
  setup.tag_names = plan_.config.tag_names;
  setup.verbose = verbose_;
  setup.zones = plan_.config.zones;
  setup.generation = plan_.generation;
  setup.limits = plan_.config.limits;
  setup.trusted_keys = plan_.trusted_keys;
  setup.hashsets = HashSets();
  place.started = now;
  if (Status status = group_.Start(index, std::move(setup)); !status) return status;
  place.state = State::kJoining;
  place.channel_open = true;
  return {};
}

// Two deaths at once are replaced one after the other: a closed duplicate moves the last that joined.
Status InspectorKeeper::StartNext(Clock::time_point now) {
  const auto joining = [](const Place& place) { return place.state == State::kJoining; };
  if (draining_ || AwaitInterface(now) || std::ranges::any_of(places_, joining)) return {};
  if (renumbered_) RepairFanout();
  for (std::uint32_t i = 0; i < places_.size(); ++i) {
    if (places_[i].state != State::kDown || places_[i].start_at > now) continue;
    if (Status status = Start(i, now); !status) {
      if (!all_ran_) return status;
      Log(LogLevel::kError, "An inspector could not be started", "index={} reason=\"{}\"", i, status.error().message);
      places_[i].start_at = now + seconds(plan_.config.limits.launcher_restart_delay_s);
    }
    return {};
  }
  return {};
}

Status InspectorKeeper::Tick(Clock::time_point now) {
  for (std::uint32_t i = 0; i < places_.size(); ++i) {
    TakeMessages(i, now);
    if (const auto ended = group_.TakeEnded(i)) {
      if (Status status = OnEnded(i, *ended, now); !status) return status;
    }
    CheckHeartbeat(i, now);
    CheckGeneration(i, now);
  }
  if (now >= statistics_at_) {
    statistics_at_ = now + kStatisticsInterval;
    for (const Place& place : places_) CountCaptured(place);
  }
  all_ran_ = all_ran_ || all_running();
  return StartNext(now);
}

void InspectorKeeper::TakeMessages(std::uint32_t index, Clock::time_point now) {
  Place& place = places_[index];
  for (int n = 0; n < kMessagesAtOnce && place.channel_open && group_.child(index).channel().HasMessage(); ++n) {
    auto message = group_.child(index).channel().Receive();
    if (message) {
      OnMessage(index, std::move(*message), now);
    } else if (message.error().code == ErrorCode::kUnavailable) {
      place.channel_open = false;  // its end follows
    }
  }
}

// An inspector may be in the hands of an attacker: only what is expected of it now is done.
void InspectorKeeper::OnMessage(std::uint32_t index, ControlMessage message, Clock::time_point now) {
  Place& place = places_[index];
  ByteReader reader(message.body);
  const auto kind = static_cast<ControlKind>(reader.U8());
  if (kind == ControlKind::kCaptureSocket && place.state == State::kJoining && message.descriptors.size() == 1) {
    CountCaptured(place);
    place.capture = std::move(message.descriptors.front());  // closes that of a dead predecessor
    place.link_type = static_cast<int>(reader.U32Le());
    place.joined = ++joins_;
    place.state = State::kSealing;
  } else if (kind == ControlKind::kReady && place.state == State::kSealing) {
    place.state = State::kRunning;
    place.heartbeat_seen = now;
    Log(LogLevel::kInfo, "An inspector captures", "index={} interface={}", index, plan_.config.interface);
    observer_.OnInspectorStarted(index);
    place.told_started = true;
    if (draining_) Drain();
  }
}

Status InspectorKeeper::OnEnded(std::uint32_t index, int exit_status, Clock::time_point now) {
  Place& place = places_[index];
  const State was = place.state;
  place.state = State::kDown;
  place.channel_open = false;
  if (place.told_started) observer_.OnInspectorEnded(index);
  place.told_started = false;
  const bool renewed = place.end_by.has_value();
  place.end_by.reset();
  place.behind_since.reset();
  place.told_again = false;
  if (draining_ && exit_status == 0) return {};
  if (left_end_by_) {
    Log(LogLevel::kInfo, "An inspector ended, since its interface is gone", "index={}", index);
    return {};
  }
  if (renewed) {
    Log(LogLevel::kInfo, "An inspector ended, so that its successor goes by what is in force", "index={}", index);
    return {};
  }
  counters_.Add(Counter::inspector_deaths);
  Log(LogLevel::kError, "An inspector died; the flows it followed are cut short", "index={} cause={} number={}", index,
      CauseOf(exit_status), exit_status > 128 ? exit_status - 128 : exit_status);
  if (!all_ran_ && !draining_ && was != State::kRunning) {
    return Fail(ErrorCode::kUnavailable, "an inspector could not start; its own line above says why");
  }
  const seconds longest(plan_.config.limits.launcher_restart_delay_s);
  place.start_at = now + place.restart_delay.AfterDeath(now - place.started, longest);
  return {};
}

void InspectorKeeper::CheckHeartbeat(std::uint32_t index, Clock::time_point now) {
  Place& place = places_[index];
  if (place.state == State::kDown) return;
  const auto& limits = plan_.config.limits;
  bool stuck = now - place.started > seconds(limits.launcher_start_timeout_s);
  if (place.state == State::kRunning) {
    const std::uint64_t heartbeat = group_.block(index).heartbeat.load(std::memory_order_relaxed);
    if (heartbeat != place.heartbeat) {
      place.heartbeat = heartbeat;
      place.heartbeat_seen = now;
    }
    stuck = !draining_ && now - place.heartbeat_seen > seconds(limits.launcher_heartbeat_timeout_s);
  }
  if (!stuck) return;
  counters_.Add(Counter::inspectors_stuck);
  Log(LogLevel::kError, "An inspector stands still and is killed", "index={}", index);
  group_.child(index).Signal(SIGKILL);
  place.heartbeat_seen = place.started = now;
}

// Whoever holds the inspector holds this number too; it can put off its own end no longer than a reload takes.
void InspectorKeeper::CheckGeneration(std::uint32_t index, Clock::time_point now) {
  Place& place = places_[index];
  if (place.end_by) {
    if (now > *place.end_by) group_.child(index).Signal(SIGKILL);
    return;
  }
  const bool behind = place.state == State::kRunning && !draining_ && !left_end_by_ &&
                      group_.block(index).generation.load(std::memory_order_relaxed) != plan_.generation;
  if (!behind) {
    place.behind_since.reset();
    place.told_again = false;
    return;
  }
  if (!place.behind_since) place.behind_since = now;
  if (now - *place.behind_since < seconds(plan_.config.limits.launcher_reload_timeout_s)) return;
  place.behind_since = now;
  if (!place.told_again) {
    place.told_again = true;
    Log(LogLevel::kWarning, "An inspector did not take the reload and is told again", "index={}", index);
    return SendReload(index);
  }
  counters_.Add(Counter::inspectors_renewed);
  Log(LogLevel::kError, "An inspector does not take the reload and is ended; its successor goes by what is in force",
      "index={}", index);
  place.end_by = now + kLeaveTime;
  SendDrain(index);
}

void InspectorKeeper::CountCaptured(const Place& place) {
  if (!place.capture) return;
  // A link that went down leaves an error with the socket, which its inspector, sealed, cannot take.
  int error = 0;
  socklen_t length = sizeof(error);
  (void)::getsockopt(place.capture.get(), SOL_SOCKET, SO_ERROR, &error, &length);
  const auto statistics = hooks_.take_statistics(place.capture.get());
  if (!statistics) return;
  counters_.Add(Counter::kernel_packets_received, statistics->received);
  counters_.Add(Counter::kernel_packets_dropped, statistics->dropped);
}

// After the interface came up, the kernel's index of a member is its rank among those that live, by age.
void InspectorKeeper::RepairFanout() {
  const auto absent = [](const Place& place) { return !place.capture; };
  if (std::ranges::any_of(places_, absent)) return;
  renumbered_ = false;
  if (places_.size() < 2) return;
  std::vector<std::uint32_t> member_of_bucket;
  for (const Place& place : places_) {
    member_of_bucket.push_back(static_cast<std::uint32_t>(
        std::ranges::count_if(places_, [&](const Place& other) { return other.joined < place.joined; })));
  }
  const Place& any = places_.front();
  const Status status = hooks_.set_fanout_program(any.capture.get(), any.link_type, member_of_bucket);
  if (!status) {
    Log(LogLevel::kError, "The fan-out could not be set up again", "reason=\"{}\"", status.error().message);
    return;
  }
  counters_.Add(Counter::fanout_repairs);
  Log(LogLevel::kInfo, "The interface came up again; the fan-out is set up anew");
}

void InspectorKeeper::OnInterfaceLeft(Clock::time_point now) {
  interface_there_ = false;
  left_end_by_ = now + kLeaveTime;
  SendDrain();
}

bool InspectorKeeper::AwaitInterface(Clock::time_point now) {
  if (!left_end_by_) return !interface_there_;
  if (!all_ended()) {
    if (now > *left_end_by_) KillAll();
    return true;
  }
  left_end_by_.reset();
  renumbered_ = false;
  DrawFanoutGroup();
  for (Place& place : places_) {
    CountCaptured(place);
    place = Place{};
  }
  return !interface_there_;
}

Status InspectorKeeper::Distrust(std::uint32_t inspector) {
  if (places_[inspector].state != State::kDown) group_.child(inspector).Signal(SIGKILL);
  return group_.ReplaceRing(inspector);
}

void InspectorKeeper::Reload() {
  for (std::uint32_t i = 0; i < places_.size(); ++i) {
    places_[i].behind_since.reset();
    places_[i].told_again = false;
    SendReload(i);
  }
}

void InspectorKeeper::SendReload(std::uint32_t index) {
  if (!places_[index].channel_open) return;
  InspectorReload reload{.generation = plan_.generation,
                         .tag_names = plan_.config.tag_names,
                         .zones = plan_.config.zones,
                         .trusted_keys = plan_.trusted_keys,
                         .hashsets = HashSets()};
  if (Status status = process::SendReload(group_.child(index).channel(), reload); !status) {
    Log(LogLevel::kError, "An inspector could not be told of the reload", "index={} reason=\"{}\"", index,
        status.error().message);
  }
  for (HashSetInput& input : reload.hashsets) ::explicit_bzero(input.record_key.data(), input.record_key.size());
}

void InspectorKeeper::Drain() {
  draining_ = true;
  SendDrain();
}

void InspectorKeeper::SendDrain() {
  for (std::uint32_t i = 0; i < places_.size(); ++i) SendDrain(i);
}

void InspectorKeeper::SendDrain(std::uint32_t index) {
  const auto kind = static_cast<std::uint8_t>(ControlKind::kDrain);
  // One that fails to hear it is killed at the deadline.
  if (places_[index].channel_open) (void)group_.child(index).channel().Send(ByteView(&kind, 1));
}

void InspectorKeeper::KillAll() {
  for (std::uint32_t i = 0; i < places_.size(); ++i) {
    if (places_[i].state != State::kDown) group_.child(i).Signal(SIGKILL);
  }
}

bool InspectorKeeper::all_running() const {
  return std::ranges::all_of(places_, [](const Place& place) { return place.state == State::kRunning; });
}

bool InspectorKeeper::all_ended() const {
  return std::ranges::all_of(places_, [](const Place& place) { return place.state == State::kDown; });
}

}  // namespace spanwatch::process
