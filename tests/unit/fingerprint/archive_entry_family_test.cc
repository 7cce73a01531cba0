#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "fingerprint/fragment_search.h"
#include "fingerprint/object_sketch.h"
#include "support/fake_index.h"

namespace spanwatch::fingerprint {
namespace {

struct NoAnomalies final : AnomalySink {
  void OnAnomaly(AnomalyCode) noexcept override {}
};

// Registered: `count` files of random sizes, if there is room of different ones.
class ArchiveEntryFamily : public testing::Test {
 protected:
  void Register(std::uint32_t count, std::uint64_t least = 50'000, std::uint64_t most = 150'000) {
    for (std::uint32_t i = 0; i < count; ++i) {
      FileFingerprint file;
      do {
        file.size = least + random_() % (most - least + 1);
      } while (most - least > 100 * count && index_.CountFileSizes(file.size, file.size) > 0);
      file.crc32 = static_cast<std::uint32_t>(random_());
      files_.push_back(file);
      index_.Add(file);
    }
  }
  struct Entry {
    std::string name;
    std::uint64_t size;
    std::optional<std::uint32_t> crc32;
  };
  static Entry EntryOf(const FileFingerprint& file, bool hidden = false) {
    return {std::to_string(file.crc32), file.size, hidden ? std::nullopt : std::optional(file.crc32)};
  }
  Entry Unregistered(bool hidden = false) {
    const auto crc32 = static_cast<std::uint32_t>(random_());
    return {std::to_string(crc32), 50'000 + random_() % 100'000, hidden ? std::nullopt : std::optional(crc32)};
  }
  KeepingMatchSink Search(const std::vector<Entry>& entries) {
    KeepingMatchSink sink;
    ObjectInfo info;
    ObjectContext object;
    object.info = &info;
    FragmentSearch fragments(index_);
    ObjectSketch sketch({index_, records_, fragments, sink, limits_, counters_, anomalies_}, object);
    for (const Entry& entry : entries) sketch.OnArchiveEntry({entry.name, entry.size, entry.crc32});
    sketch.OnEnd(ObjectEnd::kComplete);
    return sink;
  }

