#include "state/database.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <cstring>

#include "base/disk_space.h"

namespace spanwatch::state {
namespace {

constexpr int kApplicationId = 0x53574348;  // "SWCH"
constexpr int kSchemaVersion = 4;
// A commit needs room for its pages, twice: in the log and, later, in the file.
constexpr std::uint64_t kReserveBytes = 1 << 20;
constexpr std::uint64_t kBytesOfAChange = 1024;
// After a commit that failed although there seemed to be room: a quota, a disk that fails.
constexpr std::chrono::seconds kCommitAgain{10};

constexpr const char* kSchema = R"(
CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE ring_positions(incarnation INTEGER PRIMARY KEY, sequence INTEGER NOT NULL);
CREATE TABLE events(
  sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, time INTEGER NOT NULL, dataset TEXT NOT NULL);
CREATE TABLE event_documents(sequence INTEGER PRIMARY KEY, document TEXT NOT NULL);
CREATE TABLE sightings(
  row INTEGER PRIMARY KEY, event_id TEXT NOT NULL UNIQUE, time INTEGER NOT NULL, phase INTEGER NOT NULL,
  flow_id INTEGER NOT NULL, object_id INTEGER NOT NULL,
  source TEXT NOT NULL, source_port INTEGER NOT NULL, destination TEXT NOT NULL, destination_port INTEGER NOT NULL,
  direction TEXT NOT NULL, protocol TEXT NOT NULL, server_name TEXT NOT NULL,
  object_name TEXT NOT NULL, media_type TEXT NOT NULL, object_size INTEGER NOT NULL, object_complete INTEGER NOT NULL,
  sha256 BLOB, provenance TEXT NOT NULL, collection TEXT NOT NULL, hashset TEXT NOT NULL,
  hashset_serial INTEGER NOT NULL, method TEXT NOT NULL, confidence TEXT NOT NULL,
  item_count INTEGER NOT NULL, authorized INTEGER NOT NULL);
CREATE INDEX sightings_flow ON sightings(flow_id);
CREATE TABLE flow_items(
  flow_id INTEGER NOT NULL, item BLOB NOT NULL, collection TEXT NOT NULL, method INTEGER NOT NULL,
  confidence INTEGER NOT NULL, distance INTEGER NOT NULL, time INTEGER NOT NULL,
  PRIMARY KEY(flow_id, item)) WITHOUT ROWID;
CREATE TABLE transfers(
  flow_id INTEGER NOT NULL, from_client INTEGER NOT NULL, event_id TEXT NOT NULL, start INTEGER NOT NULL,
  time INTEGER NOT NULL, source TEXT NOT NULL, source_port INTEGER NOT NULL, destination TEXT NOT NULL,
  destination_port INTEGER NOT NULL, direction TEXT NOT NULL, protocol TEXT NOT NULL, server_name TEXT NOT NULL,
  visibility TEXT NOT NULL, bytes INTEGER NOT NULL, gap_bytes INTEGER NOT NULL, opaque_bytes INTEGER NOT NULL,
  objects INTEGER NOT NULL, final INTEGER NOT NULL, PRIMARY KEY(flow_id, from_client)) WITHOUT ROWID;
CREATE TABLE correlation_groups(
  row INTEGER PRIMARY KEY, rule TEXT NOT NULL, group_key TEXT NOT NULL, window INTEGER NOT NULL,
  latest INTEGER NOT NULL, UNIQUE(rule, group_key));
CREATE TABLE correlation_values(
  group_row INTEGER NOT NULL, value BLOB NOT NULL, time INTEGER NOT NULL, PRIMARY KEY(group_row, value)) WITHOUT ROWID;
CREATE TABLE alerts(
  id TEXT PRIMARY KEY, group_key TEXT NOT NULL, state TEXT NOT NULL, severity TEXT NOT NULL, opened INTEGER NOT NULL,
  last INTEGER NOT NULL, document TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX alerts_state ON alerts(state);
CREATE TABLE alert_values(
  alert_key INTEGER NOT NULL, kind INTEGER NOT NULL, value BLOB NOT NULL, amount INTEGER NOT NULL,
  PRIMARY KEY(alert_key, kind, value)) WITHOUT ROWID;
CREATE TABLE outbox(
  row INTEGER PRIMARY KEY AUTOINCREMENT, endpoint TEXT NOT NULL, group_key TEXT NOT NULL, message_id TEXT NOT NULL,
  type TEXT NOT NULL, body TEXT NOT NULL, created INTEGER NOT NULL, attempts INTEGER NOT NULL,
  next_attempt INTEGER NOT NULL, dead INTEGER NOT NULL, last_error TEXT NOT NULL, UNIQUE(endpoint, message_id));
CREATE INDEX outbox_group ON outbox(endpoint, dead, group_key, row);
CREATE INDEX outbox_due ON outbox(endpoint, dead, next_attempt);
CREATE TABLE disabled_endpoints(endpoint TEXT PRIMARY KEY, reason TEXT NOT NULL) WITHOUT ROWID;
)";

// What version 2 added to version 1.
constexpr const char* kQuarantineSchema = R"(
ALTER TABLE sightings ADD COLUMN quarantined INTEGER NOT NULL DEFAULT 0;
CREATE TABLE quarantine(
  item BLOB NOT NULL, method INTEGER NOT NULL, confidence INTEGER NOT NULL, collection TEXT NOT NULL,
  severity INTEGER NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL, held INTEGER NOT NULL,
  PRIMARY KEY(item, method, confidence)) WITHOUT ROWID;
CREATE TABLE quarantine_places(
  item BLOB NOT NULL, method INTEGER NOT NULL, confidence INTEGER NOT NULL, kind INTEGER NOT NULL,
  value INTEGER NOT NULL, time INTEGER NOT NULL, PRIMARY KEY(item, method, confidence, kind, value)) WITHOUT ROWID;
)";

// What version 3 added: by the wall clock, when a row was last written (rows of before are as if written now), for a
// purge goes by both clocks; since when a message fails; and eras of correlation groups.
std::string TouchedSchema(PacketTime now) {
  std::string schema =
      "ALTER TABLE outbox ADD COLUMN failing_since INTEGER NOT NULL DEFAULT 0;\n"
      "CREATE INDEX outbox_order ON outbox(endpoint, dead, attempts, row);\n";
  for (const char* table : {"events", "sightings", "flow_items", "transfers", "alerts"}) {
    schema += fmt::format("ALTER TABLE {} ADD COLUMN touched INTEGER NOT NULL DEFAULT {};\n", table, Nanoseconds(now));
  }
  return schema + fmt::format(R"(
CREATE TABLE eras(
  row INTEGER PRIMARY KEY, rule TEXT NOT NULL, group_key TEXT NOT NULL, era INTEGER NOT NULL, window INTEGER NOT NULL,
  latest INTEGER NOT NULL, touched INTEGER NOT NULL, UNIQUE(rule, group_key, era));
INSERT INTO eras SELECT row, rule, group_key, 1, window, latest, {} FROM correlation_groups;
DROP TABLE correlation_groups;
ALTER TABLE eras RENAME TO correlation_groups;
)",
                              Nanoseconds(now));
}

