#include "state/sighting_table.h"

namespace spanwatch::state {
namespace {

// Provenance steps are masked text; the separator is that of the documentation.
std::string Join(const Provenance& provenance) {
  std::string text;
  for (const std::string& step : provenance) {
    if (!text.empty()) text += " / ";
    text += step;
  }
  return text;
}

}  // namespace

Result<std::unique_ptr<SightingTable>> SightingTable::Open(Database& database) {
  std::unique_ptr<SightingTable> table(new SightingTable(database));
  if (Status status = table->Prepare(); !status) return Fail(status.error());
  return table;
}

Status SightingTable::Prepare() {
  return database_.PrepareAll({
      {&insert_sighting_,
       "INSERT OR IGNORE INTO sightings VALUES(NULL,?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,"
       "?20,?21,?22,?23,?24,?25,?26,?27)"},
      {&insert_item_, "INSERT OR IGNORE INTO flow_items VALUES(?1,?2,?3,?4,?5,?6,?7,?8)"},
      {&improve_item_,
       "UPDATE flow_items SET method=?3, confidence=?4, distance=?5 "
       "WHERE flow_id=?1 AND item=?2 AND (method>?3 OR (method=?3 AND confidence<?4))"},
      {&upsert_transfer_,
       "INSERT INTO transfers VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19) "
       "ON CONFLICT DO UPDATE SET event_id=excluded.event_id, time=excluded.time, protocol=excluded.protocol, "
       "server_name=excluded.server_name, visibility=excluded.visibility, bytes=excluded.bytes, "
       "gap_bytes=excluded.gap_bytes, opaque_bytes=excluded.opaque_bytes, objects=excluded.objects, "
       "final=excluded.final, touched=excluded.touched "
       "WHERE excluded.time>=time"},
      {&select_items_,
       "SELECT item, method, confidence, collection, time FROM flow_items WHERE flow_id=?1 ORDER BY item"},
      {&totals_,
       "SELECT (SELECT COUNT(*) FROM sightings), (SELECT COUNT(*) FROM flow_items), "
       "(SELECT COUNT(DISTINCT item) FROM flow_items), (SELECT COUNT(*) FROM transfers)"},
      {&purge_sightings_, "DELETE FROM sightings WHERE time<?1 AND touched<?2"},
      {&purge_items_, "DELETE FROM flow_items WHERE time<?1 AND touched<?2"},
      {&purge_transfers_, "DELETE FROM transfers WHERE time<?1 AND touched<?2"},
  });
}

Result<std::uint64_t> SightingTable::Add(std::string_view event_id, const Sighting& sighting, bool authorised,
                                         std::size_t quarantined) {
  const FlowSummary& flow = sighting.flow;
  SqlStatement& insert = insert_sighting_;
  insert.Bind(1, event_id).Bind(2, Nanoseconds(sighting.time)).Bind(3, static_cast<std::int64_t>(sighting.phase));
  insert.Bind(4, SqlInteger(flow.flow_id)).Bind(5, std::int64_t{sighting.object_id});
  insert.Bind(6, ToString(flow.source.address)).Bind(7, std::int64_t{flow.source.port});
  insert.Bind(8, ToString(flow.destination.address)).Bind(9, std::int64_t{flow.destination.port});
  insert.Bind(10, ToString(flow.crossing)).Bind(11, flow.facts.protocol).Bind(12, flow.facts.exchange.server_name);
  insert.Bind(13, sighting.object_name).Bind(14, sighting.media_type).Bind(15, SqlInteger(sighting.object_size));
  insert.Bind(16, std::int64_t{sighting.object_complete});
  if (sighting.sha256)
    insert.Bind(17, ByteView(*sighting.sha256));
  else
    insert.BindNull(17);
  insert.Bind(18, Join(sighting.provenance)).Bind(19, sighting.collection).Bind(20, sighting.hashset_name);
  insert.Bind(21, SqlInteger(sighting.hashset_serial)).Bind(22, ToString(sighting.method));
  insert.Bind(23, ToString(sighting.confidence)).Bind(24, SqlInteger(sighting.items.size()));
  const std::int64_t now = Nanoseconds(WallClockNow());
  insert.Bind(25, std::int64_t{authorised}).Bind(26, SqlInteger(quarantined)).Bind(27, now);
  if (Status status = insert.Run(); !status) return Fail(status.error());
  if (database_.changed_rows() == 0) return 0;

  std::uint64_t fresh = 0;
  for (const SightedItem& item : sighting.items) {
    const auto method = static_cast<std::int64_t>(item.method);
    const auto confidence = static_cast<std::int64_t>(item.confidence);
    insert_item_.Bind(1, SqlInteger(flow.flow_id))
        .Bind(2, ByteView(item.id))
        .Bind(3, sighting.collection)
        .Bind(4, method);
    insert_item_.Bind(5, confidence).Bind(6, std::int64_t{item.distance}).Bind(7, Nanoseconds(sighting.time));
    insert_item_.Bind(8, now);
    if (Status status = insert_item_.Run(); !status) return Fail(status.error());
    if (database_.changed_rows() > 0) {
      ++fresh;
      continue;
    }
    improve_item_.Bind(1, SqlInteger(flow.flow_id)).Bind(2, ByteView(item.id)).Bind(3, method).Bind(4, confidence);
    if (Status status = improve_item_.Bind(5, std::int64_t{item.distance}).Run(); !status) return Fail(status.error());
  }
  return fresh;
}

Status SightingTable::AddTransfer(std::string_view event_id, const TransferSummary& transfer) {
  const FlowSummary& flow = transfer.flow;
  SqlStatement& upsert = upsert_transfer_;
  upsert.Bind(1, SqlInteger(flow.flow_id)).Bind(2, std::int64_t{flow.from_client}).Bind(3, event_id);
  upsert.Bind(4, Nanoseconds(transfer.start)).Bind(5, Nanoseconds(transfer.time));
  upsert.Bind(6, ToString(flow.source.address)).Bind(7, std::int64_t{flow.source.port});
  upsert.Bind(8, ToString(flow.destination.address)).Bind(9, std::int64_t{flow.destination.port});
  upsert.Bind(10, ToString(flow.crossing)).Bind(11, flow.facts.protocol).Bind(12, flow.facts.exchange.server_name);
  upsert.Bind(13, ToString(flow.facts.visibility)).Bind(14, SqlInteger(transfer.counters.delivered_bytes));
  upsert.Bind(15, SqlInteger(transfer.counters.gap_bytes)).Bind(16, SqlInteger(transfer.opaque_bytes));
  return upsert.Bind(17, SqlInteger(transfer.objects))
      .Bind(18, std::int64_t{transfer.final})
      .Bind(19, Nanoseconds(WallClockNow()))
      .Run();
}

Result<std::vector<FlowItem>> SightingTable::ItemsOfFlow(std::uint64_t flow_id) {
  std::vector<FlowItem> items;
  select_items_.Bind(1, SqlInteger(flow_id));
  while (true) {
    const auto row = select_items_.Step();
    if (!row) return Fail(row.error());
    if (!*row) return items;
    FlowItem item;
    const ByteView id = select_items_.Blob(0);
    std::copy_n(id.begin(), std::min(id.size(), item.id.size()), item.id.begin());
    item.method = EnumFrom<Method>(static_cast<std::uint64_t>(select_items_.Integer(1))).value_or(Method::kRecord);
    item.confidence =
        EnumFrom<Confidence>(static_cast<std::uint64_t>(select_items_.Integer(2))).value_or(Confidence::kWeak);
    item.collection = select_items_.Text(3);
    item.first = PacketTimeFromNanoseconds(select_items_.Integer(4));
    items.push_back(std::move(item));
  }
}

Result<SightingTotals> SightingTable::Totals() {
  const auto row = totals_.Step();
  if (!row) return Fail(row.error());
  const auto column = [&](int number) { return static_cast<std::uint64_t>(totals_.Integer(number)); };
  const SightingTotals totals{column(0), column(1), column(2), column(3)};
  totals_.Reset();
  return totals;
}

Result<std::uint64_t> SightingTable::Purge(SqlStatement& statement, Clocks before) {
  return database_.Remove(statement.Bind(1, Nanoseconds(before.packet)).Bind(2, Nanoseconds(before.wall)));
}

Result<std::uint64_t> SightingTable::PurgeSightings(Clocks before) { return Purge(purge_sightings_, before); }
Result<std::uint64_t> SightingTable::PurgeItems(Clocks before) { return Purge(purge_items_, before); }
Result<std::uint64_t> SightingTable::PurgeTransfers(Clocks before) { return Purge(purge_transfers_, before); }

}  // namespace spanwatch::state
