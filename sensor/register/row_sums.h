// Row sums: every row of a register keeps a 64-bit checksum of its values in its column `sum`, so that a flipped bit is
// seen even where SQLite's own structures stay whole. The SQL function row_sum(value, ...) computes it; every statement
// that writes a row writes its sum too. Used by RegisterDatabase alone; one thread.
#pragma once

#include <sqlite3.h>

#include <array>
#include <string>

namespace spanwatch::enrolment {

struct SummedTable {
  const char* name;
  const char* columns;  // all but `sum`, in their order
};

inline constexpr std::array<SummedTable, 9> kSummedTables = {{
    {"meta", "name, value"},
    {"collections", "row, name, expires, negative"},
    {"paths", "row, path"},
    {"items", "row, id, collection, identity, kind, size, sha256, added, expires, record_key"},
    {"sources", "path, line, collection, item, size, modified"},
    {"fingerprints", "item, fingerprint"},
    {"plates", "item, plate_tag, folded_tag, shape"},
    {"pairs", "item, tag"},
    {"log", "row, time, actor, action, collection, items, detail"},
}};

// Makes row_sum known to the connection. False when SQLite refuses.
bool DefineRowSum(sqlite3* handle);

// The sum of one text.
std::string SumOfText(const std::string& text);

// Statements: sets the sum of every row; counts the rows whose sum is not that of their values.
std::string SetSumsSql(const SummedTable& table);
std::string CountDamagedSql(const SummedTable& table);

}  // namespace spanwatch::enrolment
