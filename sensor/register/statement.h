// Statement: one prepared SQL statement of the register, bound by position (from 1) and stepped. One thread.
#pragma once

#include <sqlite3.h>

#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace spanwatch::enrolment {

class Statement {
 public:
  explicit Statement(sqlite3_stmt* handle) : handle_(handle) {}

  // Bound content is copied.
  Statement& Bind(int position, std::int64_t value);
  Statement& Bind(int position, std::string_view value);
  Statement& Bind(int position, ByteView value);
  Statement& BindNull(int position);

  // True: a row is there. False: done, and the statement is ready to be bound again. Call until false, or Reset.
  Result<bool> Step();
  // For statements without rows.
  Status Run();
  void Reset() { sqlite3_reset(handle_.get()); }

  std::int64_t Integer(int column) const { return sqlite3_column_int64(handle_.get(), column); }
  std::string Text(int column) const;
  ByteView Blob(int column) const;  // valid until the next Step or Reset
  bool IsNull(int column) const { return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL; }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

}  // namespace spanwatch::enrolment
