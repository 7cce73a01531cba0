// Launcher: the process that `spanwatch run` is (design.md section 2): parent of one supervisor and of one inspector
// per share of the traffic. It makes what outlives them (rings, shared counters), starts them by exec, starts them
// again when they die, and passes signals on. It touches no byte of traffic and keeps CAP_NET_RAW alone.
//
//   SIGHUP           (or when the supervisor has pulled a new hash set) configuration, rules and hash sets are read
//   again; on any error all the old ones stay SIGTERM, SIGINT  inspectors finish their flows, the supervisor judges
//   what is left and delivers for a bounded time
//
// One thread. Make, then Run once.
#pragma once

#include "process/inspector_keeper.h"
#include "process/link_watch.h"
#include "process/restart_delay.h"

namespace spanwatch::process {

struct LauncherOptions {
  bool verbose = false;
  // Reads configuration and hash sets from their files and checks them; at the start and at each SIGHUP.
  std::function<Result<SensorPlan>()> load;
  CaptureHooks capture;
};

class Launcher : private InspectorKeeper::Observer {
 public:
  // Hardens this process and gives up every privilege but capturing. The plan is loaded as whom the sensor runs.
  static Result<std::unique_ptr<Launcher>> Make(LauncherOptions options, SensorPlan plan);
  ~Launcher() override;

  // Until the sensor was told to end. An error: it could not start, or something that it found is lost at the end.
  Status Run();

 private:
  using Clock = InspectorKeeper::Clock;
  enum class Phase { kRunning, kInspectorsFinish, kSupervisorFinishes, kEnded };

  Launcher(LauncherOptions options, SensorPlan plan) : options_(std::move(options)), plan_(std::move(plan)) {}
  Status Open();
  void Wait();
  void TakeSignals();
  Status KeepSupervisor(Clock::time_point now);
  Status StartSupervisor(Clock::time_point now);
  Status OnSupervisorEnded(int exit_status, Clock::time_point now);
  void TakeSupervisorMessages();
  void WatchLink(Clock::time_point now);
  void Distrust(ByteView message);
  void AdvanceEnd(Clock::time_point now);
  void BeginReload();
  void FinishReload(bool took_effect);
  void BeginEnd();
  void TellReady();
  void LogInForce() const;
  void TellSupervisor(SupervisorMessage what);
  void OnInspectorEnded(std::uint32_t inspector) override;
  void OnInspectorStarted(std::uint32_t inspector) override;

  LauncherOptions options_;
  SensorPlan plan_;
  std::optional<SensorPlan> next_plan_;  // while the supervisor judges a reload
  UniqueFd signals_;
  std::optional<LinkWatch> link_;
  UniqueFd block_file_;
  MappedSharedBlock block_;
  std::vector<std::uint64_t> incarnations_;  // of the rings, by inspector
  std::uint64_t next_incarnation_ = 0;
  std::unique_ptr<InspectorKeeper> keeper_;
  std::unique_ptr<Child> supervisor_;
  bool supervisor_ready_ = false;
  bool supervisor_channel_open_ = false;
  bool supervisor_ran_ = false;
  RestartDelay supervisor_restart_delay_;
  Clock::time_point supervisor_started_{};
  Clock::time_point supervisor_start_at_{};
  bool told_ready_ = false;
  bool lost_ = false;  // something that was found was not kept at the end
  Phase phase_ = Phase::kRunning;
  Clock::time_point deadline_{};
};

}  // namespace spanwatch::process
