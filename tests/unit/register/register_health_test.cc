// The register keeps itself whole: damage is seen, copies are checked, and what is removed is in no file any more.
#include <sqlite3.h>

#include <algorithm>
#include <random>

#include "base/file.h"
#include "register/build.h"
#include "register/find_items.h"
#include "register/fingerprint_codec.h"
#include "register/register_status.h"
#include "register_support.h"

namespace spanwatch::enrolment {
namespace {

// A reader that has begun and does not end.
class OpenReader {
 public:
  explicit OpenReader(const std::filesystem::path& path) {
    EXPECT_EQ(sqlite3_open(path.c_str(), &handle_), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(handle_, "BEGIN; SELECT count(*) FROM items", nullptr, nullptr, nullptr), SQLITE_OK);
  }
  ~OpenReader() { sqlite3_close(handle_); }

 private:
  sqlite3* handle_ = nullptr;
};

class RegisterHealth : public RegisterTest {
 protected:
  static constexpr std::uint64_t kFiles = 60, kPlates = 300, kVictim = 17;
  static constexpr std::uint64_t kSpread = 0x9E3779B97F4A7C15;

  void Fill() {
    ASSERT_TRUE(database_->SetRecordKey("/keys/record.key", {1, 2, 3}));
    for (std::uint64_t seed = 1; seed <= kFiles; ++seed) {
      ASSERT_TRUE(database_->AddFile(*database_->CollectionRow("lanes"),
                                     {.path = fmt::format("/pictures/{}.jpg", seed)}, MadeUpFile(seed)));
    }
    for (std::uint64_t plate = 1; plate <= kPlates; ++plate) {
      ASSERT_TRUE(database_->AddRecord(*database_->CollectionRow("reads"), {.path = "/reads.csv", .line = plate},
                                       {{.plate_tag = plate * kSpread,
                                         .folded_tag = plate * kSpread + 1,
                                         .shape = 240,
                                         .pair_tags = {~plate * kSpread}}}));
    }
  }
  // Of all files of the register.
  std::string Content() {
    std::string content;
    for (const char* name : {"R.db", "R.db-wal", "R.db-shm"}) {
      if (!std::filesystem::exists(folder_ / name)) continue;
      const auto bytes = ReadFile(folder_ / name, 1u << 30);
      EXPECT_TRUE(bytes);
      content.append(reinterpret_cast<const char*>(bytes->data()), bytes->size());
    }
    return content;
  }
  template <typename Value>
  static bool Holds(const std::string& content, const Value& value) {
    return content.find(std::string_view(reinterpret_cast<const char*>(&value), sizeof value)) != std::string::npos;
  }
  // Tags are kept as SQLite keeps integers: big-endian.
  static bool HoldsTag(const std::string& content, std::uint64_t tag) {
    return Holds(content, __builtin_bswap64(tag)) || Holds(content, tag);
  }
};

TEST_F(RegisterHealth, OfWhatIsRemovedNothingStaysInAnyFile) {
  Fill();
  const FileFingerprint victim = MadeUpFile(kVictim);
  const std::uint64_t tag = kVictim * kSpread, pair = ~kVictim * kSpread;
  const std::string before = Content();
  ASSERT_TRUE(Holds(before, victim.sha256) && Holds(before, victim.md5) && Holds(before, victim.fragments[3].hash));
  ASSERT_TRUE(HoldsTag(before, tag) && HoldsTag(before, pair) && before.contains("/pictures/17.jpg"));

  const std::array tags{tag};
  const auto plate = ItemsOfPlate(*database_, "", tags);
  const auto picture = ItemsOfPicture(*database_, "", victim);
  ASSERT_TRUE(plate && picture);
  ASSERT_EQ(plate->items.size(), 1u);
  ASSERT_EQ(picture->items.size(), 1u);
  EXPECT_EQ(*database_->Sources(plate->items[0]), (std::vector<std::string>{"/reads.csv:17"}));
  const ItemId id = picture->items[0].id;
  ASSERT_TRUE(database_->Erase({plate->items[0], picture->items[0]}));

  const std::string after = Content();
  EXPECT_FALSE(Holds(after, victim.sha256) || Holds(after, victim.md5) || Holds(after, *victim.image_data));
  for (const FragmentPrint& print : victim.fragments) EXPECT_FALSE(Holds(after, print.hash));
  EXPECT_FALSE(HoldsTag(after, tag) || HoldsTag(after, tag + 1) || HoldsTag(after, pair) || Holds(after, id));
  EXPECT_FALSE(after.contains("/pictures/17.jpg"));
  EXPECT_TRUE(Holds(after, MadeUpFile(kVictim + 1).sha256)) << "others stay";
  EXPECT_TRUE(database_->Damage().empty());
  ASSERT_TRUE(BuildHashSet(*database_, {.out = folder_ / "a.swset", .now = WallClockNow()}, Bytes(32, 3)));
  const auto set = ReadFile(folder_ / "a.swset", 1u << 30);
  const std::string_view built(reinterpret_cast<const char*>(set->data()), set->size());
  EXPECT_FALSE(Holds(std::string(built), id));
  EXPECT_EQ(Items().size(), kFiles + kPlates - 2);
}

TEST_F(RegisterHealth, WhileSomebodyReadsNothingIsRemovedAndThatIsTold) {
  Fill();
  const auto items = database_->Selected({.collection = "lanes", .item = {}, .source = "/pictures/17.jpg"});
  ASSERT_TRUE(items && items->size() == 1);
  {
    const OpenReader reader(folder_ / "R.db");
    const Status status = database_->Erase(*items);
    ASSERT_FALSE(status);
    EXPECT_NE(status.error().message.find("nothing was removed"), std::string::npos) << status.error().message;
    EXPECT_EQ(Items().size(), kFiles + kPlates);
    EXPECT_FALSE(*database_->IsErasing());
  }
  EXPECT_TRUE(database_->Erase(*items));
  EXPECT_EQ(Items().size(), kFiles + kPlates - 1);
}

TEST_F(RegisterHealth, AnErasureThatWasBrokenOffIsFinishedLater) {
  Fill();
  database_.reset();
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open((folder_ / "R.db").c_str(), &handle), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(handle, "INSERT INTO meta VALUES('erasing', '1', 0)", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(handle);
  Reopen();
  EXPECT_TRUE(*database_->IsErasing());
  EXPECT_TRUE(database_->FinishErasure());
  EXPECT_FALSE(*database_->IsErasing());
  EXPECT_TRUE(database_->Damage().empty());
}

TEST_F(RegisterHealth, AFlippedBitIsSeenAndNoSetIsBuiltOfIt) {
  Fill();
  database_.reset();
  const auto whole = ReadFile(folder_ / "R.db", 1u << 30);
  ASSERT_TRUE(whole);
  ASSERT_FALSE(std::filesystem::exists(folder_ / "R.db-wal"));
  std::mt19937_64 random(5);
  int seen = 0, unused = 0;
  for (int i = 0; i < 30; ++i) {
    const std::size_t at = random() % whole->size();
    Bytes flipped(whole->begin(), whole->end());
    flipped[at] = static_cast<std::uint8_t>(flipped[at] ^ (1u << (random() % 8)));
    for (const char* left : {"R.db-wal", "R.db-shm"}) std::filesystem::remove(folder_ / left);
    Write("R.db", std::string(reinterpret_cast<const char*>(flipped.data()), flipped.size()));
    auto opened = RegisterDatabase::Open(folder_ / "R.db");
    const bool refused =
        !opened || !BuildHashSet(**opened, {.out = folder_ / "a.swset", .now = WallClockNow()}, Bytes(32, 3));
    seen += refused;
    if (refused) continue;
    // Then the bit is of no row: what the register says is what it said.
    ++unused;
    std::vector<Bytes> files;
    EXPECT_TRUE((*opened)->ForEachItem([&](const ItemEntry& item) -> Status {
      const auto file = (*opened)->File(item);
      if (!file) return Fail(file.error());
      if (*file) files.push_back(EncodeFile(**file));
      return {};
    }));
    ASSERT_EQ(files.size(), kFiles);
    for (std::uint64_t seed = 1; seed <= kFiles; ++seed) EXPECT_EQ(files[seed - 1], EncodeFile(MadeUpFile(seed)));
  }
  EXPECT_GT(seen, 12) << unused << " of 30 were of free space, which changes nothing";
}

TEST_F(RegisterHealth, ABackupIsWholeIsMadeWhileOthersReadAndReplacesNothing) {
  Fill();
  const OpenReader reader(folder_ / "R.db");
  ASSERT_TRUE(database_->Backup(folder_ / "B.db"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "B.db.part"));
  EXPECT_EQ(std::filesystem::status(folder_ / "B.db").permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  const auto copy = RegisterDatabase::Open(folder_ / "B.db");
  ASSERT_TRUE(copy);
  std::size_t items = 0;
  EXPECT_TRUE((*copy)->ForEachItem([&](const ItemEntry&) -> Status {
    ++items;
    return {};
  }));
  EXPECT_EQ(items, kFiles + kPlates);
  EXPECT_EQ(database_->Backup(folder_ / "B.db").error().code, ErrorCode::kExists);
  EXPECT_EQ(database_->Backup(folder_ / "R.db").error().code, ErrorCode::kExists);
  EXPECT_FALSE(database_->Backup(folder_ / "missing/B.db"));
}

TEST_F(RegisterHealth, StatusCountsByCollectionAndSaysWhatExpiresWhen) {
  Fill();
  ASSERT_TRUE(database_->UseCollection("empty", false));
  ASSERT_TRUE(
      database_->Expire({.collection = "lanes", .item = {}, .source = "/pictures/1.jpg"}, *ParseRfc3339("2031-03-04")));
  ASSERT_TRUE(
      database_->Expire({.collection = "lanes", .item = {}, .source = "/pictures/2.jpg"}, *ParseRfc3339("2001-03-04")));
  const auto status = StatusOf(*database_, WallClockNow());
  ASSERT_TRUE(status);
  ASSERT_EQ(status->size(), 3u);
  const CollectionStatus& lanes = status->front();
  EXPECT_EQ(lanes.name, "lanes");
  EXPECT_EQ(lanes.items_of_kind[static_cast<std::size_t>(ItemKind::kImage)], kFiles);
  EXPECT_EQ(lanes.expired, 1u);
  EXPECT_EQ(lanes.expiring.size(), 1u);
  EXPECT_EQ((*status)[1].items_of_kind[static_cast<std::size_t>(ItemKind::kRecord)], kPlates);
}

TEST_F(RegisterHealth, TheLogSaysWhatWasDoneButNotToWhat) {
  Fill();
  const auto begun = database_->BeginLog("added", "lanes");
  ASSERT_TRUE(begun);
  ASSERT_TRUE(Remove({.collection = "lanes", .item = {}, .source = "/pictures/17.jpg"}));
  ASSERT_TRUE(database_->Expire({.collection = "reads"}, *ParseRfc3339("2031-01-01")));
  const auto built = BuildHashSet(*database_, {.out = folder_ / "a.swset", .now = WallClockNow()}, Bytes(32, 3));
  ASSERT_TRUE(built);
  Reopen();
  const auto log = database_->LogEntries();
  ASSERT_TRUE(log);
  ASSERT_EQ(log->size(), 5u);
  EXPECT_EQ((*log)[0].action, "made");
  EXPECT_EQ((*log)[1].detail, "did not end");
  EXPECT_EQ((*log)[2].action, "removed");
  EXPECT_EQ((*log)[2].collection, "lanes");
  EXPECT_EQ((*log)[2].items, 1u);
  EXPECT_EQ((*log)[3].detail, "the collection, " + FormatRfc3339(*ParseRfc3339("2031-01-01")));
  EXPECT_EQ((*log)[4].action, "built");
  EXPECT_NE((*log)[4].detail.find(fmt::format("serial {}", built->serial)), std::string::npos);
  for (const LogEntry& entry : *log) {
    EXPECT_FALSE(entry.actor.empty());
    EXPECT_EQ(entry.detail.find("17.jpg"), std::string::npos);
  }
}

}  // namespace
}  // namespace spanwatch::enrolment
