#include "state/state.h"

namespace spanwatch::state {
namespace {

Duration Days(std::uint64_t days) { return std::chrono::hours(24) * static_cast<std::int64_t>(days); }

// Opens one table and puts it where it belongs.
template <typename Table>
Status Place(std::unique_ptr<Table>& place, Result<std::unique_ptr<Table>> table) {
  if (!table) return Fail(table.error());
  place = std::move(*table);
  return {};
}

}  // namespace

Result<std::unique_ptr<State>> State::Open(const std::string& path, const config::Limits& limits, Counters& counters,
                                           Access access) {
  std::unique_ptr<State> state(new State(limits));
  Status status = Place(state->database_, Database::Open(path, access));
  if (!status) return Fail(status.error());
  Database& database = *state->database_;
  status = Place(state->events_, EventTable::Open(database));
  if (status) status = Place(state->sightings_, SightingTable::Open(database));
  if (status) status = Place(state->correlations_, CorrelationTable::Open(database, limits, counters));
  if (status) status = Place(state->alerts_, AlertTable::Open(database, limits, counters));
  if (status) status = Place(state->outbox_, OutboxTable::Open(database));
  if (status) status = Place(state->quarantine_, QuarantineTable::Open(database, limits, counters));
  if (!status) return Fail(status.error().In(path));
  return state;
}

Status State::Purge(PacketTime now) {
  Status status = events_->Purge(now - Days(limits_.state_event_retention_days));
  if (status) status = sightings_->PurgeSightings(now - Days(limits_.state_sighting_retention_days));
  if (status) status = sightings_->PurgeTransfers(now - Days(limits_.state_transfer_retention_days));
  if (status) status = correlations_->Purge(now);
  if (status) status = quarantine_->Purge(now);
  if (status) status = alerts_->Purge(now - Days(limits_.state_alert_retention_days));
  if (status) status = outbox_->Purge(WallClockNow() - Days(limits_.state_alert_retention_days));
  return status;
}

}  // namespace spanwatch::state
