// HashSetWriter: makes a signed hash set file from plain values. Used by `register build` and by tests.
//
// Call order: (AddCollection | AddItem (AddFile | AddRecord | AddDigest | AddMd5 | AddPicture)* | AddShape | Remove)*
// MakeCommon? TakeBackCommon? SpeakFor? Write. One thread. Items and the rows of its tables wait in temporary files
// once they are many, so that it holds little more than sorter_bytes a table; while it writes, 12 bytes a view and the
// filters too.
#pragma once

#include <filesystem>
#include <functional>

#include "hashset/hashset_format.h"
#include "hashset/key_table.h"
#include "hashset/picture_sections.h"
#include "hashset/picture_slots.h"
#include "hashset/row_spool.h"

namespace spanwatch::hashset {

struct HashSetDescription {
  std::string name;
  std::string profile = "standard";
  std::uint64_t serial = 1;
  std::uint64_t base_serial = 0;  // of the set that this one is a delta to
  SetDigest base_digest{};        // likewise
  PacketTime created;             // wall clock
  std::uint64_t fragment_seed = 0;
  std::uint32_t fragment_density = 256;
  std::uint32_t fragment_window = 64;  // kFragmentWindowMin to kFragmentWindowMax
  std::uint32_t fragment_sure = 2;
  RecordKeyId record_key_id{};                      // zero: no records
  std::size_t picture_slots_from = kSlotsFrom;      // different picture hashes; 1 for tests
  std::filesystem::path folder;                     // takes temporary files; empty: the system's folder for them
  std::size_t sorter_bytes = kSorterBytesInMemory;  // of each table
  // How many bytes of about how many have been written, now and then; from any thread, never from two at once. May be
  // empty.
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;
};

struct NewItem {
  ItemId id{};
  ItemKind kind = ItemKind::kFile;
  std::uint32_t collection = 0;
  std::uint64_t size = 0;  // 0: unknown
  PacketTime expires = PacketTime::max();
};

struct WrittenSet {
  SetDigest digest{};
  std::uint64_t bytes = 0;
  std::array<std::uint64_t, kSectionCount> section_bytes{};
  std::array<std::uint64_t, kSectionCount> section_rows{};
};

class HashSetWriter {
 public:
  explicit HashSetWriter(HashSetDescription description);

  // Return the row. `items` and `bytes` of a collection are counted here.
  std::uint32_t AddCollection(CollectionRow collection);
  std::uint32_t AddItem(const NewItem& item);

  // The calls below REQUIRE that `item` is the last that AddItem gave.
  // Everything of the file. REQUIRES: the item was added with its size.
  void AddFile(std::uint32_t item, const FileFingerprint& file);
  void AddRecord(std::uint32_t item, const RecordFingerprint& record);
  // An imported digest; an item of unknown size forces the digest of every object.
  void AddDigest(std::uint32_t item, const Sha256Digest& sha256);
  // An imported digest of an item of which nothing else is known: forces the MD5 of every object.
  void AddMd5(std::uint32_t item, const Md5Digest& md5);
  // An imported picture hash.
  void AddPicture(std::uint32_t item, const PictureView& view);
  void AddShape(const ShapeDensity& shape);
  // A delta: this item of the base is no longer looked for (or is here, as it is now).
  void Remove(const ItemId& id);
  // Fragment hashes that are no evidence of any item, though items have them; in a delta: that have become so.
  void MakeCommon(std::vector<std::uint64_t> hashes);
  // A delta: these of its base are evidence again.
  void TakeBackCommon(std::vector<std::uint64_t> hashes);
  // A delta: of collections, kinds and plates it says what the whole set behind it says. After the last item.
  void SpeakFor(const Manifest& whole);

  // Writes `path` atomically, mode 0600: picture hashes are personal data. `signing_seed`: the 32 bytes of a signing
  // key file.
  Result<WrittenSet> Write(const std::filesystem::path& path, ByteView signing_seed);
  // The same into an empty file that is open for reading too.
  Status WriteInto(int file, ByteView signing_seed);
  // The same as bytes in memory.
  Result<Bytes> Encode(ByteView signing_seed);

 private:
  std::uint64_t ExpectedBytes() const;
  SectionOutput NextSection(int file) const;
  Status WriteSections(int file);
  Status WriteTables(int file);
  Status WriteHeads(int file);
  Status WriteArchiveEntries(int file);
  Status WritePictures(int file);
  Status WritePictureSlots(int file, std::uint64_t hashes);
  Status WriteTable(int file, SectionKind kind, ExternalSorter<KeyRow>& rows, KeyValue value,
                    BloomFilterBuilder* filter = nullptr);
  Status WriteBytes(int file, SectionKind kind, ByteView bytes, std::uint64_t rows);
  Status EndSection(SectionKind kind, SectionOutput& output, std::uint64_t rows);
  Status Checksum(int file);
  Status Sign(int file, ByteView signing_seed);

  // What an archive's directory tells of a file, in the order of the section.
  struct ArchiveEntry {
    std::uint64_t size = 0;
    ArchiveEntryRow row;
    friend auto operator<=>(const ArchiveEntry&, const ArchiveEntry&) = default;
  };

  Manifest manifest_;
  std::size_t picture_slots_from_;
  std::function<void(std::uint64_t done, std::uint64_t total)> progress_;
  std::uint64_t expected_bytes_ = 0;
  std::uint64_t end_ = 0;  // of the sections written so far
  RowSpool<ItemRow> items_;
  RowSpool<PictureDetailRow> details_;
  ExternalSorter<std::uint64_t> heads_;
  ExternalSorter<RegisteredPicture> pictures_;
  ExternalSorter<ArchiveEntry> archive_entries_;
  ExternalSorter<KeyRow> digests_;
  ExternalSorter<KeyRow> image_data_;
  ExternalSorter<KeyRow> fragments_;
  ExternalSorter<KeyRow> plates_;
  ExternalSorter<KeyRow> pairs_;
  std::vector<ItemId> removed_;
  std::vector<std::uint64_t> common_;
  std::vector<std::uint64_t> no_longer_common_;
  SetDigest digest_{};  // once it is signed
};

// The Ed25519 public key that belongs to a signing seed.
PublicKey PublicKeyOf(ByteView signing_seed);

}  // namespace spanwatch::hashset
