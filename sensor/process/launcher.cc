#include "process/launcher.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <time.h>

#include <algorithm>
#include <bit>

#include "base/printable.h"
#include "base/time.h"
#include "process/sandbox.h"
#include "process/service_manager.h"
#include "telemetry/log.h"

namespace spanwatch::process {
namespace {

using std::chrono::seconds;

constexpr int kTickMilliseconds = 200;
constexpr int kSupervisorFailed = 1;      // what it ends with when it has told why
constexpr std::size_t kDigestShown = 12;  // hexadecimal digits of a digest in the log
// Beyond what the supervisor itself takes to deliver at the end.
constexpr seconds kSupervisorEndMargin{10};

std::string ReloadingState() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return fmt::format("RELOADING=1\nMONOTONIC_USEC={}", now.tv_sec * 1'000'000 + now.tv_nsec / 1'000);
}

// The keys of successors stay in memory that is not swapped out.
void LockKeys(const SensorPlan& plan) {
  for (const HashSetInput& input : plan.hashsets) {
    if (!input.record_key.empty()) (void)::mlock(input.record_key.data(), input.record_key.size());
  }
}

void WipeKeys(SensorPlan& plan) {
  for (HashSetInput& input : plan.hashsets) ::explicit_bzero(input.record_key.data(), input.record_key.size());
}

}  // namespace

Result<std::unique_ptr<Launcher>> Launcher::Make(LauncherOptions options, SensorPlan plan) {
  std::unique_ptr<Launcher> launcher(new Launcher(std::move(options), std::move(plan)));
  if (Status status = launcher->Open(); !status) return Fail(status.error());
  return launcher;
}

Launcher::~Launcher() {
  WipeKeys(plan_);
  if (next_plan_) WipeKeys(*next_plan_);
}

Status Launcher::Open() {
  LockKeys(plan_);
  sigset_t taken;
  sigemptyset(&taken);
  for (const int signal : {SIGHUP, SIGTERM, SIGINT, SIGCHLD}) sigaddset(&taken, signal);
  if (::sigprocmask(SIG_BLOCK, &taken, nullptr) != 0) return FailErrno("cannot block signals");
  signals_.reset(::signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) return FailErrno("cannot take signals");
  if (::signal(SIGPIPE, SIG_IGN) == SIG_ERR) return FailErrno("cannot ignore SIGPIPE");
  auto link = LinkWatch::Open(plan_.config.interface);
  if (!link) return Fail(link.error());
  link_ = std::move(*link);
  if (link_->state() == LinkState::kDown) {
    return Fail(ErrorCode::kUnavailable, "{}: the interface is down; ip link set {} up", plan_.config.interface,
                plan_.config.interface);
  }
  auto block_file = MakeSharedBlock();
  if (!block_file) return Fail(block_file.error());
  block_file_ = std::move(*block_file);
  auto block = MapSharedBlock(block_file_.get());
  if (!block) return Fail(block.error());
  block_ = std::move(*block);
  // Of its upper bits: the lower ones count the rings, and the state file keeps signed numbers.
  std::uint64_t random = 0;
  if (::getrandom(&random, sizeof(random), 0) != sizeof(random)) return FailErrno("no random bytes");
  next_incarnation_ = random >> 20 << 19;
  for (std::uint32_t i = 0; i < plan_.config.inspectors; ++i) incarnations_.push_back(next_incarnation_++);
  auto group = InspectorGroup::Make(plan_.config.inspectors, std::bit_floor(plan_.config.limits.launcher_ring_bytes));
  if (!group) return Fail(group.error());
  if (Status status = group->MakeHandoverChannels(); !status) return status;
  keeper_ = std::make_unique<InspectorKeeper>(std::move(*group), plan_, options_.verbose, options_.capture,
                                              block_->counters, static_cast<InspectorKeeper::Observer&>(*this));
  return {};
}

Status Launcher::Run() {
  while (phase_ != Phase::kEnded) {
    const auto now = Clock::now();
    WatchLink(now);
    if (Status status = KeepSupervisor(now); !status) return status;
    // Inspectors begin when there is somebody to take what they find.
    if (supervisor_ran_) {
      if (Status status = keeper_->Tick(now); !status) return status;
    }
    TellReady();
    AdvanceEnd(now);
    if (phase_ != Phase::kEnded) Wait();
    TakeSignals();
  }
  Log(LogLevel::kInfo, "The sensor has ended");
  if (lost_) return Fail(ErrorCode::kUnavailable, "something that was found is lost; a line above says what and why");
  return {};
}

// What is told of the link stands in the shared page before anybody ends: /readyz and metrics say so at once.
void Launcher::WatchLink(Clock::time_point now) {
  const LinkWatch::Changes changes = link_->Take(now);
  const LinkState state = link_->state();
  const auto told = static_cast<LinkState>(block_->link_state.exchange(static_cast<std::uint32_t>(state)));
  if (changes.left) {
    Log(LogLevel::kError, "The interface was taken away: nothing is captured until there is one of its name again",
        "interface={}", plan_.config.interface);
    keeper_->OnInterfaceLeft(now);
  }
  if (state != told) {
    Log(state == LinkState::kUp ? LogLevel::kInfo : LogLevel::kError, "The interface's link has changed",
        "interface={} state=\"{}\"", plan_.config.interface, ToString(state));
  }
  if (changes.came_up) keeper_->OnInterfaceUp();
  if (state == LinkState::kUp || state == LinkState::kNoCarrier) keeper_->OnInterfaceBack();
}

void Launcher::Wait() {
  std::vector<pollfd> waited{{signals_.get(), POLLIN, 0}, {link_->poll_fd(), POLLIN, 0}};
  if (supervisor_channel_open_) waited.push_back({supervisor_->channel().fd(), POLLIN, 0});
  keeper_->AddPollFds(waited);
  ::poll(waited.data(), waited.size(), kTickMilliseconds);
}

void Launcher::TakeSignals() {
  signalfd_siginfo taken{};
  while (::read(signals_.get(), &taken, sizeof(taken)) == static_cast<ssize_t>(sizeof(taken))) {
    if (taken.ssi_signo == SIGHUP) BeginReload();
    if (taken.ssi_signo == SIGTERM || taken.ssi_signo == SIGINT) BeginEnd();
  }
}

Status Launcher::KeepSupervisor(Clock::time_point now) {
  if (supervisor_ != nullptr) {
    TakeSupervisorMessages();
    if (const auto ended = supervisor_->Poll()) return OnSupervisorEnded(*ended, now);
    const bool late = now - supervisor_started_ > seconds(plan_.config.limits.launcher_start_timeout_s);
    if (!supervisor_ready_ && late) supervisor_->Signal(SIGKILL);
    return {};
  }
  return now >= supervisor_start_at_ ? StartSupervisor(now) : Status();
}

Status Launcher::StartSupervisor(Clock::time_point now) {
  SupervisorSetup setup;
  setup.generation.reset(::fcntl(plan_.supervisor_part.get(), F_DUPFD_CLOEXEC, 0));
  setup.run_as = plan_.config.run_as;
  setup.verbose = options_.verbose;
  setup.hashsets = plan_.facts;
  setup.launcher_block.reset(::fcntl(block_file_.get(), F_DUPFD_CLOEXEC, 0));
  for (std::uint32_t i = 0; i < keeper_->group().count(); ++i) {
    auto ring = keeper_->group().DuplicateRing(i);
    if (!ring) return Fail(ring.error());
    auto block = keeper_->group().DuplicateBlock(i);
    if (!block) return Fail(block.error());
    setup.inspectors.push_back({std::move(*ring), std::move(*block), incarnations_[i], keeper_->running(i)});
  }
  auto child = Child::Start("supervisor");
  if (!child) return Fail(child.error());
  supervisor_ = std::make_unique<Child>(std::move(*child));
  supervisor_started_ = now;
  supervisor_ready_ = false;
  supervisor_channel_open_ = true;
  // When it is gone already, its end says so.
  (void)SendSetup(supervisor_->channel(), setup);
  return {};
}

Status Launcher::OnSupervisorEnded(int exit_status, Clock::time_point now) {
  supervisor_.reset();
  supervisor_ready_ = supervisor_channel_open_ = false;
  if (phase_ == Phase::kSupervisorFinishes && (exit_status == 0 || exit_status == kSupervisorLost)) {
    phase_ = Phase::kEnded;
    lost_ = exit_status == kSupervisorLost;
    return {};
  }
  block_->counters.Add(Counter::supervisor_deaths);
  if (!supervisor_ran_) {
    // Ended by itself it has said why.
    if (exit_status == kSupervisorFailed) return Fail(ErrorCode::kUnavailable, "");
    return Fail(ErrorCode::kUnavailable, "the supervisor died before it was ready (status {})", exit_status);
  }
  Log(LogLevel::kError, "The supervisor died; what inspectors find waits in their rings", "status={}", exit_status);
  const seconds longest(plan_.config.limits.launcher_restart_delay_s);
  supervisor_start_at_ = now + supervisor_restart_delay_.AfterDeath(now - supervisor_started_, longest);
  return {};
}

void Launcher::TakeSupervisorMessages() {
  while (supervisor_channel_open_ && supervisor_->channel().HasMessage()) {
    const auto message = supervisor_->channel().Receive();
    if (!message) {
      supervisor_channel_open_ = false;
      return;
    }
    switch (static_cast<SupervisorMessage>(message->body.front())) {
      case SupervisorMessage::kReady:
        supervisor_ready_ = supervisor_ran_ = true;
        Log(LogLevel::kInfo, "The supervisor is ready");
        // What it was told before it died it does not know.
        if (next_plan_) (void)SendReload(supervisor_->channel(), next_plan_->supervisor_part.get(), next_plan_->facts);
        if (phase_ == Phase::kSupervisorFinishes) TellSupervisor(SupervisorMessage::kDrain);
        break;
      case SupervisorMessage::kWantsReload:
        BeginReload();
        break;
      case SupervisorMessage::kDistrusts:
        Distrust(message->body);
        break;
      case SupervisorMessage::kReloaded:
        FinishReload(true);
        break;
      case SupervisorMessage::kReloadRefused:
        FinishReload(false);
        break;
      default:
        break;
    }
  }
}

void Launcher::Distrust(ByteView message) {
  const auto inspector = ParseAboutInspector(message);
  if (!inspector || *inspector >= incarnations_.size()) return;
  Log(LogLevel::kError, "An inspector is ended, since what it tells is not to be believed", "index={}", *inspector);
  Status status = keeper_->Distrust(*inspector);
  auto ring = status ? keeper_->group().DuplicateRing(*inspector) : Result<UniqueFd>(std::unexpected(status.error()));
  if (!ring) {
    Log(LogLevel::kError, "There is no new ring for its successor", "reason=\"{}\"", ring.error().message);
    return;
  }
  incarnations_[*inspector] = next_incarnation_++;
  // A supervisor that starts later learns of it from its setup.
  (void)SendRingReplaced(supervisor_->channel(), {*inspector, incarnations_[*inspector], std::move(*ring)});
}

void Launcher::TellSupervisor(SupervisorMessage what) {
  const auto kind = static_cast<std::uint8_t>(what);
  if (supervisor_channel_open_) (void)supervisor_->channel().Send(ByteView(&kind, 1));
}

// A supervisor that starts later learns from its setup who runs.
void Launcher::OnInspectorEnded(std::uint32_t inspector) {
  if (!supervisor_channel_open_) return;
  (void)SendAboutInspector(supervisor_->channel(), SupervisorMessage::kInspectorEnded, inspector);
}

void Launcher::OnInspectorStarted(std::uint32_t inspector) {
  if (!supervisor_channel_open_) return;
  (void)SendAboutInspector(supervisor_->channel(), SupervisorMessage::kInspectorStarted, inspector);
}

void Launcher::BeginReload() {
  if (phase_ != Phase::kRunning) return;
  NotifyServiceManager(ReloadingState());
  auto plan = options_.load();
  if (!plan) {
    Log(LogLevel::kError, "The reload was refused; everything stays as it was", "reason=\"{}\"", plan.error().message);
    TellSupervisor(SupervisorMessage::kReloadRefused);
    NotifyServiceManager("READY=1");
    return;
  }
  next_plan_ = std::move(*plan);
  LockKeys(*next_plan_);
  if (supervisor_ready_) (void)SendReload(supervisor_->channel(), next_plan_->supervisor_part.get(), next_plan_->facts);
}

void Launcher::FinishReload(bool took_effect) {
  if (!next_plan_) return;
  std::optional<SensorPlan> plan = std::exchange(next_plan_, std::nullopt);
  if (took_effect) {
    std::swap(plan_, *plan);
    keeper_->Reload();
    if (plan_.on_in_force) plan_.on_in_force();
    Log(LogLevel::kInfo, "Configuration, rules and hash sets were read again");
    LogInForce();
  } else {
    Log(LogLevel::kError, "The reload was refused; everything stays as it was");
  }
  WipeKeys(*plan);
  NotifyServiceManager("READY=1");
}

void Launcher::TellReady() {
  if (told_ready_ || !supervisor_ready_ || !keeper_->all_running()) return;
  told_ready_ = true;
  if (plan_.on_in_force) plan_.on_in_force();
  NotifyServiceManager("READY=1");
  LogInForce();
  Log(LogLevel::kInfo, "The sensor is capturing", "interface={} inspectors={}", plan_.config.interface,
      plan_.config.inspectors);
}

void Launcher::LogInForce() const {
  for (const HashSetFacts& set : plan_.facts) {
    Log(LogLevel::kInfo, "Hash set in force",
        "hashset=\"{}\" serial={} created={} digest={} images={} records={} files={} unsearched_records={}",
        Printable(set.name), set.serial, FormatRfc3339(PacketTimeFromNanoseconds(set.created)),
        set.digest.substr(0, kDigestShown), set.images, set.records, set.files, set.unsearched_records);
  }
  Log(LogLevel::kInfo, "Configuration in force", "version={} digest={:012x} {}", SPANWATCH_VERSION, plan_.generation,
      plan_.summary);
  if (plan_.needs_restart.empty()) return;
  Log(LogLevel::kWarning, "Settings were changed that take effect at the next start only", "settings=\"{}\"",
      fmt::join(plan_.needs_restart, " "));
}

void Launcher::BeginEnd() {
  if (phase_ != Phase::kRunning) return;
  Log(LogLevel::kInfo, "The sensor ends: inspectors finish what they follow");
  NotifyServiceManager("STOPPING=1");
  phase_ = Phase::kInspectorsFinish;
  deadline_ = Clock::now() + seconds(plan_.config.limits.launcher_drain_timeout_s);
  keeper_->Drain();
}

void Launcher::AdvanceEnd(Clock::time_point now) {
  if (phase_ == Phase::kInspectorsFinish) {
    if (now > deadline_) keeper_->KillAll();
    if (!keeper_->all_ended()) return;
    phase_ = Phase::kSupervisorFinishes;
    deadline_ = now + seconds(plan_.config.limits.supervisor_delivery_at_end_s) + kSupervisorEndMargin;
    if (supervisor_ready_) TellSupervisor(SupervisorMessage::kDrain);
    return;
  }
  if (phase_ != Phase::kSupervisorFinishes || now <= deadline_) return;
  Log(LogLevel::kError, "The supervisor did not end in time; what it had not committed is lost with its rings");
  phase_ = Phase::kEnded;
  lost_ = true;
}

}  // namespace spanwatch::process
