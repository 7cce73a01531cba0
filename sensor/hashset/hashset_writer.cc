#include "hashset/hashset_writer.h"

#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <tuple>

#include "base/check.h"
#include "base/file.h"
#include "hashset/bloom_filter.h"
#include "hashset/key_table.h"

namespace spanwatch::hashset {
namespace {

template <typename Row>
Bytes BytesOf(const std::vector<Row>& rows) {
  Bytes bytes(rows.size() * sizeof(Row));
  if (!rows.empty()) std::memcpy(bytes.data(), rows.data(), bytes.size());
  return bytes;
}

Bytes EncodeDigests(std::vector<DigestRow>& rows) {
  const auto order = [](const DigestRow& row) { return std::tie(row.sha256, row.item); };
  std::ranges::sort(rows, {}, order);
  const auto repeats = std::ranges::unique(rows, {}, order);
  rows.erase(repeats.begin(), repeats.end());
  return BytesOf(rows);
}

std::uint64_t Aligned(std::uint64_t offset) {
  return (offset + kSectionAlignment - 1) / kSectionAlignment * kSectionAlignment;
}

struct SigningKey {
  std::array<std::uint8_t, crypto_sign_PUBLICKEYBYTES> public_key{};
  std::array<std::uint8_t, crypto_sign_SECRETKEYBYTES> secret_key{};

