#include "state/outbox_table.h"

namespace spanwatch::state {
namespace {

constexpr std::string_view kColumns =
    "row, endpoint, group_key, message_id, type, body, created, attempts, next_attempt, last_error, failing_since, "
    "dead";
// The first pending message of each group of endpoint ?1.
constexpr std::string_view kHeads =
    "FROM outbox o WHERE endpoint=?1 AND dead=0 AND row="
    "(SELECT MIN(row) FROM outbox p WHERE p.endpoint=?1 AND p.dead=0 AND p.group_key=o.group_key)";

Result<std::vector<OutboxMessage>> ReadAll(SqlStatement& statement) {
  std::vector<OutboxMessage> messages;
  while (true) {
    const auto row = statement.Step();
    if (!row) return Fail(row.error());
    if (!*row) return messages;
    OutboxMessage message;
    message.row = statement.Integer(0);
    message.endpoint = statement.Text(1);
    message.group = statement.Text(2);
    message.message_id = statement.Text(3);
    message.type = statement.Text(4);
    message.body = statement.Text(5);
    message.created = PacketTimeFromNanoseconds(statement.Integer(6));
    message.attempts = static_cast<std::uint32_t>(statement.Integer(7));
    message.next_attempt = PacketTimeFromNanoseconds(statement.Integer(8));
    message.last_error = statement.Text(9);
    message.failing_since = PacketTimeFromNanoseconds(statement.Integer(10));
    message.dead = statement.Integer(11) != 0;
    messages.push_back(std::move(message));
  }
}

}  // namespace

Result<std::unique_ptr<OutboxTable>> OutboxTable::Open(Database& database) {
  std::unique_ptr<OutboxTable> table(new OutboxTable(database));
  if (Status status = table->Prepare(); !status) return Fail(status.error());
  return table;
}

Status OutboxTable::Prepare() {
  const std::string due =
      fmt::format("SELECT {} {} AND next_attempt<=?2 ORDER BY attempts, row LIMIT ?3", kColumns, kHeads);
  const std::string next_attempt = fmt::format("SELECT MIN(next_attempt) {}", kHeads);
  const std::string undelivered = fmt::format("SELECT {} FROM outbox ORDER BY row LIMIT ?1", kColumns);
  return database_.PrepareAll({
      {&insert_, "INSERT OR IGNORE INTO outbox VALUES(NULL,?1,?2,?3,?4,?5,?6,?7,?8,0,'',0)"},
      {&due_, due},
      {&next_attempt_, next_attempt},
      {&make_due_, "UPDATE outbox SET next_attempt=?2 WHERE endpoint=?1 AND dead=0 AND next_attempt>?2"},
      {&delete_, "DELETE FROM outbox WHERE row=?1"},
      {&retry_,
       "UPDATE outbox SET attempts=attempts+1, next_attempt=?2, last_error=?3, "
       "failing_since=CASE failing_since WHEN 0 THEN ?4 ELSE failing_since END WHERE row=?1"},
      {&dead_, "UPDATE outbox SET attempts=attempts+1, dead=1, last_error=?2 WHERE row=?1"},
      {&enable_, "DELETE FROM disabled_endpoints WHERE endpoint=?1"},
      {&disable_, "INSERT INTO disabled_endpoints VALUES(?1,?2) ON CONFLICT DO UPDATE SET reason=excluded.reason"},
      {&disabled_, "SELECT 1 FROM disabled_endpoints WHERE endpoint=?1"},
      {&figures_,
       "SELECT (SELECT COUNT(*) FROM outbox WHERE endpoint=?1 AND dead=0), "
       "(SELECT COUNT(*) FROM outbox WHERE endpoint=?1 AND dead=1), "
       "(SELECT MIN(created) FROM outbox WHERE endpoint=?1 AND dead=0)"},
      {&renew_,
       "UPDATE outbox SET dead=0, attempts=0, failing_since=0, next_attempt=?3 "
       "WHERE (?1='' OR endpoint=?1) AND (?2='' OR message_id=?2 OR "
       "substr(message_id,1,length(?2)+5)='msg_'||?2||'_')"},
      {&undelivered_, undelivered},
      {&purge_dead_, "DELETE FROM outbox WHERE dead=1 AND created<?1"},
  });
}

Status OutboxTable::Enqueue(const OutboxMessage& message) {
  insert_.Bind(1, message.endpoint).Bind(2, message.group).Bind(3, message.message_id).Bind(4, message.type);
  insert_.Bind(5, message.body).Bind(6, Nanoseconds(message.created)).Bind(7, std::int64_t{message.attempts});
  return insert_.Bind(8, Nanoseconds(message.next_attempt)).Run();
}

Result<std::vector<OutboxMessage>> OutboxTable::Due(const std::string& endpoint, PacketTime now, std::size_t limit) {
  due_.Bind(1, endpoint).Bind(2, Nanoseconds(now)).Bind(3, static_cast<std::int64_t>(limit));
  return ReadAll(due_);
}

Result<std::optional<PacketTime>> OutboxTable::NextAttempt(const std::string& endpoint) {
  const auto row = next_attempt_.Bind(1, endpoint).Step();
  if (!row) return Fail(row.error());
  std::optional<PacketTime> time;
  if (*row && !next_attempt_.IsNull(0)) time = PacketTimeFromNanoseconds(next_attempt_.Integer(0));
  next_attempt_.Reset();
  return time;
}

Status OutboxTable::MakeDue(const std::string& endpoint, PacketTime now) {
  return make_due_.Bind(1, endpoint).Bind(2, Nanoseconds(now)).Run();
}

Status OutboxTable::MarkDelivered(std::int64_t row) { return delete_.Bind(1, row).Run(); }

Status OutboxTable::MarkRetry(std::int64_t row, PacketTime now, PacketTime next_attempt, const std::string& error) {
  return retry_.Bind(1, row).Bind(2, Nanoseconds(next_attempt)).Bind(3, error).Bind(4, Nanoseconds(now)).Run();
}

Status OutboxTable::MarkDead(std::int64_t row, const std::string& error) {
  return dead_.Bind(1, row).Bind(2, error).Run();
}

Status OutboxTable::SetDisabled(const std::string& endpoint, bool disabled, const std::string& reason) {
  if (disabled) return disable_.Bind(1, endpoint).Bind(2, reason).Run();
  return enable_.Bind(1, endpoint).Run();
}

Result<bool> OutboxTable::Disabled(const std::string& endpoint) {
  const auto row = disabled_.Bind(1, endpoint).Step();
  if (!row) return Fail(row.error());
  disabled_.Reset();
  return *row;
}

Result<OutboxFigures> OutboxTable::Figures(const std::string& endpoint) {
  const auto row = figures_.Bind(1, endpoint).Step();
  if (!row) return Fail(row.error());
  OutboxFigures figures{static_cast<std::uint64_t>(figures_.Integer(0)),
                        static_cast<std::uint64_t>(figures_.Integer(1)), std::nullopt};
  if (!figures_.IsNull(2)) figures.oldest_pending = PacketTimeFromNanoseconds(figures_.Integer(2));
  figures_.Reset();
  return figures;
}

Result<std::uint64_t> OutboxTable::Renew(const std::string& endpoint, const std::string& id, PacketTime now) {
  Status status = renew_.Bind(1, endpoint).Bind(2, id).Bind(3, Nanoseconds(now)).Run();
  if (!status) return Fail(status.error());
  return static_cast<std::uint64_t>(database_.changed_rows());
}

Result<std::vector<OutboxMessage>> OutboxTable::Undelivered(std::size_t limit) {
  return ReadAll(undelivered_.Bind(1, static_cast<std::int64_t>(limit)));
}

Result<std::uint64_t> OutboxTable::Purge(PacketTime wall) {
  return database_.Remove(purge_dead_.Bind(1, Nanoseconds(wall)));
}

}  // namespace spanwatch::state
