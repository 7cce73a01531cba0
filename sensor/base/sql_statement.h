// SqlStatement: one prepared statement of SQLite, bound by position (from 1) and stepped. Owned by whoever holds the
// database (the register, the tables of the state) and gone before it closes; one thread.
#pragma once

#include <sqlite3.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace spanwatch {

// SQLite's integers have a sign.
constexpr std::int64_t SqlInteger(std::uint64_t value) { return static_cast<std::int64_t>(value); }

class SqlStatement {
 public:
  SqlStatement() = default;
  // `database` is what errors call it and has static lifetime. `failed`, where given, is set when a step fails, and
  // outlives the statement.
  SqlStatement(sqlite3_stmt* handle, std::string_view database, bool* failed = nullptr)
      : handle_(handle), database_(database), failed_(failed) {}

  // Bound content is copied.
  SqlStatement& Bind(int position, std::int64_t value);
  SqlStatement& Bind(int position, std::string_view value);
  SqlStatement& Bind(int position, ByteView value);
  SqlStatement& BindNull(int position);

  // True: a row is there. False: done, and the statement is ready to be bound again. Call until false, or Reset.
  Result<bool> Step();
  // For statements without rows: steps once and makes ready again.
  Status Run();
  void Reset();

  std::int64_t Integer(int column) const { return sqlite3_column_int64(handle_.get(), column); }
  std::string Text(int column) const;
  ByteView Blob(int column) const;  // valid until the next Step or Reset
  bool IsNull(int column) const { return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL; }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
  std::string_view database_;
  bool* failed_ = nullptr;
};

}  // namespace spanwatch
