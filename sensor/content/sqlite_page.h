// The rows that stand in one page of an SQLite database, as text. Used by the SQLite layer. Source: "Database File
// Format" of sqlite.org, sections 1.3 (header), 1.6 (b-tree pages) and 2.1 (records). Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"

namespace spanwatch::content {

enum class SqliteText : std::uint8_t { kUtf8, kUtf16Le, kUtf16Be };

struct SqliteForm {
  std::size_t page_bytes = 0;      // 512 to 65,536, a power of two
  std::size_t reserved_bytes = 0;  // at the end of each page
  SqliteText text = SqliteText::kUtf8;
};

inline constexpr std::size_t kSqliteHeaderBytes = 100;  // before the b-tree header of the first page

// What the header of a database says; nothing when it is none. REQUIRES: kSqliteHeaderBytes
std::optional<SqliteForm> ReadSqliteHeader(ByteView head);

// Appends the rows of a page, of tables and of indexes: a line each, tabs between the values. Numbers are decimal,
// blobs and what lies on overflow pages are left out. Nothing is appended for a page that holds no rows. `header`: so
// many bytes stand before what the page itself says. REQUIRES: form.page_bytes bytes
void AppendSqliteRows(ByteView page, std::size_t header, const SqliteForm& form, std::string& rows);

}  // namespace spanwatch::content
