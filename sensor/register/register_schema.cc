#include "register/register_schema.h"

#include <fmt/format.h>

#include "base/check.h"
#include "base/hex.h"
#include "hashset/hashset_format.h"
#include "model/fingerprint_index.h"
#include "register/row_sums.h"

namespace spanwatch::enrolment {
namespace {

// An id has no index: 128 random bits need none to be unique, and whoever asks for one reads a collection. The index
// over identities is then the only one in random order.
constexpr const char* kItems = R"(
CREATE TABLE {}(
  row INTEGER PRIMARY KEY, id BLOB NOT NULL, collection INTEGER NOT NULL REFERENCES collections(row),
  identity BLOB NOT NULL, kind INTEGER NOT NULL, size INTEGER NOT NULL, sha256 BLOB, added INTEGER NOT NULL,
  expires INTEGER, UNIQUE(collection, identity));
)";

constexpr const char* kSources = R"(
CREATE TABLE paths(row INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE);
CREATE TABLE {}(
  path INTEGER NOT NULL REFERENCES paths(row), line INTEGER NOT NULL, collection INTEGER NOT NULL,
  item INTEGER NOT NULL REFERENCES items(row) ON DELETE CASCADE, size INTEGER NOT NULL, modified INTEGER NOT NULL,
  PRIMARY KEY(path, line, collection, item)) WITHOUT ROWID;
)";

constexpr const char* kIndexOfSources = "CREATE INDEX sources_item ON sources(item);";

// A path goes with the last item that came from it.
constexpr const char* kLastSource = R"(
CREATE TRIGGER last_source AFTER DELETE ON sources WHEN NOT EXISTS (SELECT 1 FROM sources WHERE path=old.path)
  BEGIN DELETE FROM paths WHERE row=old.path; END;
)";

constexpr const char* kOtherTables = R"(
CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE collections(row INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, expires INTEGER,
  negative INTEGER NOT NULL DEFAULT 0);
CREATE TABLE fingerprints(item INTEGER PRIMARY KEY REFERENCES items(row) ON DELETE CASCADE, fingerprint BLOB NOT NULL);
CREATE TABLE plates(
  item INTEGER NOT NULL REFERENCES items(row) ON DELETE CASCADE,
  plate_tag INTEGER NOT NULL, folded_tag INTEGER NOT NULL, shape INTEGER NOT NULL,
  PRIMARY KEY(item, plate_tag, folded_tag)) WITHOUT ROWID;
CREATE TABLE pairs(
  item INTEGER NOT NULL REFERENCES items(row) ON DELETE CASCADE, tag INTEGER NOT NULL,
  PRIMARY KEY(item, tag)) WITHOUT ROWID;
)";

constexpr const char* kToSchema2 = "ALTER TABLE collections ADD COLUMN negative INTEGER NOT NULL DEFAULT 0;";

// A path once, not with every line of its table; items without the index over their ids.
std::string ToSchema3() {
  return fmt::format(kItems, "new_items") + "INSERT INTO new_items SELECT * FROM items;" +
         "DROP TABLE items; ALTER TABLE new_items RENAME TO items;" + fmt::format(kSources, "new_sources") +
         "INSERT INTO paths(path) SELECT DISTINCT path FROM sources;"
         "INSERT INTO new_sources SELECT paths.row, line, collection, item, size, modified "
         "FROM sources JOIN paths USING(path);"
         "DROP TABLE sources; ALTER TABLE new_sources RENAME TO sources;" +
         kIndexOfSources;
}

// Every row has a sum, records name the record key that their tags are under, and there is a log.
std::string ToSchema5() {
  std::string sql = fmt::format(
      "ALTER TABLE items ADD COLUMN record_key TEXT;"
      "UPDATE items SET record_key=coalesce((SELECT value FROM meta WHERE name='record_key_id'), '{}') WHERE kind={};"
      "CREATE TABLE log(row INTEGER PRIMARY KEY, time INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, "
      "collection TEXT NOT NULL, items INTEGER NOT NULL, detail TEXT NOT NULL);",
      ToHex(hashset::RecordKeyId{}), static_cast<int>(ItemKind::kRecord));
  for (const SummedTable& table : kSummedTables)
    sql += fmt::format("ALTER TABLE {} ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;", table.name) + SetSumsSql(table);
  return sql;
}

}  // namespace

// Made as every schema since has changed it, so that a new register and an old one are the same.
std::string RegisterSchemaSql() {
  return kOtherTables + fmt::format(kItems, "items") + fmt::format(kSources, "sources") + kIndexOfSources +
         kLastSource + ToSchema5();
}

std::string RegisterMigrationSql(std::int64_t schema) {
  switch (schema) {
    case 2:
      return kToSchema2;
    case 3:
      return ToSchema3();
    case 4:
      return kLastSource;
    default:
      CHECK(schema == kRegisterSchema);
      return ToSchema5();
  }
}

}  // namespace spanwatch::enrolment
