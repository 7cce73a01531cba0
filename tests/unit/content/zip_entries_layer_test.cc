#include <gmock/gmock.h>

#include "support/content_run.h"
#include "support/zip_builder.h"

namespace spanwatch::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr ObjectKind kStream = ObjectKind::kStream;

// Three entries; the second as `encryption` says.
ZipBuilder Three(ZipEncryption encryption, bool streamed = false, bool zip64 = false) {
  ZipBuilder zip;
  zip.Add({"lane3/0001.jpg", 20001, 0x11111111, ZipEncryption::kZipCrypto, streamed, zip64});
  zip.Add({"lane3/0002.jpg", 30002, 0x22222222, encryption, streamed, zip64});
  zip.Add({"lane3/0003.jpg", 40003, 0x33333333, ZipEncryption::kZipCrypto, streamed, zip64});
  return zip;
}

const RecordedEntry kFirst{"lane3/0001.jpg", 20001, 0x11111111};
const RecordedEntry kSecond{"lane3/0002.jpg", 30002, 0x22222222};
const RecordedEntry kThird{"lane3/0003.jpg", 40003, 0x33333333};

std::vector<RecordedEntry> EntriesIn(const std::string& text, ObjectKind kind, std::size_t piece = 1460) {
  ContentRun run;
  run.Feed({.kind = kind}, text, piece);
  return run.recorder.objects().front()->entries;
}

TEST(ZipEntries, AreToldByLocalHeadersAndAgainByTheDirectory) {
  const std::string whole = Three(ZipEncryption::kZipCrypto).Whole();
  for (const ObjectKind kind : {ObjectKind::kMessage, kStream}) {
    EXPECT_THAT(EntriesIn(whole, kind), ElementsAre(kFirst, kSecond, kThird, kFirst, kSecond, kThird));
    EXPECT_THAT(EntriesIn("POST / HTTP/1.1\r\n\r\n" + whole, kStream), Contains(kThird).Times(2));
  }
}

TEST(ZipEntries, Ae1TellsItsDigestAndAe2HidesIt) {
  EXPECT_THAT(EntriesIn(Three(ZipEncryption::kAe1).Whole(), ObjectKind::kMessage), Contains(kSecond).Times(2));
  const RecordedEntry hidden{"lane3/0002.jpg", 30002, std::nullopt};
  EXPECT_THAT(EntriesIn(Three(ZipEncryption::kAe2).Whole(), ObjectKind::kMessage), Contains(hidden).Times(2));
}

TEST(ZipEntries, DataDescriptorsTellWhatTheHeaderDoesNot) {
  for (const bool zip64 : {false, true}) {
    for (const ZipEncryption encryption : {ZipEncryption::kZipCrypto, ZipEncryption::kAe2}) {
      const ZipBuilder zip = Three(encryption, true, zip64);
      const std::string without_directory = zip.Whole().substr(0, zip.directory_offset());
      RecordedEntry second = kSecond;
      if (encryption == ZipEncryption::kAe2) second.crc32.reset();
      for (const ObjectKind kind : {ObjectKind::kMessage, kStream}) {
        EXPECT_THAT(EntriesIn(without_directory, kind), ElementsAre(kFirst, second, kThird)) << zip64;
      }
    }
  }
}

TEST(ZipEntries, AfterAStartInTheMiddleTheRestAndTheDirectoryAreRead) {
  const ZipBuilder zip = Three(ZipEncryption::kZipCrypto);
  const std::string rest = zip.Whole().substr(zip.BeginOf(1) + 1000);
  EXPECT_THAT(EntriesIn(rest, kStream), ElementsAre(kThird, kFirst, kSecond, kThird));
}

TEST(ZipEntries, TheDirectoryAloneNamesAll) {
  const ZipBuilder zip = Three(ZipEncryption::kZipCrypto);
  const std::string rest = zip.Whole().substr(zip.BeginOf(2) + 1000);
  ContentRun run;
  run.Feed({.kind = kStream}, rest, 333);
  EXPECT_THAT(run.recorder.objects().front()->entries, ElementsAre(kFirst, kSecond, kThird));
  EXPECT_TRUE(run.notes().encrypted_archive);
}

