#include "register/register_database.h"

#include <fcntl.h>
#include <sodium.h>

#include <algorithm>
#include <charconv>

#include "base/check.h"
#include "base/hex.h"
#include "base/printable.h"
#include "base/unique_fd.h"
#include "register/fingerprint_codec.h"
#include "register/register_schema.h"
#include "register/row_sums.h"

namespace spanwatch::enrolment {
namespace {

constexpr int kApplicationId = 0x53575247;  // "SWRG"

// So that a register of ten million items seldom waits for a page of its index over identities, which is in random
// order. Taken as a register grows; no more than this.
constexpr int kCacheKilobytes = 512 * 1024;
constexpr int kCheckpointPages = 65536;  // of the write-ahead log, 4 KiB each

Bytes IdentityKey(char kind, ByteView value) {
  Bytes key(1 + value.size());
  key[0] = static_cast<std::uint8_t>(kind);
  std::ranges::copy(value, key.begin() + 1);
  return key;
}

std::int64_t Signed(std::uint64_t value) { return static_cast<std::int64_t>(value); }

}  // namespace

ItemId NewItemId() {
  ItemId id;
  randombytes_buf(id.data(), id.size());
  return id;
}

Result<std::unique_ptr<RegisterDatabase>> RegisterDatabase::Create(const std::filesystem::path& path,
                                                                   const RegisterFacts& facts) {
  CHECK(sodium_init() >= 0);
  // Made here so that SQLite never opens it with a wider mode.
  const UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file && errno == EEXIST) {
    return Fail(ErrorCode::kExists, "{} exists already; use it as it is, or choose another name", path.string());
  }
  if (!file) return FailErrno("cannot make the register " + path.string());
  std::unique_ptr<RegisterDatabase> database(new RegisterDatabase);
  Status status = database->OpenFile(path, SQLITE_OPEN_READWRITE);
  if (status) status = database->Execute("PRAGMA journal_mode=WAL");
  if (status) status = database->Begin();
  if (status) status = database->Execute(RegisterSchemaSql());
  if (status) {
    status = database->Execute(
        fmt::format("PRAGMA application_id={}; PRAGMA user_version={}", kApplicationId, kRegisterSchema));
  }
  std::uint64_t seed = 0;
  randombytes_buf(&seed, sizeof(seed));
  if (status) status = database->SetMeta("owner", facts.owner);
  if (status) status = database->SetMeta("fragment_seed", fmt::format("{}", seed));
  if (status) status = database->SetMeta("fragment_density", fmt::format("{}", facts.fragment_density));
  if (status) status = database->SetMeta("fragment_window", fmt::format("{}", facts.fragment_window));
  if (status) status = database->SetMeta("profile", ToString(facts.profile));
  if (status) status = database->KeepSchemaSum();
  if (status) status = database->Log("made", "", 0, "");
  if (status) status = database->Commit();
  if (status) status = database->LoadFacts();
  if (status) return database;
  database.reset();
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  return Fail(status.error());
}

Result<std::unique_ptr<RegisterDatabase>> RegisterDatabase::Open(const std::filesystem::path& path) {
  CHECK(sodium_init() >= 0);
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    return Fail(ErrorCode::kNotFound,
                "there is no register {}; make one with: spanwatch register init --owner NAME --register {}",
                path.string(), path.string());
  }
  std::unique_ptr<RegisterDatabase> database(new RegisterDatabase);
  Status status = database->OpenFile(path, SQLITE_OPEN_READWRITE);
  if (status) status = database->LoadFacts();
  if (!status) return Fail(status.error());
  return database;
}

RegisterDatabase::~RegisterDatabase() {
  statements_.clear();
  sqlite3_close(handle_);
}

