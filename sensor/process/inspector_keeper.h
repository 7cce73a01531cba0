// InspectorKeeper: keeps the inspectors of a live sensor running (design.md section 2). Launcher thread only; never
// blocks.
//
// Inspectors start one after the other, since the kernel numbers the members of a fan-out group in the order in which
// they join, and the n-th bucket belongs to the n-th member. Of each the keeper holds a duplicate of its capture
// socket: when it dies, the duplicate keeps its place, the successor joins behind the last, and closing the duplicate
// moves it into the hole. The duplicate is also where the kernel's statistics are read.
#pragma once

#include <poll.h>

#include <chrono>
#include <functional>
#include <span>

#include "config/config.h"
#include "process/inspector_group.h"
#include "process/restart_delay.h"
#include "process/supervisor_setup.h"

namespace spanwatch::process {

// What configuration file and hash sets said when they were last read and found good.
struct SensorPlan {
  config::Config config;         // in force: what needs a restart is as at the start
  std::uint64_t generation = 0;  // digest of all of it
  UniqueFd supervisor_part;      // what the supervisor goes by, as a file in memory; nothing here looks into it
  std::string summary;           // of zones and the like, as fields of a log line
  std::vector<std::string> needs_restart;  // keys that were changed and take effect at the next start
  std::vector<Bytes> trusted_keys;
  std::vector<HashSetInput> hashsets;  // verified
  std::vector<HashSetFacts> facts;
  std::function<void()> on_in_force;  // called once, when sensor and supervisor go by this plan; may be empty
};

// What the launcher needs of the capture stage, which it does not include.
struct CaptureHooks {
  struct Statistics {
    std::uint64_t received = 0;
    std::uint64_t dropped = 0;
  };
  std::function<Result<Statistics>(int packet_socket)> take_statistics;
  std::function<Status(int packet_socket, int link_type, std::span<const std::uint32_t> member_of_bucket)>
      set_fanout_program;
};

class InspectorKeeper {
 public:
  using Clock = std::chrono::steady_clock;

  class Observer {
   public:
    virtual ~Observer() = default;
    virtual void OnInspectorEnded(std::uint32_t inspector) = 0;
    virtual void OnInspectorStarted(std::uint32_t inspector) = 0;
  };

  // `plan`, `counters` and `observer` outlive the keeper; the plan may be replaced by the caller between calls.
  InspectorKeeper(InspectorGroup group, const SensorPlan& plan, bool verbose, CaptureHooks hooks, Counters& counters,
                  Observer& observer);

  // Descriptors whose readiness calls for Tick.
  void AddPollFds(std::vector<pollfd>& waited);
  // Takes messages and deaths, starts what is to start, kills what is stuck, reads statistics.
  // An error: an inspector ended before it ever ran, so that the sensor cannot start.
  Status Tick(Clock::time_point now);
  // Tells every inspector the plan's zones, names and hash sets. One that has not taken them in time is started anew.
  void Reload();
  // The interface came up again: the kernel has numbered the members anew.
  void OnInterfaceUp() { renumbered_ = true; }
  // It was taken away, and the capture sockets with it: every inspector finishes its flows and ends, none is started.
  void OnInterfaceLeft(Clock::time_point now);
  // There is one of its name again, and it is up: once the last of before has ended, all begin anew.
  void OnInterfaceBack() { interface_there_ = true; }
  // What this inspector tells is not to be believed: it ends at once, and its successor gets a ring of its own.
  Status Distrust(std::uint32_t inspector);
  // No more starts; every inspector finishes its flows and ends.
  void Drain();
  void KillAll();

  bool all_running() const;
  bool all_ended() const;
  bool running(std::uint32_t index) const { return places_[index].state == State::kRunning; }
  const InspectorGroup& group() const { return group_; }

 private:
  enum class State {
    kDown,     // waits for its (re)start
    kJoining,  // started, not yet a member of the fan-out
    kSealing,  // captures, not yet inspecting
    kRunning,
  };
  struct Place {
    State state = State::kDown;
    bool channel_open = false;
    bool told_started = false;  // the observer's view
    UniqueFd capture;           // of the one that runs, or of the one that died
    int link_type = 0;
    std::uint64_t joined = 0;  // when, in the order of all that ever joined; 0: never
    RestartDelay restart_delay;
    Clock::time_point started{};
    Clock::time_point start_at{};
    std::uint64_t heartbeat = 0;
    Clock::time_point heartbeat_seen{};
    // What it goes by is not what is in force: since when, or since it was told again.
    std::optional<Clock::time_point> behind_since;
    bool told_again = false;
    std::optional<Clock::time_point> end_by;  // it was told to end, for its successor to go by what is in force
  };

  Status Start(std::uint32_t index, Clock::time_point now);
  Status StartNext(Clock::time_point now);
  void TakeMessages(std::uint32_t index, Clock::time_point now);
  void OnMessage(std::uint32_t index, ControlMessage message, Clock::time_point now);
  Status OnEnded(std::uint32_t index, int exit_status, Clock::time_point now);
  void CheckHeartbeat(std::uint32_t index, Clock::time_point now);
  // One that does not take a reload is told again, then ended.
  void CheckGeneration(std::uint32_t index, Clock::time_point now);
  void SendReload(std::uint32_t index);
  void SendDrain(std::uint32_t index);
  void CountCaptured(const Place& place);
  void RepairFanout();
  // True while nothing may be started, since the interface is away or some of its inspectors have not ended.
  bool AwaitInterface(Clock::time_point now);
  void DrawFanoutGroup();
  void SendDrain();
  std::vector<HashSetInput> HashSets() const;

  InspectorGroup group_;
  const SensorPlan& plan_;
  const bool verbose_;
  const CaptureHooks hooks_;
  Counters& counters_;
  Observer& observer_;
  std::vector<Place> places_;
  std::uint16_t fanout_group_ = 0;
  std::uint64_t joins_ = 0;
  Clock::time_point statistics_at_{};
  bool all_ran_ = false;  // the sensor has started
  bool renumbered_ = false;
  bool draining_ = false;
  bool interface_there_ = true;
  std::optional<Clock::time_point> left_end_by_;  // the interface left: whoever was there ends until then
};

}  // namespace spanwatch::process
