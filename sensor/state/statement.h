// Statement: one prepared SQL statement, bound by position (from 1) and stepped. Owned by the table that uses it; one
// thread.
#pragma once

#include <sqlite3.h>

#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace spanwatch::state {

class Statement {
 public:
  Statement() = default;
  // `failed` is set when a step fails, and outlives the statement.
  Statement(sqlite3_stmt* handle, bool& failed) : handle_(handle), failed_(&failed) {}

  // Bound content is copied.
  Statement& Bind(int position, std::int64_t value);
  Statement& Bind(int position, std::string_view value);
  Statement& Bind(int position, ByteView value);
  Statement& BindNull(int position);

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
  bool* failed_ = nullptr;
};

}  // namespace spanwatch::state
