#include "register/statement.h"

namespace spanwatch::enrolment {

Statement& Statement::Bind(int position, std::int64_t value) {
  sqlite3_bind_int64(handle_.get(), position, value);
  return *this;
}

Statement& Statement::Bind(int position, std::string_view value) {
  // A null pointer would bind NULL; an empty text is not that.
  const char* text = value.data() == nullptr ? "" : value.data();
  sqlite3_bind_text64(handle_.get(), position, text, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}

Statement& Statement::Bind(int position, ByteView value) {
  sqlite3_bind_blob64(handle_.get(), position, value.data(), value.size(), SQLITE_TRANSIENT);
  return *this;
}

Statement& Statement::BindNull(int position) {
  sqlite3_bind_null(handle_.get(), position);
  return *this;
}

Result<bool> Statement::Step() {
  const int code = sqlite3_step(handle_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    Reset();
    return false;
  }
  sqlite3* database = sqlite3_db_handle(handle_.get());
  const char* file = sqlite3_db_filename(database, nullptr);
  const std::string reason = sqlite3_errmsg(database);
  Reset();
  return Fail(code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? ErrorCode::kCorrupt : ErrorCode::kIo, "register {}: {}",
              file == nullptr ? "" : file, reason);
}

Status Statement::Run() {
  while (true) {
    auto row = Step();
    if (!row) return Fail(row.error());
    if (!*row) return {};
  }
}

std::string Statement::Text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(handle_.get(), column));
  if (text == nullptr) return "";
  return {text, static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

ByteView Statement::Blob(int column) const {
  const auto* bytes = static_cast<const std::uint8_t*>(sqlite3_column_blob(handle_.get(), column));
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

}  // namespace spanwatch::enrolment
