// EventTable: which ring messages and events were taken, the event numbers, and the documents that the event file still
// lacks (design.md section 2: events are numbered without gaps). Supervisor thread only.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/time.h"
#include "state/database.h"

namespace spanwatch::state {

struct EventDocument {
  std::uint64_t sequence = 0;
  std::string document;  // one line, without its end
};

class EventTable : public BatchParticipant {
 public:
  static Result<std::unique_ptr<EventTable>> Open(Database& database);

  // False: this message of this inspector was committed before (its sequence is not above the last one). A new
  // inspector process is a new incarnation; sequences of one incarnation ascend from 1.
  bool TakeRingMessage(std::uint64_t incarnation, std::uint64_t sequence);
  std::uint64_t RingPosition(std::uint64_t incarnation) const;

  // The event's number; nothing when an event of this id was numbered before.
  Result<std::optional<std::uint64_t>> NumberEvent(std::string_view event_id, PacketTime time,
                                                   std::string_view dataset);
  std::uint64_t last_sequence() const { return last_sequence_; }

  // The document stays until ConfirmWritten: after a crash it is written again, under the same number and id.
  Status KeepDocument(std::uint64_t sequence, std::string_view document);
  Result<std::vector<EventDocument>> UnwrittenDocuments(std::size_t limit);
  // Takes effect with the next commit.
  void ConfirmWritten(std::uint64_t sequence);

  // Forgets the ids of events that both clocks call older; returns how many.
  Result<std::uint64_t> Purge(Clocks before);

  Status BeforeCommit() override;
  void AfterRollback() noexcept override;

 private:
  explicit EventTable(Database& database) : database_(database) {}
  Status Prepare();
  Status Load();

  Database& database_;
  SqlStatement insert_event_, insert_document_, delete_documents_, select_documents_, save_position_, purge_;
  std::map<std::uint64_t, std::uint64_t> positions_;
  std::map<std::uint64_t, std::uint64_t> changed_positions_;
  std::uint64_t last_sequence_ = 0;
  std::uint64_t saved_sequence_ = 0;
  std::uint64_t written_sequence_ = 0;
  std::uint64_t deleted_sequence_ = 0;
};

}  // namespace spanwatch::state
