// Database: the SQLite file of the supervisor (WAL, synchronous=FULL), its schema and its batches. Tables are classes
// of their own over one Database; State puts them together.
//
// A full disk: while there is little room, a batch is not committed but held, with all that follows, in the memory of
// one transaction that stays open. Whoever reads through this Database sees it, nobody else does, and a crash loses it;
// `holding` says so. The first Commit that finds room makes all of it durable.
//
// One thread. A batch is one transaction: Begin, any number of changes, Commit. What a table keeps in memory it writes
// in BeforeCommit; after a rollback it forgets it. A change outside of a batch is a transaction by itself.
#pragma once

#include <sqlite3.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/sql_statement.h"
#include "base/time.h"
#include "base/unique_fd.h"

namespace spanwatch::state {

class BatchParticipant {
 public:
  virtual ~BatchParticipant() = default;
  virtual Status BeforeCommit() = 0;
  virtual void AfterRollback() noexcept = 0;
};

// The two clocks. A purge removes what both call old: a capture of long ago that is replayed, a sensor whose clock is
// wrong, and a link that is silent each make one of them say anything.
struct Clocks {
  PacketTime packet;
  PacketTime wall;
};

// A reader changes nothing and may open a file that a running supervisor holds (`spanwatch alerts`).
enum class Access : std::uint8_t { kWriter, kReader };

class Database {
 public:
  // `path` ":memory:" keeps nothing. A writer makes the schema in a new file (mode 0600); refuses a file of a newer
  // schema, of another program, or one that another supervisor holds.
  static Result<std::unique_ptr<Database>> Open(const std::string& path, Access access = Access::kWriter);
  ~Database() = default;
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  Status Begin();
  // Fails when any statement of the batch failed; then, as after every failure, the batch is rolled back. REQUIRES:
  // after a failed change nothing but Commit or Rollback.
  Status Commit();
  void Rollback();
  // What was committed since is not durable yet.
  bool holding() const { return holding_; }
  // Roughly, of what is held.
  std::uint64_t held_bytes() const;
  // At the end: commits what is held, room or not.
  Status CommitHeld();
  bool in_batch() const { return in_batch_; }

  // REQUIRES: the participant outlives the last Commit or Rollback.
  void Join(BatchParticipant& participant) { participants_.push_back(&participant); }

  Result<SqlStatement> Prepare(std::string_view sql);
  Status PrepareAll(std::initializer_list<std::pair<SqlStatement*, std::string_view>> statements);
  Status Execute(const char* sql);
  // Runs a statement that deletes; returns how many rows went.
  Result<std::uint64_t> Remove(SqlStatement& statement);
  std::int64_t changed_rows() const { return sqlite3_changes64(handle_); }  // of the latest statement that changes
  std::int64_t inserted_row() const { return sqlite3_last_insert_rowid(handle_); }
  Result<std::int64_t> Number(std::string_view meta_name);  // 0 when it was never set
  Status SetNumber(std::string_view meta_name, std::int64_t value);
  // Random per file: seeds the hashes of values, so that nobody outside can aim at a collision.
  std::uint64_t hash_seed() const { return hash_seed_; }
  std::uint64_t size_bytes();

 private:
  Database() = default;
  Status OpenFile(const std::string& path, Access access);
  Status CheckFile(Access access);
  Status MakeDurable();
  Status Hold();
  bool HasRoom() const;
  Status MakeSchema();
  Status Migrate(std::int64_t from_version);

  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }  // waits for the tables' statements
  };
  std::unique_ptr<sqlite3, Close> owner_;
  sqlite3* handle_ = nullptr;
  UniqueFd lock_;
  std::string path_;  // empty: nothing is kept
  bool in_batch_ = false;
  bool holding_ = false;
  std::int64_t changes_when_durable_ = 0;
  std::chrono::steady_clock::time_point commit_at_{};  // not before, since the last one failed
  bool failed_ = false;                                // a statement of this batch failed
  std::uint64_t hash_seed_ = 0;
  std::vector<BatchParticipant*> participants_;
};

}  // namespace spanwatch::state