  explicit SigningKey(ByteView seed) {
    CHECK(seed.size() == crypto_sign_SEEDBYTES && sodium_init() >= 0);
    crypto_sign_seed_keypair(public_key.data(), secret_key.data(), seed.data());
  }
  ~SigningKey() { sodium_memzero(secret_key.data(), secret_key.size()); }
};

}  // namespace

HashSetWriter::HashSetWriter(HashSetDescription description) {
  manifest_.name = std::move(description.name);
  manifest_.profile = std::move(description.profile);
  manifest_.serial = description.serial;
  manifest_.created = Nanoseconds(description.created);
  manifest_.fragment_seed = description.fragment_seed;
  manifest_.fragment_density = description.fragment_density;
  manifest_.record_key_id = description.record_key_id;
}

std::uint32_t HashSetWriter::AddCollection(CollectionRow collection) {
  collection.items = 0;
  collection.bytes = 0;
  manifest_.collections.push_back(std::move(collection));
  return static_cast<std::uint32_t>(manifest_.collections.size() - 1);
}

std::uint32_t HashSetWriter::AddItem(const NewItem& item) {
  CHECK(item.collection < manifest_.collections.size() && items_.size() < UINT32_MAX);
  CollectionRow& collection = manifest_.collections[item.collection];
  ++collection.items;
  collection.bytes += item.size;
  items_.push_back({.id = item.id,
                    .size = item.size,
                    .expires = Nanoseconds(item.expires),
                    .collection = item.collection,
                    .kind = static_cast<std::uint8_t>(item.kind)});
  return static_cast<std::uint32_t>(items_.size() - 1);
}

void HashSetWriter::AddFile(std::uint32_t item, const FileFingerprint& file) {
  CHECK(item < items_.size() && items_[item].size == file.size);
  digests_.push_back({file.sha256, item});
  heads_.push_back(file.head_xxh3);
  archive_entries_.push_back({file.crc32, item});
  if (file.image_data) image_data_.push_back({*file.image_data, item});
  for (const PictureView& view : file.views) AddPicture(item, view);
  for (const FragmentPrint& fragment : file.fragments) {
    if (fragment.offset > UINT32_MAX) break;  // ascending; the first 4 GiB of a file are told apart well enough
    fragments_.push_back({fragment.hash, item, static_cast<std::uint32_t>(fragment.offset)});
    ++items_[item].fragment_count;
  }
}

void HashSetWriter::AddRecord(std::uint32_t item, const RecordFingerprint& record) {
  manifest_.has_records = true;
  plates_.push_back({record.plate_tag, item, 0});
  if (record.folded_tag != record.plate_tag) plates_.push_back({record.folded_tag, item, 1});
  for (const std::uint64_t tag : record.pair_tags) pairs_.push_back({tag, item, 0});
}

void HashSetWriter::AddDigest(std::uint32_t item, const Sha256Digest& sha256) {
  digests_.push_back({sha256, item});
  if (items_[item].size == 0) manifest_.has_bare_digests = true;
}

void HashSetWriter::AddMd5(std::uint32_t item, const Md5Digest& md5) {
  digests_.push_back({DigestOfMd5(md5), item});
  manifest_.has_bare_md5 = true;
}

void HashSetWriter::AddPicture(std::uint32_t item, const PictureView& view) {
  picture_hashes_.push_back(view.hash);
  picture_rows_.push_back({.item = item, .quality = view.quality, .view = static_cast<std::uint8_t>(view.view)});
}

void HashSetWriter::AddShape(const ShapeDensity& shape) { manifest_.shapes.push_back(shape); }

std::array<Bytes, kSectionCount> HashSetWriter::EncodeSections() {
  std::array<Bytes, kSectionCount> sections;
  const auto put = [&](SectionKind kind, Bytes bytes, std::size_t rows) {
    sections[static_cast<std::size_t>(kind)] = std::move(bytes);
    manifest_.sections[static_cast<std::size_t>(kind)].rows = rows;
  };
  put(SectionKind::kItems, BytesOf(items_), items_.size());
  Bytes digests = EncodeDigests(digests_);
  put(SectionKind::kDigests, std::move(digests), digests_.size());
  Bytes image_data = EncodeDigests(image_data_);
  put(SectionKind::kImageData, std::move(image_data), image_data_.size());
  put(SectionKind::kHeads, BloomFilter::Build(heads_), heads_.size());
  std::vector<std::uint64_t> keys;
  keys.reserve(fragments_.size());
  for (const KeyRow& row : fragments_) keys.push_back(row.key);
  put(SectionKind::kFragmentFilter, BloomFilter::Build(keys), keys.size());
  const auto put_table = [&](SectionKind kind, std::vector<KeyRow>& rows) {
    Bytes bytes = KeyTable::Build(rows);
    put(kind, std::move(bytes), rows.size());
  };
  put_table(SectionKind::kFragments, fragments_);
  put_table(SectionKind::kPlates, plates_);
  put_table(SectionKind::kPairs, pairs_);
  std::ranges::sort(archive_entries_, {}, [this](const ArchiveEntryRow& row) {
    return std::tuple(items_[row.item].size, row.crc32, row.item);
  });
  put(SectionKind::kArchiveEntries, BytesOf(archive_entries_), archive_entries_.size());
  put(SectionKind::kPictureHashes, BytesOf(picture_hashes_), picture_hashes_.size());
  put(SectionKind::kPictureRows, BytesOf(picture_rows_), picture_rows_.size());
  return sections;
}

Result<Bytes> HashSetWriter::Encode(ByteView signing_seed) {
  const auto sections = EncodeSections();
  const std::size_t manifest_bytes = EncodeManifest(manifest_).size();
  if (manifest_bytes > kManifestBytesMax) return Fail(ErrorCode::kLimit, "too many collections for one hash set");
  std::uint64_t offset = Aligned(kHeaderBytes + kSignatureBytes + manifest_bytes);
  for (std::size_t i = 0; i < kSectionCount; ++i) {
    SectionEntry& entry = manifest_.sections[i];
    entry.offset = offset;
    entry.bytes = sections[i].size();
    entry.checksum = SectionChecksum(sections[i]);
    offset = Aligned(offset + entry.bytes);
  }
  const SigningKey key(signing_seed);
  Header header{.version = kFormatVersion,
                .manifest_bytes = static_cast<std::uint32_t>(manifest_bytes),
                .file_bytes = offset,
                .signer = key.public_key};
  std::copy(kMagic.begin(), kMagic.end(), header.magic.begin());
  Bytes file(offset);
  std::memcpy(file.data(), &header, sizeof(header));
  const Bytes manifest = EncodeManifest(manifest_);
  const Bytes message = SignedMessage(ByteView(file).first(kHeaderBytes), manifest);
  crypto_sign_detached(file.data() + kHeaderBytes, nullptr, message.data(), message.size(), key.secret_key.data());
  std::copy(manifest.begin(), manifest.end(), file.begin() + kHeaderBytes + kSignatureBytes);
  for (std::size_t i = 0; i < kSectionCount; ++i) {
    std::copy(sections[i].begin(), sections[i].end(),
              file.begin() + static_cast<std::ptrdiff_t>(manifest_.sections[i].offset));
  }
  return file;
}

Result<WrittenSet> HashSetWriter::Write(const std::filesystem::path& path, ByteView signing_seed) {
  const auto file = Encode(signing_seed);
  if (!file) return Fail(file.error());
  if (Status status = WriteFileAtomically(path, *file, 0600); !status) return Fail(status.error());
  WrittenSet written{.bytes = file->size()};
  for (std::size_t i = 0; i < kSectionCount; ++i) {
    written.section_bytes[i] = manifest_.sections[i].bytes;
    written.section_rows[i] = manifest_.sections[i].rows;
  }
  return written;
}

PublicKey PublicKeyOf(ByteView signing_seed) {
  const SigningKey key(signing_seed);
  return key.public_key;
}

}  // namespace spanwatch::hashset
