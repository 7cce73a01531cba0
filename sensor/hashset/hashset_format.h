// The hash set file (*.swset), version 1: its header, manifest and the rows of its sections. README.md has the grammar.
//
// All numbers little-endian. Rows are plain structs read in place from the mapped file; every section starts at a
// multiple of 64. The signature covers header and manifest; the manifest holds the BLAKE2b-256 of each section.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "model/fingerprint_index.h"

namespace spanwatch::hashset {

inline constexpr std::string_view kMagic = "SWSET\r\n\x1a";
inline constexpr std::uint32_t kFormatVersion = 1;
inline constexpr std::size_t kHeaderBytes = 64;
inline constexpr std::size_t kSignatureBytes = 64;
inline constexpr std::size_t kSectionAlignment = 64;
inline constexpr std::size_t kManifestBytesMax = 16u << 20;
inline constexpr std::size_t kCollectionsMax = 65536;
inline constexpr std::size_t kNameBytesMax = 256;
inline constexpr std::size_t kSetsMax = 8;
inline constexpr int kPictureDistanceMax = 48;
inline constexpr std::size_t kPictureHitsMax = 64;
// Items reported for one key (print, tag, digest): more than this many equal keys say nothing more.
inline constexpr std::size_t kHitsPerKeyMax = 16;

using PublicKey = std::array<std::uint8_t, 32>;
// Tells two record keys apart without telling anything of them, so that a wrong key is noticed and not just silent.
using RecordKeyId = std::array<std::uint8_t, 8>;

// First bytes of the file. `file_bytes` is the size of the whole.
struct Header {
  std::array<char, 8> magic{};
  std::uint32_t version = 0;
  std::uint32_t manifest_bytes = 0;
  std::uint64_t file_bytes = 0;
  PublicKey signer{};
  std::array<std::uint8_t, 8> reserved{};
};
static_assert(sizeof(Header) == kHeaderBytes);

enum class SectionKind : std::uint32_t {
  kItems = 0,       // ItemRow, in the order of the register
  kDigests,         // DigestRow ascending: SHA-256 of whole files
  kImageData,       // DigestRow ascending: SHA-256 of image data
  kHeads,           // split-block Bloom filter of head_xxh3
  kArchiveEntries,  // ArchiveEntryRow ascending by size of the item, then CRC-32
  kFragmentFilter,  // split-block Bloom filter of fragment hashes
  kFragments,       // KeyTable: fragment hash; value: offset in the file
  kPictureHashes,   // PdqHash, parallel to kPictureRows
  kPictureRows,     // PictureRow
  kPlates,          // KeyTable: plate tag; value: 1 for a folded tag (K1)
  kPairs,           // KeyTable: pair tag
  kCount,
};
inline constexpr std::size_t kSectionCount = static_cast<std::size_t>(SectionKind::kCount);

constexpr std::string_view ToString(SectionKind kind) {
  constexpr std::string_view kNames[] = {"items",           "digests",         "image data", "heads",
                                         "archive entries", "fragment filter", "fragments",  "picture hashes",
                                         "picture rows",    "plates",          "pairs"};
  return kNames[static_cast<std::size_t>(kind)];
}

struct ItemRow {
  ItemId id{};
  std::uint64_t size = 0;
  std::int64_t expires = 0;  // nanoseconds since the epoch; INT64_MAX: never
  std::uint32_t collection = 0;
  std::uint32_t fragment_count = 0;
  std::uint8_t kind = 0;  // ItemKind
  std::array<std::uint8_t, 7> reserved{};
};
static_assert(sizeof(ItemRow) == 48);

// An item of which only the MD5 is known stands there too: its 16 bytes, then 16 of zero, which no SHA-256 has.
struct DigestRow {
  Sha256Digest sha256{};
  std::uint32_t item = 0;
  std::uint32_t reserved = 0;
};
static_assert(sizeof(DigestRow) == 40);

// What an archive's directory tells of a file: its size stands in the item's row.
struct ArchiveEntryRow {
  std::uint32_t crc32 = 0;
  std::uint32_t item = 0;
};
static_assert(sizeof(ArchiveEntryRow) == 8);

struct PictureRow {
  std::uint32_t item = 0;
  std::uint8_t quality = 0;
  std::uint8_t view = 0;  // View
  std::uint16_t reserved = 0;
};
static_assert(sizeof(PictureRow) == 8);

// Row of a KeyTable, ascending by (key, item, value). Keys are spread evenly over 64 bits.
struct KeyRow {
  std::uint64_t key = 0;
  std::uint32_t item = 0;
  std::uint32_t value = 0;
  friend auto operator<=>(const KeyRow&, const KeyRow&) = default;
};
static_assert(sizeof(KeyRow) == 16);

struct SectionEntry {
  std::uint64_t rows = 0;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  std::array<std::uint8_t, 32> checksum{};
};

struct CollectionRow {
  std::string name;
  std::string owner;
  std::uint64_t items = 0;
  std::uint64_t bytes = 0;
  std::uint8_t sure_distance = 31;
  std::uint8_t weak_distance = 40;
  bool calibrated = false;
  double false_rate = 0;
};

struct Manifest {
  std::string name;
  std::string profile;  // compact, standard, full
  std::uint64_t serial = 0;
  std::int64_t created = 0;  // wall clock, nanoseconds
  std::uint64_t fragment_seed = 0;
  std::uint32_t fragment_density = 256;
  bool has_records = false;
  bool has_bare_digests = false;
  bool has_bare_md5 = false;
  RecordKeyId record_key_id{};  // of the key that its tags were made with; zero without records
  std::vector<CollectionRow> collections;
  std::vector<ShapeDensity> shapes;
  std::array<SectionEntry, kSectionCount> sections{};

  const SectionEntry& Section(SectionKind kind) const { return sections[static_cast<std::size_t>(kind)]; }
};

Sha256Digest DigestOfMd5(const Md5Digest& md5);

Bytes EncodeManifest(const Manifest& manifest);
// Refuses anything that is not exactly one manifest within its limits.
Result<Manifest> DecodeManifest(ByteView bytes);

// What the Ed25519 signature is over: a fixed prefix, the header and the manifest.
Bytes SignedMessage(ByteView header, ByteView manifest);
std::array<std::uint8_t, 32> SectionChecksum(ByteView section);
// REQUIRES: the 32 bytes of a record key.
RecordKeyId RecordKeyIdOf(ByteView record_key);

}  // namespace spanwatch::hashset