Status RegisterDatabase::OpenFile(const std::filesystem::path& path, int flags) {
  path_ = path;
  if (sqlite3_open_v2(path.c_str(), &handle_, flags, nullptr) != SQLITE_OK) {
    return Fail(ErrorCode::kIo, "cannot open the register {}: {}", path.string(), sqlite3_errmsg(handle_));
  }
  sqlite3_busy_timeout(handle_, kBusyMilliseconds);
  if (!DefineRowSum(handle_)) return Fail(ErrorCode::kIo, "register {}: {}", path.string(), sqlite3_errmsg(handle_));
  return Execute(fmt::format(
      "PRAGMA foreign_keys=ON; PRAGMA synchronous=FULL; PRAGMA trusted_schema=OFF; PRAGMA secure_delete=ON; "
      "PRAGMA cache_size=-{}; PRAGMA wal_autocheckpoint={}",
      kCacheKilobytes, kCheckpointPages));
}

Result<std::int64_t> RegisterDatabase::Schema() {
  auto query =
      Get("SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version)");
  if (!query) return Fail(query.error());
  auto row = (*query)->Step();
  if (!row) return Fail(row.error().In(path_.string()));
  const std::int64_t application = (*query)->Integer(0);
  const std::int64_t schema = (*query)->Integer(1);
  (*query)->Reset();
  if (application != kApplicationId)
    return Fail(ErrorCode::kInvalid, "{} is not a register of spanwatch", path_.string());
  if (schema > kRegisterSchema) {
    return Fail(ErrorCode::kInvalid, "{} was written by a newer spanwatch; update this one", path_.string());
  }
  return schema;
}

Status RegisterDatabase::LoadFacts() {
  const auto schema = Schema();
  if (!schema) return Fail(schema.error());
  if (*schema < kRegisterSchema) {
    if (Status status = Migrate(); !status) return status;
  }
  constexpr std::array kNames = {"owner",           "fragment_seed",           "fragment_density",
                                 "fragment_window", "record_key_file",         "record_key_id",
                                 "profile",         "earlier_record_key_file", "earlier_record_key_id"};
  std::array<std::string, kNames.size()> texts;
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    auto text = Meta(kNames[i]);
    if (!text) return Fail(text.error());
    texts[i] = std::move(*text);
  }
  facts_.owner = texts[0];
  std::from_chars(texts[1].data(), texts[1].data() + texts[1].size(), facts_.fragment_seed);
  std::from_chars(texts[2].data(), texts[2].data() + texts[2].size(), facts_.fragment_density);
  std::from_chars(texts[3].data(), texts[3].data() + texts[3].size(), facts_.fragment_window);
  facts_.record_key_file = texts[4];
  for (const auto& [text, id] :
       {std::pair(&texts[5], &facts_.record_key_id), std::pair(&texts[8], &facts_.earlier_record_key_id)}) {
    const auto read = FromHex(*text);
    if (read && read->size() == id->size()) std::ranges::copy(*read, id->begin());
  }
  facts_.earlier_record_key_file = texts[7];
  facts_.profile = ProfileNamed(texts[6]);  // registers of before there were profiles keep everything
  return {};
}

Status RegisterDatabase::Migrate() {
  // Tables are made anew under their own names, which must not delete what refers to them.
  Status status = Execute("PRAGMA foreign_keys=OFF");
  if (status) status = Begin();
  if (!status) return status;
  auto schema = Schema();  // again: another process may have been first
  if (!schema) return Fail(schema.error());
  for (std::int64_t next = *schema + 1; status && next <= kRegisterSchema; ++next)
    status = Execute(RegisterMigrationSql(next) + fmt::format("PRAGMA user_version={}", next));
  if (status) status = KeepSchemaSum();
  if (status) status = Commit();
  if (status) status = Execute("PRAGMA foreign_keys=ON");
  return status;
}

Status RegisterDatabase::Execute(const std::string& sql) {
  char* message = nullptr;
  if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, &message) == SQLITE_OK) return {};
  const std::string reason = message == nullptr ? "unknown reason" : message;
  sqlite3_free(message);
  return Fail(ErrorCode::kIo, "register {}: {}", path_.string(), reason);
}

