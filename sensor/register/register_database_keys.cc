// The part of RegisterDatabase that knows which record key its records are under, and how it is changed for another.
#include "base/hex.h"
#include "register/register_database.h"

namespace spanwatch::enrolment {

Status RegisterDatabase::SetRecordKey(const std::filesystem::path& file, const hashset::RecordKeyId& id) {
  Status status = SetMeta("record_key_file", file.string());
  if (status) status = SetMeta("record_key_id", ToHex(id));
  return status ? LoadFacts() : status;
}

Result<std::uint64_t> RegisterDatabase::RecordsUnderEarlierKeys() {
  auto query = Get("SELECT count(*) FROM items WHERE record_key IS NOT NULL AND record_key<>?1");
  if (!query) return Fail(query.error());
  auto row = (*query)->Bind(1, ToHex(facts_.record_key_id)).Step();
  if (!row) return Fail(row.error());
  const auto records = static_cast<std::uint64_t>((*query)->Integer(0));
  (*query)->Reset();
  return records;
}

Status RegisterDatabase::MayRotateRecordKey() {
  if (facts_.record_key_file.empty()) {
    return Fail(ErrorCode::kInvalid,
                "this register has no record key yet; add records --record-key FILE begins with one");
  }
  const auto left = RecordsUnderEarlierKeys();
  if (!left) return Fail(left.error());
  if (*left > 0) {
    return Fail(ErrorCode::kInvalid,
                "{} records are still under the key before ({}); enrol their tables again, or remove them, before the "
                "next rotation",
                *left, facts_.earlier_record_key_file.string());
  }
  return {};
}

Status RegisterDatabase::RotateRecordKey(const std::filesystem::path& file, const hashset::RecordKeyId& id) {
  if (Status status = MayRotateRecordKey(); !status) return status;
  Status status = Begin();
  if (status) status = SetMeta("earlier_record_key_file", facts_.record_key_file.string());
  if (status) status = SetMeta("earlier_record_key_id", ToHex(facts_.record_key_id));
  if (status) status = SetMeta("record_key_file", file.string());
  if (status) status = SetMeta("record_key_id", ToHex(id));
  if (status) status = Log("rotated the record key", "", 0, "");
  if (status) status = Commit();
  return status ? LoadFacts() : status;
}

Result<std::uint64_t> RegisterDatabase::DropReenrolled(std::int64_t collection, const std::string& path) {
  auto drop =
      Get("DELETE FROM sources WHERE collection=?1 AND path=(SELECT row FROM paths WHERE path=?2) "
          "AND item IN (SELECT row FROM items WHERE collection=?1 AND record_key<>?3) "
          "AND EXISTS (SELECT 1 FROM sources AS now JOIN items ON items.row=now.item WHERE now.path=sources.path "
          "AND now.line=sources.line AND now.collection=?1 AND now.size=sources.size AND record_key=?3)");
  auto remove =
      Get("DELETE FROM items WHERE collection=?1 AND record_key<>?2 "
          "AND NOT EXISTS (SELECT 1 FROM sources WHERE item=items.row)");
  if (!drop || !remove) return Fail(!drop ? drop.error() : remove.error());
  const std::string key = ToHex(facts_.record_key_id);
  Status status = Begin();
  if (status)
    status = (*drop)->Bind(1, collection).Bind(2, std::string_view(path)).Bind(3, std::string_view(key)).Run();
  if (status) status = (*remove)->Bind(1, collection).Bind(2, std::string_view(key)).Run();
  const auto removed = static_cast<std::uint64_t>(sqlite3_changes(handle_));
  if (status) status = Commit();
  if (!status) return Fail(status.error());
  return removed;
}

}  // namespace spanwatch::enrolment
