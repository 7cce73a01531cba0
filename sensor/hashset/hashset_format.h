// The hash set file (*.swset), version 4: its header, manifest and the rows of its sections. README.md has the grammar.
// Whole sets of version 3 are read, too.
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
inline constexpr std::uint32_t kFormatVersion = 4;
inline constexpr std::uint32_t kFormatVersionMin = 3;
inline constexpr std::size_t kHeaderBytes = 64;
inline constexpr std::size_t kSignatureBytes = 64;
inline constexpr std::size_t kSectionAlignment = 64;
inline constexpr std::size_t kManifestBytesMax = 16u << 20;
inline constexpr std::size_t kCollectionsMax = 65536;
inline constexpr std::size_t kNameBytesMax = 256;
inline constexpr std::size_t kSetsMax = 8;       // whole sets at once
inline constexpr std::size_t kSetFilesMax = 64;  // with their deltas
inline constexpr std::uint32_t kFragmentWindowMin = 32, kFragmentWindowMax = 256;
inline constexpr int kPictureDistanceMax = 48;
inline constexpr std::size_t kPictureHitsMax = 64;
// By so much a bit, in powers of e, different pictures of one camera thin out towards small distances, or by more
// (tests/bench/RECALL.md).
inline constexpr double kPicturesThinOut = 0.2;
// Items reported for one key (print, tag, digest): more than this many equal keys say nothing more.
inline constexpr std::size_t kHitsPerKeyMax = 16;

// The next offset at which a section, or a part of one that is read in place, may begin.
constexpr std::uint64_t SectionAligned(std::uint64_t offset) {
  return (offset + kSectionAlignment - 1) / kSectionAlignment * kSectionAlignment;
}

using PublicKey = std::array<std::uint8_t, 32>;
// Tells two record keys apart without telling anything of them, so that a wrong key is noticed and not just silent.
using RecordKeyId = std::array<std::uint8_t, 8>;
// Names a set: BLAKE2b-256 of what its signature is over, which holds the checksums of all that it has.
using SetDigest = std::array<std::uint8_t, 32>;

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
  kDigests,         // KeyTable: SHA-256 of whole files, or an MD5 and 16 bytes of zero; value: 32 more bits of it
  kImageData,       // KeyTable: SHA-256 of image data, in the same way
  kHeads,           // split-block Bloom filter of head_xxh3 and image_head_xxh3
  kArchiveEntries,  // ArchiveEntryRow ascending by size of the item, then CRC-32
  kFragmentFilter,  // split-block Bloom filter of fragment hashes
  kFragments,       // KeyTable: fragment hash; value: offset in the file
  kPictureHashes,   // PdqHash, ascending, each once
  kPictureFirsts,   // u32 for each hash and one more: where its rows begin
  kPictureRows,     // PictureRow, by hash, then by item
  kPictureSlots,    // PictureSlots; empty when the hashes are few
  kPlates,          // KeyTable: plate tag; value: 1 for a folded tag (K1)
  kPairs,           // KeyTable: pair tag
  kPlateFilter,     // split-block Bloom filter of plate tags
  kRemoved,         // ItemId ascending: what of its base a delta takes back
  kCommon,          // u64 ascending: fragment hashes that tell nothing, since different items have them
  kNoLongerCommon,  // the same: what of the common ones of its base a delta takes back
  kPictureDetails,  // PictureDetailRow, by item
  kCount,
};
inline constexpr std::size_t kSectionCount = static_cast<std::size_t>(SectionKind::kCount);
inline constexpr std::size_t kSectionCountOfVersion3 = static_cast<std::size_t>(SectionKind::kCommon);

constexpr std::string_view ToString(SectionKind kind) {
  constexpr std::string_view kNames[] = {"items",
                                         "digests",
                                         "image data",
                                         "heads",
                                         "archive entries",
                                         "fragment filter",
                                         "fragments",
                                         "picture hashes",
                                         "picture firsts",
                                         "picture rows",
                                         "picture slots",
                                         "plates",
                                         "pairs",
                                         "plate filter",
                                         "removed",
                                         "common fragments",
                                         "no longer common",
                                         "picture details"};
  return kNames[static_cast<std::size_t>(kind)];
}

struct ItemRow {
  ItemId id{};
  std::uint32_t size_low = 0;
  std::uint16_t size_high = 0;
  std::uint16_t collection = 0;
  std::uint32_t expires_s = 0;                // its own; seconds since the epoch; 0: never
  std::uint32_t fragment_count_and_kind = 0;  // ItemKind in the two highest bits