// What version 4 changed: a row of alerts is a kilobyte, and a table WITHOUT ROWID has its rows in the inner pages of
// its tree too, a few on each, so that the cost of an alert grew with their number.
constexpr const char* kAlertsSchema = R"(
CREATE TABLE alerts_by_row(
  id TEXT NOT NULL UNIQUE, group_key TEXT NOT NULL, state TEXT NOT NULL, severity TEXT NOT NULL,
  opened INTEGER NOT NULL, last INTEGER NOT NULL, document TEXT NOT NULL, touched INTEGER NOT NULL);
INSERT INTO alerts_by_row SELECT id, group_key, state, severity, opened, last, document, touched FROM alerts;
DROP TABLE alerts;
ALTER TABLE alerts_by_row RENAME TO alerts;
CREATE INDEX alerts_state ON alerts(state);
)";

}  // namespace

Result<std::unique_ptr<Database>> Database::Open(const std::string& path, Access access) {
  std::unique_ptr<Database> database(new Database);
  if (Status status = database->OpenFile(path, access); !status) return Fail(status.error());
  if (path != ":memory:" && access == Access::kWriter) database->path_ = path;
  Status status = database->CheckFile(access);
  // What begins with a full disk goes on with it.
  if (status && !database->HasRoom()) {
    status = database->Begin();
    if (status) status = database->Commit();
  }
  if (status) return database;
  const int code = sqlite3_errcode(database->handle_);
  if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT) {
    return Fail(ErrorCode::kCorrupt,
                "{} is damaged ({}); move it away and start again with an empty one: what the sensor remembered, and "
                "alerts that wait for delivery, are in the file that is moved",
                path, sqlite3_errstr(code));
  }
  return Fail(status.error().In(path));
}

