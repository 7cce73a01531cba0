#include "state/event_table.h"

#include <algorithm>

#include "base/check.h"

namespace spanwatch::state {

Result<std::unique_ptr<EventTable>> EventTable::Open(Database& database) {
  std::unique_ptr<EventTable> table(new EventTable(database));
  Status status = table->Prepare();
  if (status) status = table->Load();
  if (!status) return Fail(status.error());
  database.Join(*table);
  return table;
}

Status EventTable::Prepare() {
  return database_.PrepareAll({
      {&insert_event_, "INSERT OR IGNORE INTO events VALUES(?1,?2,?3,?4,?5)"},
      {&insert_document_, "INSERT INTO event_documents VALUES(?1,?2)"},
      {&delete_documents_, "DELETE FROM event_documents WHERE sequence<=?1"},
      {&select_documents_,
       "SELECT sequence, document FROM event_documents WHERE sequence>?1 ORDER BY sequence LIMIT ?2"},
      {&save_position_,
       "INSERT INTO ring_positions VALUES(?1,?2) ON CONFLICT DO UPDATE SET sequence=excluded.sequence"},
      {&purge_, "DELETE FROM events WHERE time<?1 AND touched<?2"},
  });
}

Status EventTable::Load() {
  positions_.clear();
  changed_positions_.clear();
  auto numbered = database_.Prepare("SELECT MAX(sequence) FROM events");
  if (!numbered) return Fail(numbered.error());
  const auto row = numbered->Step();
  if (!row) return Fail(row.error());
  const auto saved = database_.Number("last_sequence");
  if (!saved) return Fail(saved.error());
  saved_sequence_ = static_cast<std::uint64_t>(*saved);
  last_sequence_ = std::max(saved_sequence_, static_cast<std::uint64_t>(numbered->Integer(0)));
  auto positions = database_.Prepare("SELECT incarnation, sequence FROM ring_positions");
  if (!positions) return Fail(positions.error());
  while (true) {
    const auto position = positions->Step();
    if (!position) return Fail(position.error());
    if (!*position) return {};
    positions_[static_cast<std::uint64_t>(positions->Integer(0))] = static_cast<std::uint64_t>(positions->Integer(1));
  }
}

bool EventTable::TakeRingMessage(std::uint64_t incarnation, std::uint64_t sequence) {
  std::uint64_t& position = positions_[incarnation];
  if (sequence <= position) return false;
  position = sequence;
  changed_positions_[incarnation] = sequence;
  return true;
}

std::uint64_t EventTable::RingPosition(std::uint64_t incarnation) const {
  const auto found = positions_.find(incarnation);
  return found == positions_.end() ? 0 : found->second;
}

Result<std::optional<std::uint64_t>> EventTable::NumberEvent(std::string_view event_id, PacketTime time,
                                                             std::string_view dataset) {
  const std::uint64_t sequence = last_sequence_ + 1;
  const Status status = insert_event_.Bind(1, static_cast<std::int64_t>(sequence))
                            .Bind(2, event_id)
                            .Bind(3, Nanoseconds(time))
                            .Bind(4, dataset)
                            .Bind(5, Nanoseconds(WallClockNow()))
                            .Run();
  if (!status) return Fail(status.error());
  if (database_.changed_rows() == 0) return std::nullopt;
  last_sequence_ = sequence;
  return sequence;
}

Status EventTable::KeepDocument(std::uint64_t sequence, std::string_view document) {
  return insert_document_.Bind(1, static_cast<std::int64_t>(sequence)).Bind(2, document).Run();
}

Result<std::vector<EventDocument>> EventTable::UnwrittenDocuments(std::size_t limit) {
  std::vector<EventDocument> documents;
  select_documents_.Bind(1, static_cast<std::int64_t>(written_sequence_)).Bind(2, static_cast<std::int64_t>(limit));
  while (true) {
    const auto row = select_documents_.Step();
    if (!row) return Fail(row.error());
    if (!*row) return documents;
    documents.push_back({static_cast<std::uint64_t>(select_documents_.Integer(0)), select_documents_.Text(1)});
  }
}

void EventTable::ConfirmWritten(std::uint64_t sequence) { written_sequence_ = std::max(written_sequence_, sequence); }

Result<std::uint64_t> EventTable::Purge(Clocks before) {
  return database_.Remove(purge_.Bind(1, Nanoseconds(before.packet)).Bind(2, Nanoseconds(before.wall)));
}

Status EventTable::BeforeCommit() {
  for (const auto& [incarnation, sequence] : changed_positions_) {
    const Status status = save_position_.Bind(1, static_cast<std::int64_t>(incarnation))
                              .Bind(2, static_cast<std::int64_t>(sequence))
                              .Run();
    if (!status) return status;
  }
  changed_positions_.clear();
  if (last_sequence_ != saved_sequence_) {
    Status status = database_.SetNumber("last_sequence", static_cast<std::int64_t>(last_sequence_));
    if (!status) return status;
    saved_sequence_ = last_sequence_;
  }
  if (written_sequence_ == deleted_sequence_) return {};
  Status status = delete_documents_.Bind(1, static_cast<std::int64_t>(written_sequence_)).Run();
  if (status) deleted_sequence_ = written_sequence_;
  return status;
}

void EventTable::AfterRollback() noexcept {
  deleted_sequence_ = 0;  // the next commit deletes once more
  const Status status = Load();
  CHECK(status.has_value());  // the file was readable when this began; without its numbers nothing may go on
  // What was held and is lost had numbers that others get now.
  written_sequence_ = std::min(written_sequence_, last_sequence_);
}

}  // namespace spanwatch::state
