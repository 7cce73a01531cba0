#include "state/state.h"

#include <algorithm>

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

Result<std::vector<State::Purged>> State::Purge(Clocks now) {
  const auto before = [&](std::uint64_t days) { return Clocks{now.packet - Days(days), now.wall - Days(days)}; };
  std::vector<Purged> purged;
  Status status;
  const auto note = [&](std::string_view table, const Result<std::uint64_t>& rows) {
    if (!rows) status = Fail(rows.error());
    if (rows && *rows > 0) purged.push_back({table, *rows});
    return rows.has_value();
  };
  const bool all = note("events", events_->Purge(before(limits_.state_event_retention_days))) &&
                   note("sightings", sightings_->PurgeSightings(before(limits_.state_sighting_retention_days))) &&
                   note("flow_items", sightings_->PurgeItems(before(limits_.state_sighting_retention_days))) &&
                   note("transfers", sightings_->PurgeTransfers(before(limits_.state_transfer_retention_days))) &&
                   note("correlation_values", correlations_->Purge(now)) &&
                   note("alerts", alerts_->Purge(before(limits_.state_alert_retention_days))) &&
                   note("outbox", outbox_->Purge(before(limits_.state_alert_retention_days).wall));
  if (all) status = quarantine_->Purge(std::min(now.packet, now.wall));
  if (!status) return Fail(status.error());
  return purged;
}

}  // namespace spanwatch::state
