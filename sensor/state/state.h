// State: everything the supervisor keeps over restarts and kill -9, in one SQLite file or in memory (design.md section
// 6).
//
// Supervisor thread only. How a batch of ring messages is committed:
//   Begin; for each message: events().TakeRingMessage, NumberEvent, sightings().Add, correlations().Observe (by
//   policy), the alert book with its transitions into outbox().Enqueue; AlertBook::Save; Commit; only then the ring
//   index advances.
// After a failed Commit everything in memory is as the file has it: load the alert book again and take the batch again.
#pragma once

#include "state/alert_table.h"
#include "state/correlation_table.h"
#include "state/database.h"
#include "state/event_table.h"
#include "state/outbox_table.h"
#include "state/quarantine_table.h"
#include "state/sighting_table.h"

namespace spanwatch::state {

class State {
 public:
  // `path` ":memory:" for a replay without --state. `limits` and `counters` outlive the state.
  static Result<std::unique_ptr<State>> Open(const std::string& path, const config::Limits& limits, Counters& counters,
                                             Access access = Access::kWriter);

  Status Begin() { return database_->Begin(); }
  Status Commit() { return database_->Commit(); }
  void Rollback() { database_->Rollback(); }
  // Removes what both clocks call older than the limits allow; tells how many rows of which table, in plain words and
  // only of those where there were some. Call now and then, outside of a batch.
  struct Purged {
    std::string_view table;
    std::uint64_t rows = 0;
  };
  Result<std::vector<Purged>> Purge(Clocks now);

  EventTable& events() { return *events_; }
  SightingTable& sightings() { return *sightings_; }
  CorrelationTable& correlations() { return *correlations_; }
  AlertTable& alerts() { return *alerts_; }
  OutboxTable& outbox() { return *outbox_; }
  QuarantineTable& quarantine() { return *quarantine_; }
  Database& database() { return *database_; }

 private:
  explicit State(const config::Limits& limits) : limits_(limits) {}

  const config::Limits& limits_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<EventTable> events_;
  std::unique_ptr<SightingTable> sightings_;
  std::unique_ptr<CorrelationTable> correlations_;
  std::unique_ptr<AlertTable> alerts_;
  std::unique_ptr<OutboxTable> outbox_;
  std::unique_ptr<QuarantineTable> quarantine_;
};

}  // namespace spanwatch::state
