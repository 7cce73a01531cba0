#include "register/register_database.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <set>

#include "base/hex.h"
#include "register/fingerprint_codec.h"
#include "register_support.h"

namespace spanwatch::enrolment {
namespace {

class RegisterDatabaseTest : public RegisterTest {
 protected:
  // The database is closed after it.
  std::int64_t PathsKept() {
    database_.reset();
    sqlite3* handle = nullptr;
    sqlite3_stmt* count = nullptr;
    EXPECT_EQ(sqlite3_open((folder_ / "R.db").c_str(), &handle), SQLITE_OK);
    EXPECT_EQ(sqlite3_prepare_v2(handle, "SELECT count(*) FROM paths", -1, &count, nullptr), SQLITE_OK);
    EXPECT_EQ(sqlite3_step(count), SQLITE_ROW);
    const std::int64_t paths = sqlite3_column_int64(count, 0);
    sqlite3_finalize(count);
    sqlite3_close(handle);
    return paths;
  }
};

TEST_F(RegisterDatabaseTest, KeepsItsFactsOverReopeningAndIsForItsOwnerOnly) {
  const std::uint64_t seed = database_->facts().fragment_seed;
  ASSERT_TRUE(database_->SetRecordKey("/keys/record.key", {1, 2, 3}));
  EXPECT_EQ(*database_->NextSerial({}, {}), 1u);
  Reopen();
  EXPECT_EQ(database_->facts().owner, "Agency");
  EXPECT_EQ(database_->facts().fragment_seed, seed);
  EXPECT_EQ(database_->facts().record_key_file, "/keys/record.key");
  EXPECT_EQ(database_->facts().record_key_id, (hashset::RecordKeyId{1, 2, 3}));
  EXPECT_EQ(*database_->NextSerial({}, {}), 2u);
  EXPECT_FALSE(database_->NextSerial({}, 2)) << "given before";
  EXPECT_EQ(*database_->NextSerial(PacketTime(std::chrono::seconds(500)), {}), 500u);
  EXPECT_EQ(*database_->NextSerial(PacketTime(std::chrono::seconds(500)), {}), 501u);
  struct stat status{};
  ASSERT_EQ(::stat((folder_ / "R.db").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(RegisterDatabaseTest, RefusesASecondInitAMissingFileAndAForeignFile) {
  EXPECT_EQ(RegisterDatabase::Create(folder_ / "R.db", {.owner = "Other"}).error().code, ErrorCode::kExists);
  EXPECT_EQ(RegisterDatabase::Open(folder_ / "nothing.db").error().code, ErrorCode::kNotFound);
  Write("text.db", "this is no database, but long enough to be taken for one by its size");
  EXPECT_FALSE(RegisterDatabase::Open(folder_ / "text.db"));
  Write("empty.db", "");
  EXPECT_FALSE(RegisterDatabase::Open(folder_ / "empty.db"));
}

TEST_F(RegisterDatabaseTest, SameBytesInOneCollectionAreOneItemWithSeveralSources) {
  const std::int64_t lanes = *database_->CollectionRow("lanes");
  const std::int64_t other = *database_->CollectionRow("other");
  const FileFingerprint file = MadeUpFile(1);
  EXPECT_EQ(*database_->AddFile(lanes, {.path = "/p/a.jpg", .size = 1, .modified = 2}, file), AddResult::kNew);
  EXPECT_EQ(*database_->AddFile(lanes, {.path = "/p/b.jpg", .size = 1, .modified = 2}, file), AddResult::kNewSource);
  EXPECT_EQ(*database_->AddFile(lanes, {.path = "/p/b.jpg", .size = 1, .modified = 2}, file), AddResult::kKnown);
  EXPECT_EQ(*database_->AddFile(other, {.path = "/p/a.jpg", .size = 1, .modified = 2}, file), AddResult::kNew);
  const auto items = Items();
  ASSERT_EQ(items.size(), 2u);
  EXPECT_NE(items[0].id, items[1].id);
  EXPECT_EQ(*database_->Sources(items[0]), (std::vector<std::string>{"/p/a.jpg", "/p/b.jpg"}));
  EXPECT_TRUE(database_->KindOfSource(lanes, {.path = "/p/a.jpg", .size = 1, .modified = 2})->has_value());
  EXPECT_FALSE(database_->KindOfSource(lanes, {.path = "/p/a.jpg", .size = 1, .modified = 3})->has_value());
}

TEST_F(RegisterDatabaseTest, GivesAFileBackAsItWas) {
  const FileFingerprint file = MadeUpFile(2);
  ASSERT_TRUE(database_->AddFile(*database_->CollectionRow("lanes"), {.path = "/p"}, file));
  Reopen();
  const auto items = Items();
  ASSERT_EQ(items.size(), 1u);
  EXPECT_EQ(items[0].kind, ItemKind::kImage);
  EXPECT_EQ(items[0].sha256, file.sha256);
  const auto back = database_->File(items[0]);
  ASSERT_TRUE(back && *back);
  EXPECT_EQ(EncodeFile(**back), EncodeFile(file));
  EXPECT_EQ((*back)->fragments, file.fragments);
}

TEST_F(RegisterDatabaseTest, ADigestBecomesAFileWhenTheFileComes) {
  const std::int64_t lanes = *database_->CollectionRow("lanes");
  const FileFingerprint file = MadeUpFile(3);
  EXPECT_EQ(*database_->AddDigest(lanes, {.path = "/list", .line = 1}, file.sha256), AddResult::kNew);
  const ItemId id = Items()[0].id;
  EXPECT_FALSE(*database_->File(Items()[0]));
  EXPECT_EQ(*database_->AddFile(lanes, {.path = "/p"}, file), AddResult::kNewSource);
  ASSERT_EQ(Items().size(), 1u);
  EXPECT_EQ(Items()[0].id, id);
  EXPECT_EQ(Items()[0].size, file.size);
  EXPECT_TRUE(*database_->File(Items()[0]));
}

TEST_F(RegisterDatabaseTest, OnePlateIsOneItemWithThePairsOfAllItsRows) {
  const std::int64_t reads = *database_->CollectionRow("reads");
  const RecordFingerprint first{.plate_tag = 0xf000000000000001, .folded_tag = 2, .shape = 240, .pair_tags = {10, 11}};
  const RecordFingerprint again{.plate_tag = 0xf000000000000001, .folded_tag = 2, .shape = 240, .pair_tags = {11, 12}};
  const RecordFingerprint variant{.plate_tag = 5, .folded_tag = 5, .shape = 241};
  EXPECT_EQ(*database_->AddRecord(reads, {.path = "/r.csv", .line = 2}, {first, variant}), AddResult::kNew);
  EXPECT_EQ(*database_->AddRecord(reads, {.path = "/r.csv", .line = 3}, {again}), AddResult::kNewSource);
  const auto items = Items();
  ASSERT_EQ(items.size(), 1u);
  EXPECT_EQ(*database_->Sources(items[0]), (std::vector<std::string>{"/r.csv:2", "/r.csv:3"}));
  const auto records = *database_->Records(items[0]);
  ASSERT_EQ(records.size(), 2u);
  std::set<std::uint64_t> plates, pairs;
  for (const auto& record : records) {
    plates.insert(record.plate_tag);
    pairs.insert(record.pair_tags.begin(), record.pair_tags.end());
  }
  EXPECT_EQ(plates, (std::set<std::uint64_t>{0xf000000000000001, 5}));
  EXPECT_EQ(pairs, (std::set<std::uint64_t>{10, 11, 12}));
}

TEST_F(RegisterDatabaseTest, ExpiresACollectionOrAnItemAtWhicheverIsFirst) {
  const std::int64_t lanes = *database_->CollectionRow("lanes");
  ASSERT_TRUE(database_->AddFile(lanes, {.path = "/a"}, MadeUpFile(1)));
  ASSERT_TRUE(database_->AddFile(lanes, {.path = "/b"}, MadeUpFile(2)));
  EXPECT_EQ(Items()[0].expires, PacketTime::max());
  const PacketTime late = *ParseRfc3339("2030-01-01"), early = *ParseRfc3339("2029-01-01");
  EXPECT_EQ(*database_->Expire({.collection = "lanes"}, late), 2u);
  EXPECT_EQ(*database_->Expire({.collection = "lanes", .source = "/b"}, early), 1u);
  EXPECT_EQ(Items()[0].expires, late);
  EXPECT_EQ(Items()[1].expires, early);
  EXPECT_EQ(*database_->Expire({.collection = "lanes"}, PacketTime::max()), 2u);
  EXPECT_EQ(Items()[0].expires, PacketTime::max());
  EXPECT_EQ(Items()[1].expires, early);
  EXPECT_FALSE(database_->Expire({.collection = "nothing"}, late));
}

TEST_F(RegisterDatabaseTest, RemovesAnItemASourceOrEverything) {
  const std::int64_t lanes = *database_->CollectionRow("lanes");
  for (std::uint64_t i = 0; i < 5; ++i) {
    ASSERT_TRUE(database_->AddFile(lanes, {.path = fmt::format("/{}", i)}, MadeUpFile(i)));
  }
  EXPECT_EQ(*Remove({.collection = "lanes", .item = Items()[1].id}), 1u);
  EXPECT_EQ(*Remove({.collection = "lanes", .source = "/3"}), 1u);
  EXPECT_EQ(Items().size(), 3u);
  EXPECT_FALSE(database_->KindOfSource(lanes, {.path = "/3"})->has_value());
  EXPECT_EQ(*Remove({.collection = "lanes"}), 3u);
  EXPECT_TRUE(Items().empty());
}

TEST_F(RegisterDatabaseTest, KeepsNoPathOfWhatWasRemoved) {
  const std::int64_t reads = *database_->CollectionRow("reads");
  const std::array records = {RecordFingerprint{.plate_tag = 1}, RecordFingerprint{.plate_tag = 2}};
  for (std::uint64_t line = 0; line < records.size(); ++line)
    ASSERT_TRUE(database_->AddRecord(reads, {.path = "/r.csv", .line = line}, {records[line]}));
  EXPECT_EQ(*Remove({.collection = "reads", .item = Items()[0].id}), 1u);
  EXPECT_EQ(PathsKept(), 1);
  Reopen();
  EXPECT_EQ(*Remove({.collection = "reads", .source = "/r.csv"}), 1u);
  EXPECT_EQ(PathsKept(), 0);
}

TEST_F(RegisterDatabaseTest, ANegativeBankAndWhatIsToBeFoundAreNotMixedUp) {
  ASSERT_TRUE(database_->UseCollection("logos", true));
  ASSERT_TRUE(database_->UseCollection("lanes", false));
  EXPECT_TRUE(database_->UseCollection("logos", true));
  EXPECT_TRUE(database_->UseCollection("lanes", false));
  EXPECT_FALSE(database_->UseCollection("logos", false));
  EXPECT_FALSE(database_->UseCollection("lanes", true));
  ASSERT_TRUE(database_->AddFile(*database_->CollectionRow("logos"), {.path = "/1"}, MadeUpFile(1)));
  ASSERT_TRUE(database_->AddFile(*database_->CollectionRow("lanes"), {.path = "/2"}, MadeUpFile(2)));
  Reopen();
  EXPECT_TRUE(Items()[0].negative);
  EXPECT_FALSE(Items()[1].negative);
}

// The tables of schema 1, filled from those of now.
constexpr const char* kAsItWasInSchema1 = R"(
PRAGMA foreign_keys=OFF;
CREATE TABLE old_items(
  row INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, collection INTEGER NOT NULL REFERENCES collections(row),
  identity BLOB NOT NULL, kind INTEGER NOT NULL, size INTEGER NOT NULL, sha256 BLOB, added INTEGER NOT NULL,
  expires INTEGER, UNIQUE(collection, identity));
INSERT INTO old_items SELECT row, id, collection, identity, kind, size, sha256, added, expires FROM items;
DROP TABLE items;
ALTER TABLE old_items RENAME TO items;
CREATE TABLE old_sources(
  path TEXT NOT NULL, line INTEGER NOT NULL, collection INTEGER NOT NULL,
  item INTEGER NOT NULL REFERENCES items(row) ON DELETE CASCADE, size INTEGER NOT NULL, modified INTEGER NOT NULL,
  PRIMARY KEY(path, line, collection, item)) WITHOUT ROWID;
INSERT INTO old_sources SELECT paths.path, line, collection, item, size, modified
  FROM sources JOIN paths ON paths.row=sources.path;
DROP TABLE sources;
DROP TABLE paths;
ALTER TABLE old_sources RENAME TO sources;
CREATE INDEX sources_item ON sources(item);
ALTER TABLE collections DROP COLUMN negative;
ALTER TABLE collections DROP COLUMN sum;
ALTER TABLE meta DROP COLUMN sum;
ALTER TABLE fingerprints DROP COLUMN sum;
ALTER TABLE plates DROP COLUMN sum;
ALTER TABLE pairs DROP COLUMN sum;
DROP TABLE log;
PRAGMA user_version=1;
)";

TEST_F(RegisterDatabaseTest, TakesARegisterOfAnEarlierSchemaWithAllThatIsInIt) {
  const std::int64_t lanes = *database_->CollectionRow("lanes");
  const std::int64_t reads = *database_->CollectionRow("reads");
  const FileFingerprint file = MadeUpFile(4);
  const Source picture{.path = "/p/a.jpg", .size = 1, .modified = 2};
  const RecordFingerprint record{.plate_tag = 5, .folded_tag = 6, .shape = 7, .pair_tags = {8, 9}};
  ASSERT_TRUE(database_->AddFile(lanes, picture, file));
  ASSERT_TRUE(database_->AddFile(lanes, {.path = "/p/b.jpg"}, file));
  for (const std::uint64_t line : {2, 3})
    ASSERT_TRUE(database_->AddRecord(reads, {.path = "/reads.csv", .line = line}, {record}));
  const auto before = Items();
  database_.reset();
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open((folder_ / "R.db").c_str(), &handle), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(handle, kAsItWasInSchema1, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(handle);
  sqlite3_close(handle);

  Reopen();
  const auto items = Items();
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(items[0].id, before[0].id);
  EXPECT_EQ(items[1].id, before[1].id);
  EXPECT_EQ(*database_->Sources(items[0]), (std::vector<std::string>{"/p/a.jpg", "/p/b.jpg"}));
  EXPECT_EQ(*database_->Sources(items[1]), (std::vector<std::string>{"/reads.csv:2", "/reads.csv:3"}));
  EXPECT_TRUE(database_->KindOfSource(lanes, picture)->has_value());
  EXPECT_EQ(EncodeFile(**database_->File(items[0])), EncodeFile(file));
  EXPECT_EQ(database_->Records(items[1])->front().pair_tags, record.pair_tags);
  EXPECT_EQ(*database_->AddFile(lanes, picture, file), AddResult::kKnown);
  EXPECT_EQ(*Remove({.collection = "lanes", .item = items[0].id}), 1u);
  EXPECT_FALSE(database_->KindOfSource(lanes, picture)->has_value());
  EXPECT_EQ(*database_->AddFile(lanes, picture, file), AddResult::kNew);
  EXPECT_TRUE(database_->UseCollection("logos", true));
  Reopen();
  EXPECT_EQ(Items().size(), 2u);
  EXPECT_TRUE(database_->Damage().empty());
  EXPECT_EQ(*Remove({.collection = "reads"}), 1u);
  EXPECT_EQ(PathsKept(), 1);
}

TEST(FingerprintCodec, ReadsWhatWasWrittenBeforeThereWereDetails) {
  FileFingerprint file = MadeUpFile(4, 3);
  file.detail.reset();
  Bytes bytes = EncodeFile(file);
  const auto flag = bytes.end() - static_cast<std::ptrdiff_t>(5 + file.fragments.size() * 16);
  ASSERT_EQ(*flag, 0);
  bytes.erase(flag);
  bytes[0] = 3;
  const auto back = DecodeFile(bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->fragments, file.fragments);
  EXPECT_EQ(back->views.size(), file.views.size());
  EXPECT_FALSE(back->detail.has_value());
}

TEST(FingerprintCodec, RefusesEveryTruncation) {
  FileFingerprint file = MadeUpFile(4, 3);
  file.detail = PictureDetail{{1, 2, 3, 4}};
  const Bytes whole = EncodeFile(file);
  EXPECT_EQ(DecodeFile(whole)->detail, file.detail);
  ASSERT_TRUE(DecodeFile(whole));
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(DecodeFile(ByteView(whole).first(size))) << size;
  const Bytes picture = EncodePicture({.hash = {{1, 2, 3, 4}}, .quality = 7, .view = View::kMirror});
  EXPECT_EQ(DecodePicture(picture)->hash, (PdqHash{{1, 2, 3, 4}}));
  EXPECT_EQ(DecodePicture(picture)->view, View::kMirror);
  EXPECT_FALSE(DecodePicture(ByteView(picture).first(10)));
  EXPECT_FALSE(DecodePicture(whole));
}

}  // namespace
}  // namespace spanwatch::enrolment
