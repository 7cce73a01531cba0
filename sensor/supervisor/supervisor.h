// Supervisor: takes the inspectors' messages out of their rings, lets the policy judge them, keeps state, raises alerts
// and lets them leave (design.md section 2). It touches no hostile byte but through validated ring messages.
//
// One thread, on the io_context it was made with. A batch of messages is judged and committed as a whole; only then the
// rings advance and lines and webhooks go out: so at least once, under the same ids.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <map>
#include <memory>

#include "alert/alert_book.h"
#include "alert/json_lines.h"
#include "alert/outbox.h"
#include "config/config.h"
#include "policy/policy.h"
#include "process/link_watch.h"
#include "process/shared_block.h"
#include "state/state.h"
#include "supervisor/flood_quarantine.h"
#include "supervisor/hashset_puller.h"
#include "supervisor/http_listener.h"
#include "supervisor/inspector_feed.h"
#include "supervisor/metrics_exporter.h"
#include "supervisor/rule_history.h"
#include "supervisor/zone_watch.h"

namespace spanwatch::supervisor {

// What a command prints at the end, and what metrics show.
struct Summary {
  std::uint64_t sightings = 0;
  std::uint64_t transfers = 0;
  std::uint64_t anomalies = 0;
  std::uint64_t authorised_sightings = 0;
  std::uint64_t ring_corruptions = 0;                 // inspectors that were no longer believed
  std::uint64_t messages_refused = 0;                 // that did not decode
  std::map<std::string, Alert> alerts;                // the latest state of each, at most kAlertsRemembered
  std::map<std::string, std::uint64_t> egress_bytes;  // by visibility
  std::map<std::string, std::uint64_t> anomaly_counts;
  std::string crossed_nothing;  // why, when registered material was seen and none of it crossed the zones
  static constexpr std::size_t kAlertsRemembered = 1000;
};

// What a supervisor goes by.
struct Settings {
  config::Config config;
  std::vector<process::HashSetFacts> hashsets;
  std::vector<Bytes> trusted_keys;
  std::optional<policy::RuleFolder> rules = std::nullopt;  // what the rules' directory held; else it is read
  std::uint64_t generation = 0;                            // digest of all of it; 0 in a replay
  std::vector<std::string> needs_restart = {};             // keys that were changed and take effect at the next start
};

class Supervisor {
 public:
  static Result<std::unique_ptr<Supervisor>> Start(boost::asio::io_context& io, SupervisorMode mode, Settings settings,
                                                   std::vector<InspectorLink> inspectors);
  ~Supervisor();

  // Live: keeps the hash sets that are configured by URL up to date; `on_pulled` after each that was taken in.
  Status StartPulling(std::function<void()> on_pulled);

  // Takes and judges what waits, in batches. Returns how many messages it took from the rings. Live no failure of the
  // state ends it: what cannot be kept waits in memory (state/database.h) or in the rings, and is tried again.
  Result<std::size_t> Drain();
  // For whoever starts and ends inspectors. When one ends, nothing expires by that and no alert closes.
  InspectorFeed& feed() { return *feed_; }
  // The launcher's own counters, for /metrics.
  Status AddLauncherBlock(UniqueFd shared_block);
  // Forgets what packet time and the wall clock both call older than the limits allow, and logs it. Now and then.
  Status Purge();
  // No message will come any more: judges all that waits. What becomes of the open alerts: they go on with the next
  // sensor that has this state; the same, and what was added to them since they were last told is told; or, where
  // nothing is kept, they are told for the last time (reason "end").
  enum class OpenAlerts : std::uint8_t { kGoOn, kTell, kClose };
  Status Finish(OpenAlerts open_alerts);
  // At the very end: what a full disk kept in memory is kept, or lost.
  Status KeepHeld();
  // A full disk keeps it in memory.
  bool holding() const { return state_->database().holding(); }
  // What is lost when it ends now.
  struct Unkept {
    std::uint64_t events = 0;          // that are not in the state
    std::uint64_t untold_events = 0;   // of these: not in the event file either
    std::uint64_t alert_messages = 0;  // that no receiver has taken
  };
  Unkept unkept() const;
  // Does what the operator's command line asked for (operator_requests.h). Every second.
  Status HandleRequests();
  // Live: a few lines of what is in force, after the start and after each reload.
  void LogInForce() const;
  // Says what is to be said of zones under which nothing crosses, and sees who goes by other settings. Every second.
  void Watch();
  // SIGHUP: these settings take effect, all of them or, on failure, none: rules, sinks and their secrets, the event
  // file, URLs of hash sets.
  Status Reload(Settings settings);

