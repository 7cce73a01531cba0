#include "cli/register_keys.h"

#include <sodium.h>

#include "base/key_source.h"
#include "fingerprint/record_keys.h"

namespace spanwatch::cli {

using enrolment::RegisterDatabase;

Result<Bytes> RecordKey(const std::string& file, bool make) {
  std::error_code error;
  if (!make || IsNamedKeySource(file) || std::filesystem::exists(file, error)) return ReadKey(file, KeyKind::kRecord);
  if (sodium_init() < 0) return Fail(ErrorCode::kUnavailable, "no random numbers to make a key of");
  Bytes key(kKeyBytes);
  randombytes_buf(key.data(), key.size());
  if (Status status = WriteKeyFile(file, KeyKind::kRecord, key); !status) return Fail(status.error());
  fmt::print(stderr, "wrote {}: keep it apart from the hash set; sensors need it to search for plates\n", file);
  return key;
}

std::filesystem::path KeySource(const std::string& file) {
  std::error_code error;
  return IsNamedKeySource(file) ? std::filesystem::path(file) : std::filesystem::absolute(file, error);
}

Status UseRecordKey(RegisterDatabase& database, const std::string& file, const Bytes& key) {
  const hashset::RecordKeyId id = hashset::RecordKeyIdOf(key);
  const enrolment::RegisterFacts& facts = database.facts();
  if (!facts.record_key_file.empty()) {
    if (facts.record_key_id == id) return {};
    return Fail(ErrorCode::kInvalid, "{} is not the record key that this register began with ({}); use that one", file,
                facts.record_key_file.string());
  }
  return database.SetRecordKey(KeySource(file), id);
}

Result<std::optional<fingerprint::RecordTagger>> EarlierTagger(RegisterDatabase& database) {
  const auto records = database.RecordsUnderEarlierKeys();
  if (!records) return Fail(records.error());
  if (*records == 0) return std::optional<fingerprint::RecordTagger>();
  auto key = ReadKey(database.facts().earlier_record_key_file.string(), KeyKind::kRecord);
  if (!key) return Fail(key.error().In("records are still under the record key before the rotation"));
  auto keys = fingerprint::RecordKeys::Derive(*key);
  sodium_memzero(key->data(), key->size());
  if (!keys) return Fail(keys.error());
  return std::optional<fingerprint::RecordTagger>(fingerprint::RecordTagger(*keys));
}

Result<fingerprint::RecordTagger> Tagger(RegisterDatabase& database, const std::string& named) {
  const std::string file = !named.empty() ? named : database.facts().record_key_file.string();
  if (file.empty()) {
    return Fail(ErrorCode::kUsage,
                "this register has no record key yet; name one with --record-key FILE (made when there "
                "is none)");
  }
  auto key = RecordKey(file, database.facts().record_key_file.empty());
  if (!key) return Fail(key.error().In("record key"));
  Status status = UseRecordKey(database, file, *key);
  auto keys = status ? fingerprint::RecordKeys::Derive(*key) : Result<fingerprint::RecordKeys>(Fail(status.error()));
  sodium_memzero(key->data(), key->size());
  if (!keys) return Fail(keys.error());
  return fingerprint::RecordTagger(*keys);
}

}  // namespace spanwatch::cli