Status Database::OpenFile(const std::string& path, Access access) {
  if (path != ":memory:" && access == Access::kWriter) {
    // SQLite gives its side files the mode of the main file.
    const UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!file) return FailErrno("cannot open " + path);
    lock_.reset(::open((path + "-lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!lock_) return FailErrno("cannot open " + path + "-lock");
    if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
      return Fail(ErrorCode::kUnavailable, "{} is in use by another spanwatch; stop it or name another state file",
                  path);
    }
  }
  const int flags = access == Access::kWriter ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
  const int code = sqlite3_open_v2(path.c_str(), &handle_, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  owner_.reset(handle_);
  if (code != SQLITE_OK) return Fail(ErrorCode::kIo, "cannot open {}: {}", path, sqlite3_errstr(code));
  sqlite3_busy_timeout(handle_, 5000);
  return {};
}

Status Database::CheckFile(Access access) {
  const auto pragma = [&](const char* name) -> Result<std::int64_t> {
    auto statement = Prepare(fmt::format("PRAGMA {}", name));
    if (!statement) return Fail(statement.error());
    auto row = statement->Step();
    if (!row) return Fail(row.error());
    return *row ? statement->Integer(0) : 0;
  };
  const auto application = pragma("application_id");
  if (!application) return Fail(application.error());
  const auto version = pragma("user_version");
  if (!version) return Fail(version.error());
  const auto tables = pragma("schema_version");
  if (!tables) return Fail(tables.error());
  const bool fresh = *tables == 0;
  if (!fresh && *application != kApplicationId) return Fail(ErrorCode::kInvalid, "is not a Spanwatch state file");
  if (*version > kSchemaVersion) {
    return Fail(ErrorCode::kInvalid, "was written by a newer Spanwatch (schema {}; this one knows {})", *version,
                kSchemaVersion);
  }
  if (access == Access::kReader) {
    if (fresh) return Fail(ErrorCode::kInvalid, "is empty: no sensor has written to it yet");
    if (*version < kSchemaVersion) {
      return Fail(ErrorCode::kInvalid, "was written by an older Spanwatch; start the sensor once, then it can be read");
    }
  } else {
    const Status status = Execute(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-32000; "
        "PRAGMA trusted_schema=OFF");
    if (!status) return status;
    if (fresh) {
      if (Status made = MakeSchema(); !made) return made;
    } else if (*version < kSchemaVersion) {
      if (Status migrated = Migrate(*version); !migrated) return migrated;
    }
  }
  const auto seed = Number("hash_seed");
  if (!seed) return Fail(seed.error());
  hash_seed_ = static_cast<std::uint64_t>(*seed);
  return {};
}

Status Database::MakeSchema() {
  std::int64_t seed = 0;
  if (::getrandom(&seed, sizeof(seed), 0) != sizeof(seed)) return FailErrno("cannot draw random bytes");
  if (Status status = Begin(); !status) return status;
  Status status = Execute(kSchema);
  if (status) status = Execute(kQuarantineSchema);
  if (status) status = Execute(TouchedSchema(WallClockNow()).c_str());
  if (status) status = Execute(kAlertsSchema);
  if (status)
    status = Execute(
        fmt::format("PRAGMA application_id={}; PRAGMA user_version={}", kApplicationId, kSchemaVersion).c_str());
  if (status) status = SetNumber("hash_seed", seed);
  if (!status) {
    Rollback();
    return status;
  }
  return Commit();
}

Status Database::Migrate(std::int64_t from_version) {
  if (Status status = Begin(); !status) return status;
  Status status;
  if (from_version < 2) status = Execute(kQuarantineSchema);
  if (status && from_version < 3) status = Execute(TouchedSchema(WallClockNow()).c_str());
  if (status) status = Execute(kAlertsSchema);
  if (status) status = Execute(fmt::format("PRAGMA user_version={}", kSchemaVersion).c_str());
  if (status) return Commit();
  Rollback();
  return status;
}

Status Database::Begin() {
  failed_ = false;
  // IMMEDIATE: the one writer never finds out late that it may not write. What is held is open already.
  Status status = holding_ ? Status() : Execute("BEGIN IMMEDIATE");
  if (status) in_batch_ = true;
  return status;
}

Status Database::Commit() {
  Status status;
  // A full disk may have ended the transaction: what followed would be kept by itself.
  if (failed_) status = Fail(ErrorCode::kIo, "state file: a change of this batch failed; nothing of it is kept");
  for (BatchParticipant* participant : participants_) {
    if (status) status = participant->BeforeCommit();
  }
  if (status && !HasRoom()) return Hold();
  if (status) status = MakeDurable();
  if (status) return {};
  Rollback();
  commit_at_ = std::chrono::steady_clock::now() + kCommitAgain;
  return status;
}

Status Database::MakeDurable() {
  if (Status status = Execute("COMMIT"); !status) return status;
  if (holding_) (void)Execute("PRAGMA cache_spill=ON");
  in_batch_ = holding_ = false;
  changes_when_durable_ = sqlite3_total_changes64(handle_);
  return {};
}

// The transaction stays open, and nothing of it is written before it ends.
Status Database::Hold() {
  if (!holding_) {
    if (Status status = Execute("PRAGMA cache_spill=OFF"); !status) return status;
  }
  holding_ = true;
  in_batch_ = false;
  return {};
}

bool Database::HasRoom() const {
  if (path_.empty()) return true;
  if (std::chrono::steady_clock::now() < commit_at_) return false;
  const auto space = DiskSpaceAt(path_);
  return !space || space->free_bytes >= kReserveBytes + (holding_ ? held_bytes() : 0);
}

std::uint64_t Database::held_bytes() const {
  if (!holding_) return 0;
  return static_cast<std::uint64_t>(sqlite3_total_changes64(handle_) - changes_when_durable_) * kBytesOfAChange;
}

Status Database::CommitHeld() {
  if (!holding_) return {};
  Status status = MakeDurable();
  if (!status) Rollback();
  return status;
}

void Database::Rollback() {
  if (sqlite3_get_autocommit(handle_) == 0) sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
  if (holding_) (void)Execute("PRAGMA cache_spill=ON");
  in_batch_ = holding_ = false;
  for (BatchParticipant* participant : participants_) participant->AfterRollback();
}

Result<SqlStatement> Database::Prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                      &statement, nullptr);
  if (code != SQLITE_OK) {
    return Fail(code == SQLITE_NOTADB || code == SQLITE_CORRUPT ? ErrorCode::kCorrupt : ErrorCode::kIo,
                "state file: {}", sqlite3_errmsg(handle_));
  }
  return SqlStatement(statement, "state file", &failed_);
}

