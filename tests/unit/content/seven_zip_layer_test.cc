#include <gmock/gmock.h>

#include "content/seven_zip_index.h"
#include "support/content_run.h"
#include "support/seven_zip_builder.h"

namespace spanwatch::testing {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::vector<SevenZipFile> kFiles = {{"lane3", 0, 0, true},
                                          {"lane3/0001.jpg", 20001, 0x11111111},
                                          {"lane3/0002.jpg", 30002, 0x22222222},
                                          {"lane3/0003.jpg", 40003, 0x33333333}};
const RecordedEntry kFirstFile{"lane3/0001.jpg", 20001, 0x11111111};
const RecordedEntry kSecondFile{"lane3/0002.jpg", 30002, 0x22222222};
const RecordedEntry kThirdFile{"lane3/0003.jpg", 40003, 0x33333333};

TEST(SevenZip, TheIndexOfAnEncryptedArchiveTellsNamesSizesAndDigests) {
  for (const bool packed : {false, true}) {
    SevenZipBuilder builder;
    builder.pack_index = packed;
    ContentRun run;
    run.Feed({}, builder.Make(kFiles), 1460);
    EXPECT_THAT(run.recorder.objects().front()->entries, ElementsAre(kFirstFile, kSecondFile, kThirdFile)) << packed;
    EXPECT_TRUE(run.notes().encrypted_archive);
    EXPECT_EQ(run.anomalies.Count(AnomalyCode::archive_encrypted), 1u);
  }
}

TEST(SevenZip, AnEncryptedIndexIsToldAndTellsNothing) {
  SevenZipBuilder builder;
  builder.encrypt_index = true;
  ContentRun run;
  run.Feed({}, builder.Make(kFiles), 1460);
  EXPECT_THAT(run.recorder.objects().front()->entries, IsEmpty());
  EXPECT_TRUE(run.notes().encrypted_archive);
}

TEST(SevenZip, OfAReadableArchiveNoEntryIsTold) {
  ContentRun run;
  run.Feed({}, MakeArchive("7zip", {{"a.jpg", MakeJpeg(1, 4000)}}, "7zip:compression=lzma2"), 1460);
  EXPECT_THAT(run.recorder.objects().front()->entries, IsEmpty());
  EXPECT_FALSE(run.notes().encrypted_archive);
}

TEST(SevenZip, BeyondTheLimitTheEndIsHeldForItsIndex) {
  config::Limits limits;
  limits.content_held_bytes = 65536;
  limits.content_index_bytes = 65536;
  for (const bool hidden : {false, true}) {
    SevenZipBuilder builder;
    builder.data_bytes = 300000;
    builder.encrypt_index = hidden;
    const std::string text = builder.Make(kFiles);
    for (const std::size_t piece : {0, 1460}) {
      ContentRun run(limits);
      run.Feed({}, text + MakeJpeg(5, 900), piece);
      const auto& root = *run.recorder.objects().front();
      EXPECT_EQ(root.entries.size(), hidden ? 0u : 3u);
      EXPECT_TRUE(run.notes().encrypted_archive);
      ASSERT_NE(run.recorder.Find("root / carved jpeg"), nullptr) << "what follows is searched";
    }
  }
}

TEST(SevenZip, AGapBeforeTheIndexLosesNothingOfIt) {
  SevenZipBuilder builder;
  builder.data_bytes = 300000;
  const std::string text = builder.Make(kFiles);
  config::Limits limits;
  limits.content_index_bytes = 65536;
  for (const std::size_t gap : {std::size_t{100000}, text.size() - 20}) {
    ContentRun run(limits);
    const auto consumer = run.Open({});
    ContentRun::Pass(*consumer, text.substr(0, gap), 1460);
    consumer->OnGap(10);
    ContentRun::Pass(*consumer, text.substr(gap + 10), 1460);
    consumer->OnEnd(ObjectEnd::kTruncated);
    EXPECT_EQ(run.recorder.objects().front()->entries.size(), gap == 100000 ? 3u : 0u) << gap;
  }
}

// py7zr writes permissions without a type of file; 7-Zip writes no attributes for standard input.
TEST(SevenZip, AMemberWithoutATypeOfFileIsAFile) {
  const std::string jpeg = MakeJpeg(1, 3000);
  const std::uint32_t crc32 = static_cast<std::uint32_t>(
      ::crc32(0, reinterpret_cast<const Bytef*>(jpeg.data()), static_cast<uInt>(jpeg.size())));
  constexpr std::uint32_t kUnix = 0x8000, kPermissions = 0644u << 16, kRegular = 0100000u << 16;
  const auto read = [&](std::optional<std::uint32_t> modes) {
    SevenZipBuilder builder;
    builder.content = jpeg;
    builder.modes = modes;
    ContentRun run;
    run.Feed({}, builder.Make({{"a.jpg", jpeg.size(), crc32}}));
    const RecordedObject* member = run.recorder.Find("root / 7z a.jpg");
    return member == nullptr ? "" : member->text();
  };
  EXPECT_EQ(read(std::nullopt), jpeg);
  EXPECT_EQ(read(kUnix | kPermissions), jpeg);
  EXPECT_EQ(read(kUnix | kPermissions | kRegular), jpeg);
}

TEST(SevenZip, EncryptedHeadersAreTold) {
  SevenZipBuilder builder;
  builder.encrypt_index = true;
  ContentRun run;
  run.Feed({}, builder.Make(kFiles));
  EXPECT_EQ(run.anomalies.Count(AnomalyCode::unread_encrypted), 1u);
  EXPECT_GT(run.notes().encoded_bytes, 0u);
}

TEST(SevenZip, EverySplitGivesTheSame) {
  const std::string text = SevenZipBuilder().Make(kFiles);
  for (const std::string& bytes : {text, "junk" + text + "more", text.substr(0, text.size() - 3)}) {
    const auto splits = EverySplit({}, bytes);
    EXPECT_THAT(splits, Each(splits.front()));
  }
}

// What the index may cost: one that says too much of itself is not read.
TEST(SevenZip, AnIndexBeyondItsLimitsIsNotRead) {
  const std::string text = SevenZipBuilder().Make(kFiles);
  const auto head = content::ReadSevenZipHead(AsBytes(text));
  ASSERT_TRUE(head);
  const auto read = [&](const content::SevenZipLimits& limits, ByteView tail) {
    std::size_t entries = 0;
    const auto result = content::ReadSevenZipIndex(*head, tail, limits, [&](const ArchiveEntry&) { ++entries; });
    return std::pair(result, entries);
  };
  const content::SevenZipLimits enough{.entries = 4, .unpacked_bytes = 4096, .unpacked_ratio = 16};
  using Result = content::SevenZipIndexResult;
  EXPECT_EQ(read(enough, AsBytes(text)), std::pair(Result::kRead, std::size_t{3}));
  EXPECT_EQ(read({3, 4096, 16}, AsBytes(text)).first, Result::kUnreadable);
  EXPECT_EQ(read({4, 100, 16}, AsBytes(text)).first, Result::kUnreadable);
  EXPECT_EQ(read(enough, AsBytes(text).last(10)).first, Result::kUnreadable);
}

}  // namespace
}  // namespace spanwatch::testing