TEST(ZipEntries, AGapLosesOnlyWhatLiesInIt) {
  const ZipBuilder zip = Three(ZipEncryption::kZipCrypto, true);
  const std::string whole = zip.Whole();
  for (const ObjectKind kind : {ObjectKind::kMessage, kStream}) {
    ContentRun run;
    const auto consumer = run.Open({.kind = kind});
    // Inside the data of the first entry: its length is still known at its descriptor.
    ContentRun::Pass(*consumer, whole.substr(0, 5000), 1460);
    consumer->OnGap(2920);
    ContentRun::Pass(*consumer, whole.substr(7920, zip.directory_offset() - 7920), 1460);
    consumer->OnEnd(ObjectEnd::kTruncated);
    std::vector<RecordedEntry> entries = run.recorder.objects().front()->entries;
    EXPECT_THAT(entries, AllOf(Contains(kFirst), Contains(kSecond), Contains(kThird)));
  }
}

TEST(ZipEntries, LengthsThatLieHideNothing) {
  ZipBuilder zip;
  zip.Add({"lane3/0001.jpg", 20001, 0x11111111});
  zip.Add({"lane3/0002.jpg", 30002, 0x22222222});
  std::string whole = zip.Whole();
  whole.replace(18, 4, LittleEndian(0x7fffffff, 4));  // the first entry's data, it says, is two gigabytes
  for (const ObjectKind kind : {ObjectKind::kMessage, kStream}) {
    EXPECT_THAT(EntriesIn(whole, kind), AllOf(Contains(kFirst), Contains(kSecond)));
  }
}

TEST(ZipEntries, WithoutEncryptionAreNobodysBusiness) {
  ZipBuilder zip;
  zip.Add({"a.jpg", 20001, 0x11111111, ZipEncryption::kNone});
  zip.Add({"b.jpg", 20002, 0x22222222, ZipEncryption::kNone});
  for (const ObjectKind kind : {ObjectKind::kMessage, kStream}) {
    ContentRun run;
    run.Feed({.kind = kind}, zip.Whole(), 700);
    for (const auto& object : run.recorder.objects()) EXPECT_THAT(object->entries, IsEmpty());
    EXPECT_FALSE(run.notes().encrypted_archive);
  }
}

TEST(ZipEntries, EverySplitGivesTheSame) {
  ZipBuilder zip;
  zip.Add({"a.jpg", 3001, 0x11111111});
  zip.Add({"b.jpg", 902, 0x22222222, ZipEncryption::kAe2, true});
  zip.Add({"c.txt", 40, 0x33333333, ZipEncryption::kNone});
  zip.Add({"d.jpg", 2003, 0x44444444, ZipEncryption::kAe1, true, true});
  const std::string whole = zip.Whole();
  for (const std::string& text : {whole, "PKPK\3\4junk" + whole + "PK", whole.substr(500), whole.substr(0, 5000)}) {
    for (const ObjectKind kind : {ObjectKind::kMessage, kStream}) {
      // An entry may be told more than once.
      const auto distinct = [&](std::size_t piece) {
        const auto entries = EntriesIn(text, kind, piece);
        return std::set<RecordedEntry>(entries.begin(), entries.end());
      };
      for (const std::size_t piece : {1, 7, 1460}) EXPECT_EQ(distinct(piece), distinct(0)) << piece;
    }
  }
}

TEST(ZipEntries, OfWhatLibarchiveWritesAreTold) {
  for (const char* encryption : {"zip:encryption=traditional", "zip:encryption=aes256"}) {
    ContentRun run;
    run.Feed({},
             MakeArchive("zip", {{"secret.jpg", MakeJpeg(3, 3000)}, {"two.jpg", MakeJpeg(4, 300)}}, encryption, "pw"),
             700);
    std::set<std::string> names;
    for (const RecordedEntry& entry : run.recorder.objects().front()->entries) names.insert(entry.name);
    EXPECT_THAT(names, UnorderedElementsAre("secret.jpg", "two.jpg")) << encryption;
    EXPECT_EQ(run.anomalies.Count(AnomalyCode::archive_encrypted), 1u) << encryption;
    EXPECT_EQ(run.anomalies.Count(AnomalyCode::content_malformed), 0u) << encryption;
  }
}

}  // namespace
}  // namespace spanwatch::testing
