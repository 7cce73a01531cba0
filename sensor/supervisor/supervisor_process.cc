#include "supervisor/supervisor_process.h"

#include <signal.h>
#include <sodium.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "process/child.h"
#include "process/confinement.h"
#include "process/sandbox.h"
#include "process/supervisor_setup.h"
#include "supervisor/edition.h"
#include "supervisor/supervisor.h"
#include "telemetry/log.h"

namespace spanwatch::supervisor {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;
using process::SupervisorMessage;

constexpr std::chrono::milliseconds kIdleInterval{10};
constexpr std::chrono::milliseconds kEndInterval{50};
constexpr std::chrono::hours kPurgeInterval{1};
constexpr std::chrono::seconds kRequestsInterval{1};
// When the launcher is gone, inspectors end by themselves; so long their last messages are waited for.
constexpr std::chrono::seconds kOrphanTime{2};

// What the launcher's side read, as it handed it over.
Result<Settings> SettingsOf(const UniqueFd& file, std::vector<process::HashSetFacts> hashsets) {
  auto edition = ReadEdition(file);
  if (!edition) return spanwatch::Fail(edition.error());
  Settings settings;
  auto config = ConfigOf(*edition, settings.needs_restart);
  if (!config) return spanwatch::Fail(config.error());
  settings.config = std::move(*config);
  settings.hashsets = std::move(hashsets);
  settings.trusted_keys = std::move(edition->trusted_keys);
  if (edition->has_rules) settings.rules = std::move(edition->rules);
  settings.generation = edition->digest;
  return settings;
}

class SupervisorProcess {
 public:
  SupervisorProcess(process::ControlChannel& channel, process::SupervisorSetup setup)
      : channel_(channel), setup_(std::move(setup)), control_(io_, channel.fd()), timer_(io_) {}
  // The descriptor belongs to the channel.
  ~SupervisorProcess() { control_.release(); }

  Status Run();
  // After Run: something was found that a full disk kept from being kept.
  bool lost() const { return lost_; }

 private:
  Status Open();
  void WaitForControl();
  void HandleControl();
  void HandleReload(process::ControlMessage message);
  void HandleReplacedRing(process::ControlMessage message);
  void Tell(SupervisorMessage what);
  void WakeAfter(std::chrono::milliseconds delay);
  void Drain();
  void BeginEnd();
  void AdvanceEnd();
  void Fail(const Status& status);
  static void TellFailure(std::string_view what, const Status& status) {
    Log(LogLevel::kError, what, "reason=\"{}\"", status.error().message);
  }

  asio::io_context io_;
  process::ControlChannel& channel_;
  process::SupervisorSetup setup_;
  asio::posix::stream_descriptor control_;
  asio::steady_timer timer_;
  config::Limits limits_;
  std::unique_ptr<Supervisor> supervisor_;
  Clock::time_point requests_at_{};
  Clock::time_point purge_at_ = Clock::now() + kPurgeInterval;
  std::optional<Clock::time_point> orphaned_until_;
  std::optional<Clock::time_point> deliver_until_;
  Status outcome_;
  bool lost_ = false;
};

Status SupervisorProcess::Run() {
  if (Status status = Open(); !status) return status;
  Tell(SupervisorMessage::kReady);
  WaitForControl();
  WakeAfter(kIdleInterval);
  io_.run();
  return outcome_;
}

Status SupervisorProcess::Open() {
  if (Status status = process::Harden(); !status) return status;
  if (Status status = process::DropPrivileges(setup_.run_as); !status) return status;
  if (Status status = process::ConfineSupervisor(); !status) return status;
  auto settings = SettingsOf(setup_.generation, std::move(setup_.hashsets));
  if (!settings) return spanwatch::Fail(settings.error());
  limits_ = settings->config.limits;
  std::vector<InspectorLink> links;
  for (auto& inspector : setup_.inspectors) {
    links.push_back(
        {std::move(inspector.ring), std::move(inspector.shared_block), inspector.incarnation, inspector.running});
  }
  auto supervisor = Supervisor::Start(io_, SupervisorMode::kLive, std::move(*settings), std::move(links));
  if (!supervisor) return spanwatch::Fail(supervisor.error());
  supervisor_ = std::move(*supervisor);
  supervisor_->LogInForce();
  supervisor_->feed().OnDistrust([this](std::size_t inspector) {
    // When the launcher is gone, the channel's end says so.
    (void)process::SendAboutInspector(channel_, SupervisorMessage::kDistrusts, static_cast<std::uint32_t>(inspector));
  });
  if (Status status = supervisor_->AddLauncherBlock(std::move(setup_.launcher_block)); !status) return status;
  return supervisor_->StartPulling([this] { Tell(SupervisorMessage::kWantsReload); });
}

void SupervisorProcess::WaitForControl() {
  control_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
    if (!error) HandleControl();
  });
}

void SupervisorProcess::HandleControl() {
  auto message = channel_.Receive();
  if (!message) {
    Log(LogLevel::kWarning, "The launcher is gone");
    orphaned_until_ = Clock::now() + kOrphanTime;
    return;  // no further wait: a closed channel is readable for ever
  }
  switch (static_cast<SupervisorMessage>(message->body.front())) {
    case SupervisorMessage::kReload:
      HandleReload(std::move(*message));
      break;
    case SupervisorMessage::kInspectorEnded:
    case SupervisorMessage::kInspectorStarted:
      if (const auto inspector = process::ParseAboutInspector(message->body)) {
        if (*inspector >= setup_.inspectors.size()) break;
        const bool ended = static_cast<SupervisorMessage>(message->body.front()) == SupervisorMessage::kInspectorEnded;
        ended ? supervisor_->feed().OnEnded(*inspector) : supervisor_->feed().OnStarted(*inspector);
      }
      break;
    case SupervisorMessage::kRingReplaced:
      HandleReplacedRing(std::move(*message));
      break;
    case SupervisorMessage::kReloadRefused:
      supervisor_->OnReloadRefused();
      break;
    case SupervisorMessage::kDrain:
      BeginEnd();
      break;
    default:
      break;
  }
  WaitForControl();
}