Status Database::PrepareAll(std::initializer_list<std::pair<SqlStatement*, std::string_view>> statements) {
  for (const auto& [statement, sql] : statements) {
    auto prepared = Prepare(sql);
    if (!prepared) return Fail(prepared.error());
    *statement = std::move(*prepared);
  }
  return {};
}

Status Database::Execute(const char* sql) {
  if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  const int code = sqlite3_errcode(handle_);
  return Fail(code == SQLITE_FULL ? ErrorCode::kLimit : ErrorCode::kIo, "state file: {}", sqlite3_errmsg(handle_));
}

Result<std::uint64_t> Database::Remove(SqlStatement& statement) {
  if (Status status = statement.Run(); !status) return Fail(status.error());
  return static_cast<std::uint64_t>(changed_rows());
}

Result<std::int64_t> Database::Number(std::string_view meta_name) {
  auto statement = Prepare("SELECT value FROM meta WHERE name=?1");
  if (!statement) return Fail(statement.error());
  const auto row = statement->Bind(1, meta_name).Step();
  if (!row) return Fail(row.error());
  return *row ? statement->Integer(0) : 0;
}

Status Database::SetNumber(std::string_view meta_name, std::int64_t value) {
  auto statement = Prepare("INSERT INTO meta VALUES(?1,?2) ON CONFLICT DO UPDATE SET value=excluded.value");
  if (!statement) return Fail(statement.error());
  return statement->Bind(1, meta_name).Bind(2, value).Run();
}

std::uint64_t Database::size_bytes() {
  auto statement = Prepare("SELECT page_count*page_size FROM pragma_page_count(), pragma_page_size()");
  if (!statement) return 0;
  const auto row = statement->Step();
  return row && *row ? static_cast<std::uint64_t>(statement->Integer(0)) : 0;
}

}  // namespace spanwatch::state
