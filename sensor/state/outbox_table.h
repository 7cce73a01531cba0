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
  Status MarkRetry(std::int64_t row, PacketTime now, PacketTime next_attempt, const std::string& error) override;
  Status MarkDead(std::int64_t row, const std::string& error) override;
  Status SetDisabled(const std::string& endpoint, bool disabled, const std::string& reason) override;
  Result<bool> Disabled(const std::string& endpoint) override;
  Result<OutboxFigures> Figures(const std::string& endpoint) override;
  Result<std::uint64_t> Renew(const std::string& endpoint, const std::string& id, PacketTime now) override;
  // For the command line: what waits and what was given up, of every endpoint, the oldest first.
  Result<std::vector<OutboxMessage>> Undelivered(std::size_t limit);
  // Removes messages that were given up and were entered before `wall` (wall clock); returns how many.
  Result<std::uint64_t> Purge(PacketTime wall);

 private:
  explicit OutboxTable(Database& database) : database_(database) {}
  Status Prepare();

  Database& database_;
  SqlStatement insert_, due_, next_attempt_, make_due_, delete_, retry_, dead_, enable_, disable_, disabled_, figures_,
      renew_, undelivered_, purge_dead_;
};

}  // namespace spanwatch::state
