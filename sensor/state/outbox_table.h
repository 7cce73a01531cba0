// OutboxTable: the durable queue of messages (OutboxStore of model/outbox_store.h). Supervisor thread only.
#pragma once

#include "model/outbox_store.h"
#include "state/database.h"

namespace spanwatch::state {

class OutboxTable : public OutboxStore {
 public:
  static Result<std::unique_ptr<OutboxTable>> Open(Database& database);

  Status Enqueue(const OutboxMessage& message) override;
  Result<std::vector<OutboxMessage>> Due(const std::string& endpoint, PacketTime now, std::size_t limit) override;
  Result<std::optional<PacketTime>> NextAttempt(const std::string& endpoint) override;
  Status MakeDue(const std::string& endpoint, PacketTime now) override;
  Status MarkDelivered(std::int64_t row) override;
  Status MarkRetry(std::int64_t row, PacketTime next_attempt, const std::string& error) override;
  Status MarkDead(std::int64_t row, const std::string& error) override;
  Status SetDisabled(const std::string& endpoint, bool disabled, const std::string& reason) override;
  Result<bool> Disabled(const std::string& endpoint) override;
  Result<OutboxFigures> Figures(const std::string& endpoint) override;
  Result<std::vector<OutboxMessage>> DeadLetters(const std::string& endpoint, std::size_t limit) override;
  // Removes dead letters that were entered before `time` (wall clock).
  Status Purge(PacketTime time);

 private:
  explicit OutboxTable(Database& database) : database_(database) {}
  Status Prepare();

  Database& database_;
  SqlStatement insert_, due_, next_attempt_, make_due_, delete_, retry_, dead_, enable_, disable_, disabled_, figures_,
      dead_letters_, purge_dead_;
};

}  // namespace spanwatch::state