Result<SqlStatement*> RegisterDatabase::Get(const char* sql) {
  auto& statement = statements_[sql];
  if (statement == nullptr) {
    sqlite3_stmt* handle = nullptr;
    if (sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, nullptr) != SQLITE_OK) {
      return Fail(ErrorCode::kCorrupt, "register {}: {}", path_.string(), sqlite3_errmsg(handle_));
    }
    statement = std::make_unique<SqlStatement>(handle, "register");
  }
  return statement.get();
}

Result<std::string> RegisterDatabase::Meta(std::string_view name) {
  auto query = Get("SELECT value FROM meta WHERE name=?1");
  if (!query) return Fail(query.error());
  auto row = (*query)->Bind(1, name).Step();
  if (!row) return Fail(row.error());
  std::string value = *row ? (*query)->Text(0) : "";
  (*query)->Reset();
  return value;
}

Status RegisterDatabase::SetMeta(std::string_view name, std::string_view value) {
  auto query =
      Get("INSERT INTO meta VALUES(?1, ?2, row_sum(?1, ?2)) ON CONFLICT(name) DO UPDATE SET value=excluded.value, "
          "sum=excluded.sum");
  if (!query) return Fail(query.error());
  return (*query)->Bind(1, name).Bind(2, value).Run();
}

Status RegisterDatabase::KeepSchemaSum() {
  const auto sum = SchemaSum();
  return sum ? SetMeta("schema_sum", *sum) : Fail(sum.error());
}

Result<std::uint64_t> RegisterDatabase::LastSerial() {
  auto text = Meta("serial");
  if (!text) return Fail(text.error());
  std::uint64_t last = 0;
  std::from_chars(text->data(), text->data() + text->size(), last);
  return last;
}

Result<std::uint64_t> RegisterDatabase::NextSerial(PacketTime now, std::optional<std::uint64_t> wanted) {
  const auto serial_of_last = LastSerial();
  if (!serial_of_last) return Fail(serial_of_last.error());
  const std::uint64_t last = *serial_of_last;
  if (wanted && *wanted <= last)
    return Fail(ErrorCode::kUsage, "--serial {}: the last set had serial {}; give a higher one", *wanted, last);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  const std::uint64_t serial =
      wanted.value_or(std::max(last + 1, static_cast<std::uint64_t>(std::max<std::int64_t>(seconds, 0))));
  if (Status status = SetMeta("serial", fmt::format("{}", serial)); !status) return Fail(status.error());
  return serial;
}

Status RegisterDatabase::Begin() {
  last_path_ = {};                                                      // what came to nothing may have made it
  if (sqlite3_get_autocommit(handle_) == 0) (void)Execute("ROLLBACK");  // a batch that failed half-way
  return Execute("BEGIN IMMEDIATE");
}

Status RegisterDatabase::BeginReading() { return Execute("BEGIN DEFERRED"); }

Status RegisterDatabase::Commit() {
  Status status = Execute("COMMIT");
  if (!status) (void)Execute("ROLLBACK");
  return status;
}

Result<std::int64_t> RegisterDatabase::CollectionRow(const std::string& name) {
  if (name.empty() || name.size() > hashset::kNameBytesMax) {
    return Fail(ErrorCode::kUsage, "a collection's name has 1 to {} characters", hashset::kNameBytesMax);
  }
  if (Printable(name) != name)
    return Fail(ErrorCode::kUsage, "a collection's name is UTF-8 text without control characters");
  auto insert =
      Get("INSERT INTO collections(row, name, sum) SELECT row, ?1, row_sum(row, ?1, NULL, 0) "
          "FROM (SELECT coalesce(max(row), 0) + 1 AS row FROM collections) WHERE true ON CONFLICT(name) DO NOTHING");
  if (!insert) return Fail(insert.error());
  if (Status status = (*insert)->Bind(1, std::string_view(name)).Run(); !status) return Fail(status.error());
  auto query = Get("SELECT row FROM collections WHERE name=?1");
  if (!query) return Fail(query.error());
  auto row = (*query)->Bind(1, std::string_view(name)).Step();
  if (!row) return Fail(row.error());
  const std::int64_t number = (*query)->Integer(0);
  (*query)->Reset();
  return number;
}

