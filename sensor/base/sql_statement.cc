#include "base/sql_statement.h"

namespace spanwatch {
namespace {

std::unexpected<Error> FailSql(sqlite3_stmt* handle, std::string_view name) {
  sqlite3* database = sqlite3_db_handle(handle);
  const int code = sqlite3_errcode(database);
  const ErrorCode kind = code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? ErrorCode::kCorrupt
                         : code == SQLITE_FULL                           ? ErrorCode::kLimit
                                                                         : ErrorCode::kIo;
  const char* file = sqlite3_db_filename(database, nullptr);
  return Fail(kind, "{} {}: {}", name, file == nullptr ? "" : file, sqlite3_errmsg(database));
}

}  // namespace

SqlStatement& SqlStatement::Bind(int position, std::int64_t value) {
  sqlite3_bind_int64(handle_.get(), position, value);
  return *this;
}

SqlStatement& SqlStatement::Bind(int position, std::string_view value) {
  // A null pointer would bind NULL; an empty text is not that.
  const char* text = value.data() == nullptr ? "" : value.data();
  sqlite3_bind_text64(handle_.get(), position, text, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}

SqlStatement& SqlStatement::Bind(int position, ByteView value) {
  sqlite3_bind_blob64(handle_.get(), position, value.data(), value.size(), SQLITE_TRANSIENT);
  return *this;
}

SqlStatement& SqlStatement::BindNull(int position) {
  sqlite3_bind_null(handle_.get(), position);
  return *this;
}

Result<bool> SqlStatement::Step() {
  const int code = sqlite3_step(handle_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    Reset();
    return false;
  }
  auto failure = FailSql(handle_.get(), database_);
  if (failed_ != nullptr) *failed_ = true;
  Reset();
  return failure;
}

Status SqlStatement::Run() {
  while (true) {
    auto row = Step();
    if (!row) return Fail(row.error());
    if (!*row) return {};
  }
}

void SqlStatement::Reset() { sqlite3_reset(handle_.get()); }

std::string SqlStatement::Text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(handle_.get(), column));
  if (text == nullptr) return "";
  return {text, static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

ByteView SqlStatement::Blob(int column) const {
  const auto* bytes = static_cast<const std::uint8_t*>(sqlite3_column_blob(handle_.get(), column));
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

}  // namespace spanwatch
