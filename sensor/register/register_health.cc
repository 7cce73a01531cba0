// The part of RegisterDatabase that keeps the register whole: damage is seen, copies are verified, and what was removed
// is erased from the files.
#include <fcntl.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "register/register_database.h"
#include "register/row_sums.h"

namespace spanwatch::enrolment {
namespace {

constexpr int kEraseBusyMilliseconds = 3000;
constexpr int kBackupPages = 4096;  // of a step
constexpr const char* kErasing = "erasing";

}  // namespace

// One text a row of a statement that is made at run time.
Result<std::vector<std::string>> RegisterDatabase::Texts(const std::string& sql) {
  sqlite3_stmt* handle = nullptr;
  if (sqlite3_prepare_v2(handle_, sql.c_str(), -1, &handle, nullptr) != SQLITE_OK)
    return Fail(ErrorCode::kCorrupt, "register {}: {}", path_.string(), sqlite3_errmsg(handle_));
  SqlStatement statement(handle, "register");
  std::vector<std::string> texts;
  while (true) {
    auto row = statement.Step();
    if (!row) return Fail(row.error());
    if (!*row) return texts;
    texts.push_back(statement.Text(0));
  }
}

Result<std::string> RegisterDatabase::SchemaSum() {
  const auto lines = Texts(
      "SELECT type || ' ' || name || ' ' || tbl_name || ' ' || ifnull(sql, '') FROM sqlite_schema ORDER BY type, name");
  if (!lines) return Fail(lines.error());
  return SumOfText(fmt::format("{}", fmt::join(*lines, "\n")));
}

std::vector<std::string> RegisterDatabase::Damage() {
  std::vector<std::string> damage;
  const auto ask = [&](const std::string& sql) {
    auto texts = Texts(sql);
    if (texts) return std::move(*texts);
    damage.push_back(texts.error().message);
    return std::vector<std::string>();
  };
  for (const std::string& line : ask("PRAGMA integrity_check(20)")) {
    if (line != "ok") damage.push_back(line);
  }
  if (!damage.empty()) return damage;  // what else it says would not be sure
  for (const SummedTable& table : kSummedTables) {
    for (const std::string& count : ask(CountDamagedSql(table))) {
      if (count != "0") damage.push_back(fmt::format("{} rows of {} are not as they were written", count, table.name));
    }
  }
  const auto schema = SchemaSum();
  const auto kept = Meta("schema_sum");
  if (schema && kept && *schema != *kept) damage.emplace_back("its tables are not as they were made");
  for (const std::string& table : ask("SELECT DISTINCT \"table\" FROM pragma_foreign_key_check"))
    damage.push_back(fmt::format("rows of {} belong to nothing", table));
  for (const std::string& count :
       ask(fmt::format("SELECT count(*) FROM items WHERE kind={} AND NOT EXISTS (SELECT 1 FROM plates WHERE item=row)",
                       static_cast<int>(ItemKind::kRecord)))) {
    if (count != "0") damage.push_back(fmt::format("{} records have no plate", count));
  }
  return damage;
}

Status RegisterDatabase::Backup(const std::filesystem::path& out) {
  std::error_code ignored;
  if (std::filesystem::exists(std::filesystem::symlink_status(out, ignored)))
    return Fail(ErrorCode::kExists, "{} exists already; move it away or choose another name", out.string());
  const std::filesystem::path part = out.string() + ".part";
  std::filesystem::remove(part, ignored);  // of a backup that was broken off
  const UniqueFd file(::open(part.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return FailErrno("cannot write " + part.string());
  Status status = CopyInto(part);
  if (status && ::fsync(file.get()) != 0) status = FailErrno("cannot write " + part.string());
  if (status) {
    const auto copy = Open(part);
    const std::vector<std::string> damage = copy ? (*copy)->Damage() : std::vector{copy.error().message};
    if (!damage.empty())
      status = Fail(ErrorCode::kCorrupt, "the copy is damaged, and so may be the register: {}", damage.front());
  }
  if (status && ::link(part.c_str(), out.c_str()) != 0) status = FailErrno("cannot write " + out.string());
  std::filesystem::remove(part, ignored);
  return status;
}

Status RegisterDatabase::CopyInto(const std::filesystem::path& file) {
  sqlite3* copy = nullptr;
  int code = sqlite3_open_v2(file.c_str(), &copy, SQLITE_OPEN_READWRITE, nullptr);
  sqlite3_backup* backup = code == SQLITE_OK ? sqlite3_backup_init(copy, "main", handle_, "main") : nullptr;
  if (backup != nullptr) {
    do {
      code = sqlite3_backup_step(backup, kBackupPages);
    } while (code == SQLITE_OK || code == SQLITE_BUSY || code == SQLITE_LOCKED);
    const int finished = sqlite3_backup_finish(backup);
    code = code == SQLITE_DONE ? finished : code;
  }
  const bool whole = backup != nullptr && code == SQLITE_OK;
  Status status;
  if (!whole) {
    status = Fail(ErrorCode::kIo, "cannot copy the register {} to {}: {}", path_.string(), file.string(),
                  sqlite3_errmsg(copy));
  }
  sqlite3_close(copy);
  return status;
}

// True when nothing is left in the write-ahead log, false when a reader holds on to it.
Result<bool> RegisterDatabase::EmptyLog() {
  sqlite3_busy_timeout(handle_, kEraseBusyMilliseconds);
  const auto busy = Texts("PRAGMA wal_checkpoint(TRUNCATE)");  // its first column: whether it was kept from it
  sqlite3_busy_timeout(handle_, kBusyMilliseconds);
  if (!busy) return Fail(busy.error());
  return !busy->empty() && busy->front() == "0";
}

Status RegisterDatabase::BeginErasure() {
  // Written first, so that there is something in the log, and whoever reads is noticed.
  if (Status status = SetMeta(kErasing, "1"); !status) return status;
  const auto empty = EmptyLog();
  if (empty && *empty) return {};
  if (Status status = SetMeta(kErasing, ""); !status) return status;
  if (!empty) return Fail(empty.error());
  return Fail(ErrorCode::kUnavailable,
              "another program is reading {}, whose files would go on to hold what is removed; nothing was removed; "
              "end that program, then do it again",
              path_.string());
}

Result<bool> RegisterDatabase::IsErasing() {
  const auto erasing = Meta(kErasing);
  if (!erasing) return Fail(erasing.error());
  return !erasing->empty();
}

// What is deleted may lie on in pages that were rebalanced: all of the file is written anew.
Status RegisterDatabase::FinishErasure() {
  const auto erasing = IsErasing();
  if (!erasing) return Fail(erasing.error());
  if (!*erasing) return {};
  Status status = Execute("VACUUM");
  Result<bool> empty = status ? EmptyLog() : Result<bool>(Fail(status.error()));
  if (empty && *empty) status = SetMeta(kErasing, "");
  if (empty && *empty && status) empty = EmptyLog();
  if (empty && *empty && status) return {};
  return Fail(ErrorCode::kUnavailable,
              "what was removed may still lie in the files of {}: {}; then finish with: spanwatch register check "
              "--register {}",
              path_.string(),
              !status || !empty ? (!status ? status.error().message : empty.error().message)
                                : "another program is reading it, which must end",
              path_.string());
}

}  // namespace spanwatch::enrolment