Status RegisterDatabase::UseCollection(const std::string& name, bool negative) {
  auto collections = Collections();
  if (!collections) return Fail(collections.error());
  const auto known = std::ranges::find(*collections, name, &CollectionEntry::name);
  if (known == collections->end()) {
    if (auto row = CollectionRow(name); !row) return Fail(row.error());
    auto update = Get("UPDATE collections SET negative=?2, sum=row_sum(row, name, expires, ?2) WHERE name=?1");
    if (!update) return Fail(update.error());
    return (*update)->Bind(1, std::string_view(name)).Bind(2, std::int64_t{negative}).Run();
  }
  if (known->negative == negative) return {};
  if (negative) {
    return Fail(ErrorCode::kUsage, "collection '{}' is no negative bank: it is to be found; choose another name", name);
  }
  return Fail(ErrorCode::kUsage,
              "collection '{}' is a negative bank: what is in it is never told; say --negative if that is meant, else "
              "choose another name",
              name);
}

Result<std::vector<CollectionEntry>> RegisterDatabase::Collections() {
  auto query = Get("SELECT row, name, negative FROM collections ORDER BY row");
  if (!query) return Fail(query.error());
  std::vector<CollectionEntry> collections;
  while (true) {
    auto row = (*query)->Step();
    if (!row) return Fail(row.error());
    if (!*row) return collections;
    collections.push_back({(*query)->Integer(0), (*query)->Text(1), (*query)->Integer(2) != 0});
  }
}

Result<std::optional<ItemKind>> RegisterDatabase::KindOfSource(std::int64_t collection, const Source& source) {
  auto query =
      Get("SELECT items.kind FROM sources JOIN paths ON paths.row=sources.path JOIN items ON items.row=sources.item "
          "WHERE paths.path=?1 AND line=?2 AND sources.collection=?3 AND sources.size=?4 AND modified=?5");
  if (!query) return Fail(query.error());
  auto row = (*query)
                 ->Bind(1, std::string_view(source.path))
                 .Bind(2, Signed(source.line))
                 .Bind(3, collection)
                 .Bind(4, Signed(source.size))
                 .Bind(5, source.modified)
                 .Step();
  if (!row) return Fail(row.error());
  std::optional<ItemKind> kind;
  if (*row) kind = static_cast<ItemKind>((*query)->Integer(0));
  (*query)->Reset();
  return kind;
}

Result<RegisterDatabase::FoundItem> RegisterDatabase::FindOrAddItem(std::int64_t collection, const Identity& identity) {
  auto query = Get("SELECT row FROM items WHERE collection=?1 AND identity=?2");
  if (!query) return Fail(query.error());
  auto row = (*query)->Bind(1, collection).Bind(2, ByteView(identity.key)).Step();
  if (!row) return Fail(row.error());
  if (*row) {
    const FoundItem found{.row = (*query)->Integer(0)};
    (*query)->Reset();
    return found;
  }
  auto insert =
      Get("INSERT INTO items(row, id, collection, identity, kind, size, sha256, added, record_key, sum) "
          "SELECT row, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, row_sum(row, ?1, ?2, ?3, ?4, ?5, ?6, ?7, NULL, ?8) "
          "FROM (SELECT coalesce(max(row), 0) + 1 AS row FROM items)");
  if (!insert) return Fail(insert.error());
  const ItemId id = NewItemId();
  (*insert)
      ->Bind(1, ByteView(id))
      .Bind(2, collection)
      .Bind(3, ByteView(identity.key))
      .Bind(4, static_cast<std::int64_t>(identity.kind))
      .Bind(5, Signed(identity.size));
  if (identity.sha256)
    (*insert)->Bind(6, ByteView(*identity.sha256));
  else
    (*insert)->BindNull(6);
  if (identity.kind == ItemKind::kRecord)
    (*insert)->Bind(8, ToHex(facts_.record_key_id));
  else
    (*insert)->BindNull(8);
  if (Status status = (*insert)->Bind(7, Nanoseconds(WallClockNow())).Run(); !status) return Fail(status.error());
  return FoundItem{.row = sqlite3_last_insert_rowid(handle_), .is_new = true};
}

