// A random hash set and what is in it, for comparing every lookup with the plain answer.
#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <random>
#include <vector>

#include "base/file.h"
#include "hashset/hashset_writer.h"
#include "hashset/snapshot.h"

namespace spanwatch::hashset {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "spanwatch-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

inline Bytes TestSeed(std::uint8_t fill) { return Bytes(32, fill); }
inline Bytes TestPublicKey(std::uint8_t fill) {
  const PublicKey key = PublicKeyOf(TestSeed(fill));
  return {key.begin(), key.end()};
}

// The plain values behind a set: files[i] belongs to row i, records follow.
struct RandomSet {
  std::vector<FileFingerprint> files;
  std::vector<RecordFingerprint> records;
  HashSetWriter writer;

  RandomSet(std::uint64_t seed, std::size_t file_count, std::size_t record_count)
      : writer({.name = "agency", .serial = 7, .created = PacketTimeFromNanoseconds(1), .fragment_seed = 99}),
        random_(seed) {
    for (const char* name : {"lanes", "reads"}) writer.AddCollection({.name = name, .owner = "Agency"});
    for (std::size_t i = 0; i < file_count; ++i) AddFile();
    for (std::size_t i = 0; i < record_count; ++i) AddRecord();
    writer.AddShape({.shape = 0xf0, .registered = record_count});
  }

  std::shared_ptr<const MappedHashSet> Write(const std::filesystem::path& path) {
    EXPECT_TRUE(writer.Write(path, TestSeed(1)));
    const std::vector<Bytes> trusted{TestPublicKey(1)};
    auto set = MappedHashSet::Open(path, trusted);
    EXPECT_TRUE(set) << (set ? "" : set.error().message);
    return set ? *set : nullptr;
  }
  std::uint64_t Random() { return random_(); }

 private:
  template <typename Digest>
  Digest RandomDigest() {
    Digest digest;
    for (auto& byte : digest) byte = static_cast<std::uint8_t>(random_());
    return digest;
  }

  void AddFile() {
    FileFingerprint file{.size = 1 + random_() % 5000,
                         .sha256 = RandomDigest<Sha256Digest>(),
                         .crc32 = static_cast<std::uint32_t>(random_()),
                         .head_xxh3 = random_()};
    if (random_() % 3 != 0) {
      file.image_data = RandomDigest<Sha256Digest>();
      file.image_head_xxh3 = random_();
    }
    if (!files.empty() && random_() % 8 == 0) {
      file.sha256 = files.back().sha256;
      file.size = files.back().size;
    }
    for (std::uint64_t i = random_() % 4; i > 0; --i) {
      file.views.push_back({.hash = {{random_(), random_(), random_(), random_()}}, .view = static_cast<View>(i)});
    }
    std::uint64_t offset = 0;
    for (std::uint64_t i = random_() % 20; i > 0; --i) {
      offset += random_() % 500;
      file.fragments.push_back({offset, random_() % 16 == 0 ? random_() % 50 * 0x9e3779b97f4a7c15 : random_()});
    }
    const ItemId id = RandomDigest<ItemId>();
    const std::uint32_t row = writer.AddItem({.id = id, .kind = ItemKind::kImage, .collection = 0, .size = file.size});
    writer.AddFile(row, file);
    files.push_back(std::move(file));
  }

  void AddRecord() {
    RecordFingerprint record{.plate_tag = random_(), .folded_tag = random_(), .shape = 0xf0};
    if (random_() % 2 == 0) record.folded_tag = record.plate_tag;
    for (std::uint64_t i = random_() % 4; i > 0; --i) record.pair_tags.push_back(random_());
    const std::uint32_t row =
        writer.AddItem({.id = RandomDigest<ItemId>(), .kind = ItemKind::kRecord, .collection = 1});
    writer.AddRecord(row, record);
    records.push_back(std::move(record));
  }

  std::mt19937_64 random_;
};

}  // namespace spanwatch::hashset
