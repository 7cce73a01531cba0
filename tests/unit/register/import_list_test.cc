#include "register/import_list.h"

#include "base/hex.h"
#include "register_support.h"

namespace spanwatch::enrolment {
namespace {

using ImportListTest = RegisterTest;

const std::string kDigestA(64, 'a');
const std::string kDigestB = "00" + std::string(62, 'B');

TEST_F(ImportListTest, TakesPlainListsSha256sumAndBsdOutput) {
  const std::string third(64, '3'), fourth(64, '4');
  const std::string list =
      Write("list", "# what we know\n" + kDigestA + "\r\n\n" + kDigestB + "  pictures/0017.jpg\n" + third +
                        " *b.jpg\nSHA256 (deadbeef.jpg) = " + fourth + "\n" + kDigestA + "\n");
  RecordingObserver observer;
  const auto summary = ImportList(*database_, "lanes", list, ListKind::kSha256, observer);
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->added, 4u);
  EXPECT_EQ(summary->problems, 0u);
  const auto items = Items();
  ASSERT_EQ(items.size(), 4u);
  EXPECT_EQ(ToHex(*items[0].sha256), kDigestA);
  EXPECT_EQ(items[0].kind, ItemKind::kFile);
  EXPECT_EQ(items[0].size, 0u);
  EXPECT_EQ(ImportList(*database_, "lanes", list, ListKind::kSha256, observer)->known, 5u);
}

TEST_F(ImportListTest, NamesLinesWithoutADigestAndGoesOn) {
  const std::string list = Write("list", "md5 d41d8cd98f00b204e9800998ecf8427e\n" + kDigestA + "0\n" + kDigestA + "\n");
  RecordingObserver observer;
  const auto summary = ImportList(*database_, "lanes", list, ListKind::kSha256, observer);
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->added, 1u);
  EXPECT_EQ(summary->problems, 2u);
  ASSERT_EQ(observer.problems.size(), 2u);
  EXPECT_NE(observer.problems[0].find("list:1"), std::string::npos);
  EXPECT_FALSE(ImportList(*database_, "lanes", (folder_ / "nothing").string(), ListKind::kSha256, observer));
}

TEST_F(ImportListTest, ReadsPdqInTheReferencesOrder) {
  const std::string list =
      Write("list", "8000000000000000" + std::string(47, '0') + "1,84,a.jpg\n" + std::string(64, 'f') + "\n");
  RecordingObserver observer;
  ASSERT_EQ(ImportList(*database_, "lanes", list, ListKind::kPdq, observer)->added, 2u);
  const auto picture = *database_->ImportedPicture(Items()[0]);
  ASSERT_TRUE(picture);
  EXPECT_EQ(picture->hash, (PdqHash{{1, 0, 0, 0x8000000000000000}})) << "bit 0 last, bit 255 first";
  EXPECT_EQ(picture->quality, 84);
}

}  // namespace
}  // namespace spanwatch::enrolment
