// HashSetWriter: makes a signed hash set file from plain values. Used by `register build` and by tests.
//
// Call order: (AddCollection | AddItem | AddFile | AddRecord | AddDigest | AddShape)* Write. One thread. Holds
// everything in memory: 16 bytes a fragment, plate or pair, 40 a view.
#pragma once

#include <filesystem>

#include "hashset/hashset_format.h"

namespace spanwatch::hashset {

struct HashSetDescription {
  std::string name;
  std::string profile = "standard";
  std::uint64_t serial = 1;
  PacketTime created;  // wall clock
  std::uint64_t fragment_seed = 0;
  std::uint32_t fragment_density = 256;
  RecordKeyId record_key_id{};  // zero: no records
};

struct NewItem {
  ItemId id{};
  ItemKind kind = ItemKind::kFile;
  std::uint32_t collection = 0;
  std::uint64_t size = 0;  // 0: unknown
  PacketTime expires = PacketTime::max();
};

struct WrittenSet {
  std::uint64_t bytes = 0;
  std::array<std::uint64_t, kSectionCount> section_bytes{};
  std::array<std::uint64_t, kSectionCount> section_rows{};
};

class HashSetWriter {
 public:
  explicit HashSetWriter(HashSetDescription description);

  // Return the row for the calls below. `items` and `bytes` of a collection are counted here.
  std::uint32_t AddCollection(CollectionRow collection);
  std::uint32_t AddItem(const NewItem& item);

  // Everything of the file. REQUIRES: `item` came from AddItem with the file's size.
  void AddFile(std::uint32_t item, const FileFingerprint& file);
  void AddRecord(std::uint32_t item, const RecordFingerprint& record);
  // An imported digest; an item of unknown size forces the digest of every object.
  void AddDigest(std::uint32_t item, const Sha256Digest& sha256);
  // An imported digest of an item of which nothing else is known: forces the MD5 of every object.
  void AddMd5(std::uint32_t item, const Md5Digest& md5);
  // An imported picture hash.
  void AddPicture(std::uint32_t item, const PictureView& view);
  void AddShape(const ShapeDensity& shape);

  // Writes `path` atomically, mode 0600: picture hashes are personal data. `signing_seed`: the 32 bytes of a signing
  // key file.
  Result<WrittenSet> Write(const std::filesystem::path& path, ByteView signing_seed);
  // The same as bytes in memory.
  Result<Bytes> Encode(ByteView signing_seed);

 private:
  // Sorts the rows in place, makes the sections and enters their row counts into the manifest.
  std::array<Bytes, kSectionCount> EncodeSections();

  Manifest manifest_;
  std::vector<ItemRow> items_;
  std::vector<DigestRow> digests_;
  std::vector<DigestRow> image_data_;
  std::vector<std::uint64_t> heads_;
  std::vector<ArchiveEntryRow> archive_entries_;
  std::vector<KeyRow> fragments_;
  std::vector<PdqHash> picture_hashes_;
  std::vector<PictureRow> picture_rows_;
  std::vector<KeyRow> plates_;
  std::vector<KeyRow> pairs_;
};

// The Ed25519 public key that belongs to a signing seed.
PublicKey PublicKeyOf(ByteView signing_seed);

}  // namespace spanwatch::hashset