Result<std::int64_t> RegisterDatabase::PathRow(const std::string& path) {
  if (path == last_path_.path) return last_path_.row;
  auto insert = Get(
      "INSERT INTO paths SELECT row, ?1, row_sum(row, ?1) FROM (SELECT coalesce(max(row), 0) + 1 AS row FROM paths) "
      "WHERE true ON CONFLICT(path) DO NOTHING");
  auto query = Get("SELECT row FROM paths WHERE path=?1");
  if (!insert || !query) return Fail(!insert ? insert.error() : query.error());
  if (Status status = (*insert)->Bind(1, std::string_view(path)).Run(); !status) return Fail(status.error());
  auto row = (*query)->Bind(1, std::string_view(path)).Step();
  if (!row) return Fail(row.error());
  last_path_ = {path, (*query)->Integer(0)};
  (*query)->Reset();
  return last_path_.row;
}

Result<AddResult> RegisterDatabase::AddSource(std::int64_t collection, const FoundItem& item, const Source& source) {
  const auto path = PathRow(source.path);
  if (!path) return Fail(path.error());
  auto insert =
      Get("INSERT INTO sources VALUES(?1,?2,?3,?4,?5,?6,row_sum(?1,?2,?3,?4,?5,?6)) "
          "ON CONFLICT(path, line, collection, item) "
          "DO UPDATE SET size=excluded.size, modified=excluded.modified, sum=excluded.sum "
          "WHERE size<>excluded.size OR modified<>excluded.modified");
  if (!insert) return Fail(insert.error());
  Status status = (*insert)
                      ->Bind(1, *path)
                      .Bind(2, Signed(source.line))
                      .Bind(3, collection)
                      .Bind(4, item.row)
                      .Bind(5, Signed(source.size))
                      .Bind(6, source.modified)
                      .Run();
  if (!status) return Fail(status.error());
  if (item.is_new) return AddResult::kNew;
  return sqlite3_changes(handle_) > 0 ? AddResult::kNewSource : AddResult::kKnown;
}

Result<std::optional<ItemEntry>> RegisterDatabase::ListedDigestItem(std::int64_t collection,
                                                                    const Sha256Digest& sha256) {
  auto item = Listed(collection, IdentityKey('F', sha256));
  if (!item || !*item) return item;
  const auto fingerprint = Fingerprint((*item)->row);
  if (!fingerprint) return Fail(fingerprint.error());
  return fingerprint->empty() ? item : std::optional<ItemEntry>();
}

Result<std::optional<ItemEntry>> RegisterDatabase::ListedMd5Item(std::int64_t collection, const Md5Digest& md5) {
  return Listed(collection, IdentityKey('M', md5));
}

Result<std::optional<ItemEntry>> RegisterDatabase::ListedPictureItem(std::int64_t collection, const PictureView& view) {
  return Listed(collection, IdentityKey('P', EncodePicture(view)));
}

Status RegisterDatabase::SetFingerprint(std::int64_t item, ByteView fingerprint) {
  auto insert =
      Get("INSERT INTO fingerprints VALUES(?1, ?2, row_sum(?1, ?2)) ON CONFLICT(item) "
          "DO UPDATE SET fingerprint=excluded.fingerprint, sum=excluded.sum");
  if (!insert) return Fail(insert.error());
  return (*insert)->Bind(1, item).Bind(2, fingerprint).Run();
}

