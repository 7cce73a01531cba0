#include "register/export_list.h"

#include <sstream>

#include "base/hex.h"
#include "register/import_list.h"
#include "register_support.h"

namespace spanwatch::enrolment {
namespace {

class ExportListTest : public RegisterTest {
 protected:
  std::string Export(ListFormat format, const std::string& collection = "") {
    std::string list;
    const auto summary = ExportList(*database_, {.format = format, .collection = collection, .now = WallClockNow()},
                                    [&](auto text) -> Status {
                                      list += text;
                                      return {};
                                    });
    EXPECT_TRUE(summary);
    if (summary) summary_ = *summary;
    return list;
  }
  // What another register has of it, by identity.
  std::vector<ItemEntry> ImportedElsewhere(const std::string& list) {
    const std::string path = Write("list", list);
    const auto other = RegisterDatabase::Create(folder_ / fmt::format("other{}.db", ++others_), {.owner = "Other"});
    EXPECT_TRUE(other);
    RecordingObserver observer;
    const auto imported = ImportList(**other, {"lanes", path, {.kind = std::nullopt, .now = WallClockNow()}}, observer);
    EXPECT_TRUE(imported && imported->problems == 0) << (observer.problems.empty() ? "" : observer.problems.front());
    std::vector<ItemEntry> items;
    EXPECT_TRUE((*other)->ForEachItem([&](const ItemEntry& item) -> Status {
      items.push_back(item);
      return {};
    }));
    return items;
  }
  ExportSummary summary_;
  int others_ = 0;
};

TEST_F(ExportListTest, EveryFormatIsReadAgainByImport) {
  const std::int64_t lanes = *database_->CollectionRow("lanes");
  const FileFingerprint file = MadeUpFile(1);
  Md5Digest md5{7};
  ASSERT_TRUE(database_->AddFile(lanes, {.path = "/secret/name.jpg"}, file));
  ASSERT_TRUE(database_->AddMd5(lanes, {.path = "/list", .line = 1}, md5));
  ASSERT_TRUE(database_->AddRecord(lanes, {.path = "/r", .line = 1}, {{.plate_tag = 5}}));
  ASSERT_TRUE(database_->AddFile(lanes, {.path = "/old.jpg"}, MadeUpFile(2)));
  ASSERT_TRUE(
      database_->Expire({.collection = "lanes", .item = {}, .source = "/old.jpg"}, *ParseRfc3339("2001-01-01")));
  ASSERT_TRUE(database_->UseCollection("logos", true));
  ASSERT_TRUE(database_->AddFile(*database_->CollectionRow("logos"), {.path = "/logo"}, MadeUpFile(3)));

  const std::string sums = Export(ListFormat::kSha256);
  EXPECT_TRUE(sums.starts_with(ToHex(file.sha256) + "  "));
  EXPECT_EQ(summary_.written, 1u);
  EXPECT_EQ(summary_.expired, 1u);
  EXPECT_EQ(summary_.without, 2u);
  EXPECT_EQ(ImportedElsewhere(sums)[0].sha256, file.sha256);
  EXPECT_EQ(ImportedElsewhere(Export(ListFormat::kMd5)).size(), 2u);
  const auto pictures = ImportedElsewhere(Export(ListFormat::kPdq));
  ASSERT_EQ(pictures.size(), 1u);
  EXPECT_EQ(pictures[0].kind, ItemKind::kImage);
  const std::string bundle = Export(ListFormat::kStix);
  EXPECT_EQ(ImportedElsewhere(bundle).size(), 3u) << "a digest and a picture of the file, and the MD5";
  EXPECT_FALSE(bundle.contains("secret")) << "no source";
  EXPECT_EQ(ImportedElsewhere(Export(ListFormat::kSha256, "logos")).size(), 1u);
}

}  // namespace
}  // namespace spanwatch::enrolment