  // It was refused before it came here (configuration, hash sets).
  void OnReloadRefused();

  Summary summary() const;
  bool outbox_idle() { return outbox_->Idle(); }
  std::uint16_t metrics_port() const { return listener_ ? listener_->port() : 0; }

 private:
  Supervisor(boost::asio::io_context& io, SupervisorMode mode, Settings settings);
  Status Open(std::vector<InspectorLink> inspectors);
  Status OpenSinks();
  Result<std::unique_ptr<alert::Outbox>> MakeOutbox(const config::Config& config);
  Result<std::unique_ptr<policy::Policy>> LoadPolicy(const Settings& settings);
  Status PrepareReload(const Settings& settings, std::unique_ptr<policy::Policy>& policy,
                       std::unique_ptr<alert::Outbox>& outbox, std::optional<alert::JsonLinesWriter>& events);
  void EnterRules();
  Status TellRuleChanges(PacketTime time);
  Status Listen();
  process::LinkState Link() const;
  bool GoesByOther(std::size_t inspector) const;
  std::string NotReadyReason() const;
  Status Judge(const MergedMessage& merged);
  Status JudgeEvent(const InspectorMessage& message);
  Status Raise(std::vector<AlertTransition> transitions);
  Status RaiseOf(const std::string& event_id, const InspectorMessage& message, const Verdict& verdict);
  Status CommitBatch();
  Status WriteDocuments();
  Status FlushEvents();
  Result<std::size_t> JudgeWaiting();
  void TellHolding();
  void OnStateFailed(const Error& error);
  void CountAlert(const Alert& alert);
  void Count(const InspectorMessage& message, const Verdict& verdict);
  SupervisorFigures Figures();

  boost::asio::io_context& io_;
  const SupervisorMode mode_;
  Settings settings_;
  config::Config& config_ = settings_.config;
  Counters counters_;  // the supervisor's own block
  std::unique_ptr<state::State> state_;
  std::unique_ptr<policy::Policy> policy_;
  RuleHistory rule_history_;
  std::vector<RuleChange> rule_changes_;       // to be told with the next message, whose time they get
  std::vector<RuleChange> rule_changes_told_;  // by what is not durable yet
  std::unique_ptr<FloodQuarantine> quarantine_;
  std::unique_ptr<alert::AlertBook> book_;
  std::unique_ptr<alert::Outbox> outbox_;
  std::optional<alert::JsonLinesWriter> events_;
  std::unique_ptr<MetricsExporter> metrics_;
  std::unique_ptr<HttpListener> listener_;
  std::unique_ptr<HashSetPuller> puller_;
  std::unique_ptr<InspectorFeed> feed_;
  process::MappedSharedBlock launcher_block_;
  ZoneWatch zones_{ZoneWatch::Clock::now()};
  Summary summary_;
  // What the batch adds to summary and metrics once it is committed.
  std::vector<std::function<void()>> counts_;
  std::uint64_t documents_handed_ = 0;  // through which the event file's writer has them, unconfirmed; 0: none
  std::uint64_t kept_sequence_ = 0;     // of the latest event that is durable
  std::uint64_t written_sequence_ = 0;  // of the latest that is in the event file
  bool ending_ = false;
  std::optional<std::chrono::steady_clock::time_point> behind_since_;  // an inspector goes by other settings
  bool event_file_failing_ = false;
  bool told_holding_ = false;
  bool raised_ = false;  // something is to leave that the outbox does not know of
  static constexpr std::chrono::milliseconds kStateRetryFirst{500};
  static constexpr std::chrono::milliseconds kStateRetryLongest{10'000};
  std::chrono::milliseconds state_retry_delay_ = kStateRetryFirst;
  std::chrono::steady_clock::time_point state_retry_at_{};
  const PacketTime began_ = WallClockNow();
  const std::chrono::steady_clock::time_point began_steady_ = std::chrono::steady_clock::now();
  bool reload_succeeded_ = true;
  PacketTime reloaded_ = WallClockNow();
  bool ready_ = false;
};

}  // namespace spanwatch::supervisor