  std::mt19937_64 random_{42};
  std::vector<FileFingerprint> files_;
  FakeIndex index_;
  config::Limits limits_;
  Counters counters_;
  NoAnomalies anomalies_;
  RecordSearch records_{index_, {nullptr}, limits_, counters_};
};

TEST_F(ArchiveEntryFamily, EntriesAreNamedByDigestAndSize) {
  Register(100);
  std::vector<Entry> entries;
  for (int i = 0; i < 50; ++i) entries.push_back(Unregistered());
  for (int i = 0; i < 10; ++i) entries.push_back(EntryOf(files_[static_cast<std::size_t>(i) * 7]));
  const KeepingMatchSink sink = Search(entries);
  EXPECT_EQ(sink.matches.size(), 10u);
  for (int i = 0; i < 10; ++i) {
    const Match* match = sink.Find({0, static_cast<std::uint32_t>(i) * 7}, Method::kArchiveEntry);
    ASSERT_NE(match, nullptr);
    EXPECT_EQ(match->confidence, Confidence::kSure);
  }
  EXPECT_EQ(sink.archive->entries_listed, 60u);
  EXPECT_EQ(sink.archive->entries_matched, 10u);
  // Ten entries by chance, each 1 in 2^32, chosen among 60.
  EXPECT_NEAR(std::log10(sink.archive->probability), std::log10(7.54e10) - 10 * 9.633, 2);
}

TEST_F(ArchiveEntryFamily, AnotherSizeOrDigestIsNoMatch) {
  Register(100);
  Entry size = EntryOf(files_[0]);
  ++size.size;
  Entry digest = EntryOf(files_[1]);
  digest.crc32 = *digest.crc32 ^ 1;
  const KeepingMatchSink sink = Search({size, digest, Unregistered()});
  EXPECT_TRUE(sink.matches.empty());
  EXPECT_FALSE(sink.archive);
}

TEST_F(ArchiveEntryFamily, AnEntryToldTwiceCountsOnce) {
  Register(3);
  std::vector<Entry> entries;
  for (int pass = 0; pass < 2; ++pass) {
    for (const FileFingerprint& file : files_) entries.push_back(EntryOf(file));
  }
  const KeepingMatchSink sink = Search(entries);
  EXPECT_EQ(sink.archive->entries_listed, 3u);
  EXPECT_EQ(sink.archive->entries_matched, 3u);
}

TEST_F(ArchiveEntryFamily, OneDigestAmongManyFilesOfOneSizeIsWeak) {
  Register(100'000, 921'654, 921'654);  // bitmaps
  const KeepingMatchSink sink = Search({EntryOf(files_[5])});
  EXPECT_EQ(sink.Find({0, 5}, Method::kArchiveEntry)->confidence, Confidence::kWeak);
  EXPECT_NEAR(sink.archive->probability, 100'000 / 4294967296.0, 1e-7);
}

TEST_F(ArchiveEntryFamily, ARunOfRegisteredSizesNamesItsFilesWeakly) {
  Register(200);
  std::vector<Entry> entries;
  for (int i = 0; i < 30; ++i) entries.push_back(Unregistered(true));
  for (std::size_t i = 0; i < 8; ++i) entries.push_back(EntryOf(files_[i], true));
  for (int i = 0; i < 30; ++i) entries.push_back(Unregistered(true));
  const KeepingMatchSink sink = Search(entries);
  EXPECT_EQ(sink.matches.size(), 8u);
  for (std::uint32_t i = 0; i < 8; ++i) {
    ASSERT_NE(sink.Find({0, i}, Method::kArchiveEntry), nullptr);
    EXPECT_EQ(sink.Find({0, i}, Method::kArchiveEntry)->confidence, Confidence::kWeak);
  }
  EXPECT_EQ(sink.archive->entries_matched, 0u);
  EXPECT_EQ(sink.archive->sizes_matched, 8u);
  EXPECT_LT(sink.archive->probability, 1e-12);
}

TEST_F(ArchiveEntryFamily, AThirdOfTheSizesIsEnoughInAnyOrder) {
  Register(200);
  std::vector<Entry> entries;
  for (std::size_t i = 0; i < 30; ++i) entries.push_back(i % 3 == 0 ? EntryOf(files_[i], true) : Unregistered(true));
  EXPECT_EQ(Search(entries).archive->sizes_matched, 10u);
}

TEST_F(ArchiveEntryFamily, SizesOfADenseRegisterProveNothing) {
  Register(20'000, 50'000, 60'000);  // nearly every size is registered
  std::vector<Entry> entries;
  for (int i = 0; i < 12; ++i) entries.push_back({std::to_string(i), 50'000 + random_() % 10'000, std::nullopt});
  EXPECT_TRUE(Search(entries).matches.empty());
}

TEST_F(ArchiveEntryFamily, EqualAndSmallSizesProveNothing) {
  Register(1, 90'000, 90'000);
  Register(50, 10, 900);
  std::vector<Entry> entries;
  for (int i = 0; i < 50; ++i) entries.push_back({std::to_string(i), 90'000, std::nullopt});
  for (const FileFingerprint& file : files_) entries.push_back(EntryOf(file, true));
  EXPECT_TRUE(Search(entries).matches.empty());
}

TEST_F(ArchiveEntryFamily, ASizeOfTwoFilesNamesNeither) {
  Register(20);
  FileFingerprint twin;
  twin.size = files_[3].size;
  index_.Add(twin);
  std::vector<Entry> entries;
  for (const FileFingerprint& file : files_) entries.push_back(EntryOf(file, true));
  const KeepingMatchSink sink = Search(entries);
  EXPECT_EQ(sink.archive->sizes_matched, 20u);
  EXPECT_EQ(sink.matches.size(), 19u);
  EXPECT_EQ(sink.Find({0, 3}, Method::kArchiveEntry), nullptr);
}

TEST_F(ArchiveEntryFamily, UnrelatedArchivesStaySilent) {
  Register(2000);
  for (int archive = 0; archive < 200; ++archive) {
    std::vector<Entry> entries;
    for (int i = 0; i < 100; ++i) entries.push_back(Unregistered(archive % 2 == 0));
    EXPECT_TRUE(Search(entries).matches.empty());
  }
}

}  // namespace
}  // namespace spanwatch::fingerprint
