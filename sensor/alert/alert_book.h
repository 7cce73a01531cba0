// AlertBook: groups what rules say to alerts, and runs their life: opened at once, updated at a bounded rate (at once
// when the severity rises), closed after quiet time; all by packet time (design.md section 6, Alerts; section 9.1).
//
// Supervisor thread only, inside a batch of the state. The transitions returned are to be entered into the outbox in
// the same batch; Save is the last call before Commit. After a failed commit: Load again. No call but Load, CloseAll
// and Close costs more when more alerts are open.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include "config/limits.h"
#include "model/alert.h"
#include "telemetry/counters.h"

namespace spanwatch::alert {

class AlertBook {
 public:
  // `limits`, `store` and `counters` outlive the book. `live`: of a live sensor. Its alerts and those of replays into
  // the same state know nothing of each other, for the packet time of the one says nothing of the other's.
  AlertBook(std::string sensor, const config::Limits& limits, AlertStore& store, Counters& counters, bool live = true)
      : sensor_(std::move(sensor)), limits_(limits), store_(store), counters_(counters), live_(live) {}

  // Reads the open alerts. REQUIRES: once before anything else.
  Status Load();
  // One event and what the policy says of it. An event without matches changes nothing. `message` is a Sighting, a
  // TransferSummary or an AnomalyReport.
  Result<std::vector<AlertTransition>> OnVerdict(const std::string& event_id, const InspectorMessage& message,
                                                 const Verdict& verdict);
  // Packet time is now at least `now`: tells the updates that were held back, closes what was quiet.
  Result<std::vector<AlertTransition>> Advance(PacketTime now);
  // Tells what was added to open alerts since they were last told, however short that was ago.
  Result<std::vector<AlertTransition>> TellAll(PacketTime now);
  // Closes everything, at the end of a replay of which no state is kept (reason "end").
  Result<std::vector<AlertTransition>> CloseAll(PacketTime now);
  // Closes one on the operator's word; nothing when there is no such open alert.
  Result<std::vector<AlertTransition>> Close(const std::string& alert_id, PacketTime now);
  // Writes every alert that changed since the last call.
  Status Save();

  std::size_t open_count() const { return open_.size(); }

 private:
  struct Entry {
    Alert alert;
    std::string_view key;  // in open_
    // Where it stands in by_last_ and in due_; nothing while it is in neither.
    std::optional<PacketTime> last, due;
  };
  using Open = std::map<std::string, Entry, std::less<>>;
  using ByTime = std::set<std::pair<PacketTime, std::string_view>>;
  using Group = std::vector<std::pair<std::string, std::string>>;

  Result<Entry*> FindOrOpen(const Group& group, const std::string& event_id, const InspectorMessage& message,
                            std::vector<AlertTransition>& transitions);
  Status AddEvent(Entry& entry, const std::string& event_id, const InspectorMessage& message, const Verdict& verdict);
  Status AddSighting(Entry& entry, const std::string& event_id, const Sighting& sighting);
  Status AddTransfer(Entry& entry, const std::string& event_id, const TransferSummary& transfer);
  Status AddFlow(Entry& entry, const FlowSummary& flow);
  Status SetBytes(Entry& entry, AlertSet set, const std::string& key, std::uint64_t amount);
  void Tell(Entry& entry, AlertState state, PacketTime time, std::vector<AlertTransition>& transitions);
  Status CloseEntry(Open::iterator entry, PacketTime time, std::string_view reason,
                    std::vector<AlertTransition>& transitions);
  Entry& Insert(Alert alert);
  // After every change of the alert's times.
  void Schedule(Entry& entry);
  Duration QuietTime() const;
  Duration UpdateInterval() const;

  std::string sensor_;
  const config::Limits& limits_;
  AlertStore& store_;
  Counters& counters_;
  const bool live_;
  Open open_;  // by group key: the order of transitions is that of the keys
  // Of the same entries: those that changed since they were saved, all by their last event, and all by when they are
  // to be looked at.
  std::set<std::string_view> changed_;
  ByTime by_last_;
  ByTime due_;
};

}  // namespace spanwatch::alert