  std::uint64_t size() const { return std::uint64_t{size_high} << 32 | size_low; }
};
static_assert(sizeof(ItemRow) == 32);
inline constexpr std::uint64_t kItemBytesMax = (std::uint64_t{1} << 48) - 1;
inline constexpr std::uint32_t kItemFragmentsMax = (std::uint32_t{1} << 30) - 1;

// What an archive's directory tells of a file: its size stands in the item's row.
struct ArchiveEntryRow {
  std::uint32_t crc32 = 0;
  std::uint32_t item = 0;
  friend auto operator<=>(const ArchiveEntryRow&, const ArchiveEntryRow&) = default;
};
static_assert(sizeof(ArchiveEntryRow) == 8);

struct PictureRow {
  std::uint32_t item = 0;
  std::uint8_t quality = 0;
  std::uint8_t view = 0;  // View
  std::uint16_t reserved = 0;
  friend bool operator==(const PictureRow&, const PictureRow&) = default;
};
static_assert(sizeof(PictureRow) == 8);

struct PictureDetailRow {
  std::uint32_t item = 0;
  std::array<std::uint32_t, 8> bits{};  // of PictureDetail, the low half of a word first
};
static_assert(sizeof(PictureDetailRow) == 36);

// What becomes a row of a KeyTable. Keys are spread evenly over 64 bits.
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

// How likely a picture that nobody registered, of the same cameras, lies within a distance of a registered one of the
// collection, as calibration measured it.
class PictureChances {
 public:
  static constexpr std::size_t kDistances = kPictureDistanceMax + 1;
  // Where nothing was measured: what calibration demands of `sure`.
  static constexpr double kUnknown = 0.001;

  PictureChances() { eighths_.fill(kNotMeasured); }
  // By distance, in eighths of a bit: the chance is 2 to the power of minus this / 8; 255: it was not measured.
  explicit PictureChances(const std::array<std::uint8_t, kDistances>& eighths) : eighths_(eighths) {}

  // `chance` above 0.
  void Set(std::size_t distance, double chance);
  double Within(int distance) const;
  const std::array<std::uint8_t, kDistances>& eighths() const { return eighths_; }

 private:
  static constexpr std::uint8_t kNotMeasured = 255;
  std::array<std::uint8_t, kDistances> eighths_;
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
  PictureChances chances;
  bool negative = false;        // known harmless: its matches are subtracted, never told
  std::uint32_t expires_s = 0;  // of all its items; as in ItemRow
};

struct Manifest {
  std::string name;
  std::string profile;  // compact, standard, full
  std::uint64_t serial = 0;
  std::uint64_t base_serial = 0;  // 0: a whole set; else a delta to the set of this serial ...
  SetDigest base_digest{};        // ... and digest, whole or a delta itself; zero: a whole set
  std::int64_t created = 0;       // wall clock, nanoseconds
  std::uint64_t fragment_seed = 0;
  std::uint32_t fragment_density = 256;
  std::uint32_t fragment_window = 64;
  std::uint32_t fragment_sure = 2;
  bool has_records = false;
  bool has_bare_digests = false;
  bool has_bare_md5 = false;
  RecordKeyId record_key_id{};                   // of the key that its tags were made with; zero without records
  std::array<std::uint64_t, 3> items_of_kind{};  // by ItemKind, those of negative banks left out
  std::vector<CollectionRow> collections;
  std::vector<ShapeDensity> shapes;
  std::array<SectionEntry, kSectionCount> sections{};

  bool is_delta() const { return base_serial != 0; }
  const SectionEntry& Section(SectionKind kind) const { return sections[static_cast<std::size_t>(kind)]; }
};

Sha256Digest DigestOfMd5(const Md5Digest& md5);

Bytes EncodeManifest(const Manifest& manifest);
// Refuses anything that is not exactly one manifest of this version within its limits.
Result<Manifest> DecodeManifest(ByteView bytes, std::uint32_t version = kFormatVersion);

// What the Ed25519 signature is over: a fixed prefix, the header and the manifest.
Bytes SignedMessage(ByteView header, ByteView manifest);
std::array<std::uint8_t, 32> SectionChecksum(ByteView section);
// Seconds of ItemRow and CollectionRow: whole, never behind the moment that is meant.
std::uint32_t ExpirySeconds(PacketTime expires);
PacketTime ExpiryTime(std::uint32_t seconds);
// REQUIRES: the 32 bytes of a record key.
RecordKeyId RecordKeyIdOf(ByteView record_key);

// A digest in its KeyTable: the first 64 bits are the key, the next 32 its value. With the size that is checked as well
// no file has them by chance, and whoever makes one that does has only made an alert.
KeyRow DigestRow(const Sha256Digest& digest, std::uint32_t item);

}  // namespace spanwatch::hashset