Result<AddResult> RegisterDatabase::AddFile(std::int64_t collection, const Source& source,
                                            const FileFingerprint& file) {
  const ItemKind kind = file.views.empty() ? ItemKind::kFile : ItemKind::kImage;
  auto item = FindOrAddItem(collection, {kind, IdentityKey('F', file.sha256), file.size, file.sha256});
  if (!item) return Fail(item.error());
  // Written again for an item that was known: it may have come from a list of digests, or from fewer views.
  if (Status status = SetFingerprint(item->row, EncodeFile(file)); !status) return Fail(status.error());
  if (!item->is_new) {
    auto update =
        Get("UPDATE items SET kind=?2, size=?3, "
            "sum=row_sum(row, id, collection, identity, ?2, ?3, sha256, added, expires, record_key) WHERE row=?1");
    if (!update) return Fail(update.error());
    Status status =
        (*update)->Bind(1, item->row).Bind(2, static_cast<std::int64_t>(kind)).Bind(3, Signed(file.size)).Run();
    if (!status) return Fail(status.error());
  }
  return AddSource(collection, *item, source);
}

Result<AddResult> RegisterDatabase::AddRecord(std::int64_t collection, const Source& source,
                                              const std::vector<RecordFingerprint>& variants) {
  CHECK(!variants.empty());
  const std::uint64_t tag = variants.front().plate_tag;
  const ByteView tag_bytes(reinterpret_cast<const std::uint8_t*>(&tag), sizeof(tag));
  auto item = FindOrAddItem(collection, {ItemKind::kRecord, IdentityKey('R', tag_bytes), 0, std::nullopt});
  if (!item) return Fail(item.error());
  auto plate = Get("INSERT INTO plates VALUES(?1,?2,?3,?4,row_sum(?1,?2,?3,?4)) ON CONFLICT DO NOTHING");
  auto pair = Get("INSERT INTO pairs VALUES(?1,?2,row_sum(?1,?2)) ON CONFLICT DO NOTHING");
  if (!plate || !pair) return Fail(!plate ? plate.error() : pair.error());
  for (const RecordFingerprint& variant : variants) {
    Status status = (*plate)
                        ->Bind(1, item->row)
                        .Bind(2, Signed(variant.plate_tag))
                        .Bind(3, Signed(variant.folded_tag))
                        .Bind(4, std::int64_t{variant.shape})
                        .Run();
    for (const std::uint64_t pair_tag : variant.pair_tags) {
      if (status) status = (*pair)->Bind(1, item->row).Bind(2, Signed(pair_tag)).Run();
    }
    if (!status) return Fail(status.error());
  }
  return AddSource(collection, *item, source);
}

Result<AddResult> RegisterDatabase::AddDigest(std::int64_t collection, const Source& source,
                                              const Sha256Digest& sha256) {
  auto item = FindOrAddItem(collection, {ItemKind::kFile, IdentityKey('F', sha256), 0, sha256});
  if (!item) return Fail(item.error());
  return AddSource(collection, *item, source);
}

Result<AddResult> RegisterDatabase::AddMd5(std::int64_t collection, const Source& source, const Md5Digest& md5) {
  auto item = FindOrAddItem(collection, {ItemKind::kFile, IdentityKey('M', md5), 0, std::nullopt});
  if (!item) return Fail(item.error());
  if (Status status = SetFingerprint(item->row, EncodeMd5(md5)); !status) return Fail(status.error());
  return AddSource(collection, *item, source);
}

Result<AddResult> RegisterDatabase::AddPicture(std::int64_t collection, const Source& source, const PictureView& view) {
  const Bytes picture = EncodePicture(view);
  auto item = FindOrAddItem(collection, {ItemKind::kImage, IdentityKey('P', picture), 0, std::nullopt});
  if (!item) return Fail(item.error());
  if (Status status = SetFingerprint(item->row, picture); !status) return Fail(status.error());
  return AddSource(collection, *item, source);
}