void SupervisorProcess::HandleReplacedRing(process::ControlMessage message) {
  auto replaced = process::ParseRingReplaced(std::move(message));
  if (!replaced || replaced->inspector >= setup_.inspectors.size()) return;
  const Status status =
      supervisor_->feed().OnRingReplaced(replaced->inspector, std::move(replaced->ring), replaced->incarnation);
  if (!status) Log(LogLevel::kError, "A new ring cannot be read", "reason=\"{}\"", status.error().message);
}

void SupervisorProcess::HandleReload(process::ControlMessage message) {
  auto reload = process::ParseSupervisorReload(std::move(message));
  auto settings = reload ? SettingsOf(reload->generation, std::move(reload->hashsets))
                         : Result<Settings>(spanwatch::Fail(reload.error()));
  if (!settings) {
    Log(LogLevel::kError, "The configuration was refused", "reason=\"{}\"", settings.error().message);
    supervisor_->OnReloadRefused();
  }
  // A refusal of the rest is logged where it is read.
  const bool took_effect = settings && supervisor_->Reload(std::move(*settings));
  if (took_effect) supervisor_->LogInForce();
  Tell(took_effect ? SupervisorMessage::kReloaded : SupervisorMessage::kReloadRefused);
}

void SupervisorProcess::Tell(SupervisorMessage what) {
  const auto kind = static_cast<std::uint8_t>(what);
  // When the launcher is gone, the channel's end says so.
  (void)channel_.Send(ByteView(&kind, 1));
}

void SupervisorProcess::WakeAfter(std::chrono::milliseconds delay) {
  timer_.expires_after(delay);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    deliver_until_ ? AdvanceEnd() : Drain();
  });
}

void SupervisorProcess::Drain() {
  const auto taken = supervisor_->Drain();
  if (!taken) return Fail(std::unexpected(taken.error()));
  const auto now = Clock::now();
  if (now >= requests_at_) {
    requests_at_ = now + kRequestsInterval;
    if (Status status = supervisor_->HandleRequests(); !status) TellFailure("A request could not be done", status);
    supervisor_->Watch();
  }
  if (orphaned_until_ && now >= *orphaned_until_) return BeginEnd();
  if (now >= purge_at_) {
    purge_at_ = now + kPurgeInterval;
    if (Status status = supervisor_->Purge(); !status) TellFailure("Old rows could not be removed", status);
  }
  WakeAfter(*taken == 0 ? kIdleInterval : std::chrono::milliseconds(0));
}

// Alerts stay open in the state: the sensor goes on at its next start.
void SupervisorProcess::BeginEnd() {
  if (deliver_until_) return;
  if (Status status = supervisor_->Finish(Supervisor::OpenAlerts::kGoOn); !status) return Fail(status);
  deliver_until_ = Clock::now() + std::chrono::seconds(limits_.supervisor_delivery_at_end_s);
  WakeAfter(std::chrono::milliseconds(0));
}

// A full disk is waited for as long as a webhook is: somebody may be making room.
void SupervisorProcess::AdvanceEnd() {
  if (supervisor_->holding()) (void)supervisor_->Drain();  // a failure of the state ends nothing
  const bool idle = supervisor_->outbox_idle();
  if ((!idle || supervisor_->holding()) && Clock::now() < *deliver_until_) return WakeAfter(kEndInterval);
  const Supervisor::Unkept unkept = supervisor_->unkept();
  if (Status status = supervisor_->KeepHeld(); !status) {
    lost_ = true;
    Log(LogLevel::kError,
        "What was found while the disk was full is lost, but for what stands in the event file and was delivered",
        "events={} events_in_no_file={} alert_messages_undelivered={} reason=\"{}\"", unkept.events,
        unkept.untold_events, unkept.alert_messages, status.error().message);
  } else if (!idle) {
    Log(LogLevel::kWarning, "Alerts are still to be delivered; they leave after the next start", "alert_messages={}",
        unkept.alert_messages);
  }
  io_.stop();
}

// Nothing was released, so a successor takes it all again.
void SupervisorProcess::Fail(const Status& status) {
  outcome_ = status;
  io_.stop();
}

}  // namespace

int RunSupervisorProcess() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) ::signal(signal, SIG_IGN);
  SetLogRole("supervisor");
  if (::sodium_init() < 0) return 1;
  process::ControlChannel channel{UniqueFd(process::kControlDescriptor)};
  auto setup = process::ReceiveSupervisorSetup(channel);
  if (!setup) return 1;
  if (setup->verbose) SetLogLevel(LogLevel::kDebug);
  SupervisorProcess supervisor(channel, std::move(*setup));
  const Status status = supervisor.Run();
  if (status) return supervisor.lost() ? process::kSupervisorLost : 0;
  Log(LogLevel::kError, "The supervisor ends", "reason=\"{}\"", status.error().message);
  return 1;
}

}  // namespace spanwatch::supervisor
