// SightingTable: every sighting with all its items, and the transfers, light. An item counts once per flow, by its best
// method (design.md section 9.3). Supervisor thread only.
#pragma once

#include "model/sighting.h"
#include "state/database.h"

namespace spanwatch::state {

struct FlowItem {
  ItemId id{};
  Method method = Method::kExact;
  Confidence confidence = Confidence::kSure;
  std::string collection;
  PacketTime first;
};

struct SightingTotals {
  std::uint64_t sightings = 0;
  std::uint64_t flow_items = 0;  // pairs of flow and item
  std::uint64_t distinct_items = 0;
  std::uint64_t transfers = 0;
};

class SightingTable {
 public:
  static Result<std::unique_ptr<SightingTable>> Open(Database& database);

  // Returns how many of its items are new to the flow. A second call with the same event id changes nothing.
  // `quarantined`: how many of its items are in quarantine.
  Result<std::uint64_t> Add(std::string_view event_id, const Sighting& sighting, bool authorised,
                            std::size_t quarantined = 0);
  // A later summary of the same direction of the same flow replaces the earlier one.
  Status AddTransfer(std::string_view event_id, const TransferSummary& transfer);

  Result<std::vector<FlowItem>> ItemsOfFlow(std::uint64_t flow_id);
  Result<SightingTotals> Totals();
  // Remove what both clocks call older; return how many rows.
  Result<std::uint64_t> PurgeSightings(Clocks before);
  Result<std::uint64_t> PurgeItems(Clocks before);
  Result<std::uint64_t> PurgeTransfers(Clocks before);

 private:
  explicit SightingTable(Database& database) : database_(database) {}
  Status Prepare();
  Result<std::uint64_t> Purge(SqlStatement& statement, Clocks before);

  Database& database_;
  SqlStatement insert_sighting_, insert_item_, improve_item_, upsert_transfer_, select_items_, totals_;
  SqlStatement purge_sightings_, purge_items_, purge_transfers_;
};

}  // namespace spanwatch::state