Result<std::vector<std::string>> RegisterDatabase::Sources(const ItemEntry& item) {
  auto query =
      Get("SELECT paths.path, line FROM sources JOIN paths ON paths.row=sources.path WHERE item=?1 "
          "ORDER BY paths.path, line");
  if (!query) return Fail(query.error());
  (*query)->Bind(1, item.row);
  std::vector<std::string> sources;
  while (true) {
    auto row = (*query)->Step();
    if (!row) return Fail(row.error());
    if (!*row) return sources;
    const std::int64_t line = (*query)->Integer(1);
    sources.push_back(line == 0 ? (*query)->Text(0) : fmt::format("{}:{}", (*query)->Text(0), line));
  }
}

Result<Bytes> RegisterDatabase::Fingerprint(std::int64_t item) {
  auto query = Get("SELECT fingerprint FROM fingerprints WHERE item=?1");
  if (!query) return Fail(query.error());
  auto row = (*query)->Bind(1, item).Step();
  if (!row) return Fail(row.error());
  Bytes fingerprint;
  if (*row) {
    const ByteView blob = (*query)->Blob(0);
    fingerprint.assign(blob.begin(), blob.end());
  }
  (*query)->Reset();
  return fingerprint;
}

Result<std::optional<FileFingerprint>> RegisterDatabase::File(const ItemEntry& item) {
  if (!item.sha256) return std::optional<FileFingerprint>();
  auto blob = Fingerprint(item.row);
  if (!blob) return Fail(blob.error());
  if (blob->empty()) return std::optional<FileFingerprint>();
  auto file = DecodeFile(*blob);
  if (!file) return Fail(file.error());
  return std::optional<FileFingerprint>(std::move(*file));
}

Result<std::optional<PictureView>> RegisterDatabase::ImportedPicture(const ItemEntry& item) {
  if (item.sha256 || item.kind != ItemKind::kImage) return std::optional<PictureView>();
  auto blob = Fingerprint(item.row);
  if (!blob) return Fail(blob.error());
  auto view = DecodePicture(*blob);
  if (!view) return Fail(view.error());
  return std::optional<PictureView>(*view);
}

Result<std::optional<Md5Digest>> RegisterDatabase::ImportedMd5(const ItemEntry& item) {
  if (item.sha256 || item.kind != ItemKind::kFile) return std::optional<Md5Digest>();
  auto blob = Fingerprint(item.row);
  if (!blob) return Fail(blob.error());
  auto md5 = DecodeMd5(*blob);
  if (!md5) return Fail(md5.error());
  return std::optional<Md5Digest>(*md5);
}

Result<std::vector<RecordFingerprint>> RegisterDatabase::Records(const ItemEntry& item) {
  std::vector<RecordFingerprint> records;
  auto plates = Get("SELECT plate_tag, folded_tag, shape FROM plates WHERE item=?1");
  auto pairs = Get("SELECT tag FROM pairs WHERE item=?1");
  if (!plates || !pairs) return Fail(!plates ? plates.error() : pairs.error());
  (*plates)->Bind(1, item.row);
  (*pairs)->Bind(1, item.row);
  while (true) {
    auto row = (*plates)->Step();
    if (!row) return Fail(row.error());
    if (!*row) break;
    records.push_back({.plate_tag = static_cast<std::uint64_t>((*plates)->Integer(0)),
                       .folded_tag = static_cast<std::uint64_t>((*plates)->Integer(1)),
                       .shape = static_cast<std::uint16_t>((*plates)->Integer(2))});
  }
  while (true) {
    auto row = (*pairs)->Step();
    if (!row) return Fail(row.error());
    if (!*row) return records;
    if (!records.empty()) records.front().pair_tags.push_back(static_cast<std::uint64_t>((*pairs)->Integer(0)));
  }
}

}  // namespace spanwatch::enrolment
