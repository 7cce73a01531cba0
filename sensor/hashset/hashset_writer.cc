#include "hashset/hashset_writer.h"

#include <sodium.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <tuple>

#include "base/check.h"
#include "base/file.h"
#include "hashset/bloom_filter.h"
#include "hashset/key_table.h"

namespace spanwatch::hashset {
namespace {

template <typename Row>
ByteView BytesOf(const std::vector<Row>& rows) {
  return {reinterpret_cast<const std::uint8_t*>(rows.data()), rows.size() * sizeof(Row)};
}

// Whole seconds, never behind the moment that is meant; 0 is never.
std::uint32_t ExpirySeconds(PacketTime expires) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(expires).time_since_epoch().count();
  return seconds >= UINT32_MAX ? 0 : static_cast<std::uint32_t>(std::max<std::int64_t>(seconds, 1));
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

std::filesystem::path FolderOf(const HashSetDescription& description) {
  return description.folder.empty() ? std::filesystem::temp_directory_path() : description.folder;
}

}  // namespace

HashSetWriter::HashSetWriter(HashSetDescription description)
    : picture_slots_from_(std::max<std::size_t>(description.picture_slots_from, 1)),
      digests_(FolderOf(description), description.sorter_bytes),
      image_data_(FolderOf(description), description.sorter_bytes),
      fragments_(FolderOf(description), description.sorter_bytes),
      plates_(FolderOf(description), description.sorter_bytes),
      pairs_(FolderOf(description), description.sorter_bytes) {
  manifest_.name = std::move(description.name);
  manifest_.profile = std::move(description.profile);
  manifest_.serial = description.serial;
  manifest_.base_serial = description.base_serial;
  manifest_.created = Nanoseconds(description.created);
  manifest_.fragment_seed = description.fragment_seed;
  manifest_.fragment_density = description.fragment_density;
  manifest_.fragment_window = description.fragment_window;
  manifest_.fragment_sure = description.fragment_sure;
  manifest_.record_key_id = description.record_key_id;
}

std::uint32_t HashSetWriter::AddCollection(CollectionRow collection) {
  collection.items = 0;
  collection.bytes = 0;
  manifest_.collections.push_back(std::move(collection));
  return static_cast<std::uint32_t>(manifest_.collections.size() - 1);
}

std::uint32_t HashSetWriter::AddItem(const NewItem& item) {
  CHECK(item.collection < manifest_.collections.size() && items_.size() < kFlaggedItemsMax);
  CollectionRow& collection = manifest_.collections[item.collection];
  ++collection.items;
  collection.bytes += item.size;
  if (!collection.negative) ++manifest_.items_of_kind[static_cast<std::size_t>(item.kind)];
  const std::uint64_t size = std::min(item.size, kItemBytesMax);
  items_.push_back({.id = item.id,
                    .size_low = static_cast<std::uint32_t>(size),
                    .size_high = static_cast<std::uint16_t>(size >> 32),
                    .collection = static_cast<std::uint16_t>(item.collection),
                    .expires_s = ExpirySeconds(item.expires),
                    .fragment_count_and_kind = static_cast<std::uint32_t>(item.kind) << 30});
  return static_cast<std::uint32_t>(items_.size() - 1);
}

void HashSetWriter::AddFile(std::uint32_t item, const FileFingerprint& file) {
  CHECK(item < items_.size() && items_[item].size() == std::min(file.size, kItemBytesMax));
  digests_.Add(DigestRow(file.sha256, item));
  heads_.push_back(file.head_xxh3);
  archive_entries_.push_back({file.crc32, item});
  if (file.image_data) {
    image_data_.Add(DigestRow(*file.image_data, item));
    heads_.push_back(file.image_head_xxh3);
  }
  for (const PictureView& view : file.views) AddPicture(item, view);
  for (const FragmentPrint& fragment : file.fragments) {
    if (fragment.offset > UINT32_MAX) break;  // ascending; the first 4 GiB of a file are told apart well enough
    fragments_.Add({fragment.hash, item, static_cast<std::uint32_t>(fragment.offset)});
    ++items_[item].fragment_count_and_kind;
  }
}

void HashSetWriter::AddRecord(std::uint32_t item, const RecordFingerprint& record) {
  manifest_.has_records = true;
  plates_.Add({record.plate_tag, item, 0});
  if (record.folded_tag != record.plate_tag) plates_.Add({record.folded_tag, item, 1});
  for (const std::uint64_t tag : record.pair_tags) pairs_.Add({tag, item, 0});
}

void HashSetWriter::AddDigest(std::uint32_t item, const Sha256Digest& sha256) {
  digests_.Add(DigestRow(sha256, item));
  if (items_[item].size() == 0) manifest_.has_bare_digests = true;
}

void HashSetWriter::AddMd5(std::uint32_t item, const Md5Digest& md5) {
  digests_.Add(DigestRow(DigestOfMd5(md5), item));
  manifest_.has_bare_md5 = true;
}

void HashSetWriter::AddPicture(std::uint32_t item, const PictureView& view) {
  pictures_.push_back(
      {view.hash, {.item = item, .quality = view.quality, .view = static_cast<std::uint8_t>(view.view)}});
}

void HashSetWriter::AddShape(const ShapeDensity& shape) { manifest_.shapes.push_back(shape); }

void HashSetWriter::Remove(const ItemId& id) { removed_.push_back(id); }

Status HashSetWriter::EndSection(SectionKind kind, SectionOutput& output, std::uint64_t rows) {
  if (Status status = output.Finish(); !status) return status;
  SectionEntry& entry = manifest_.sections[static_cast<std::size_t>(kind)];
  entry.rows = rows;
  entry.offset = end_;
  entry.bytes = output.size();
  end_ = SectionAligned(end_ + entry.bytes);
  return {};
}

Status HashSetWriter::WriteBytes(int file, SectionKind kind, ByteView bytes, std::uint64_t rows) {
  SectionOutput output(file, end_);
  output.Write(bytes);
  return EndSection(kind, output, rows);
}

Status HashSetWriter::WriteTable(int file, SectionKind kind, ExternalSorter<KeyRow>& rows, KeyValue value,
                                 BloomFilterBuilder* filter) {
  SectionOutput output(file, end_);
  const auto written = KeyTable::Write(rows, value, output, filter);
  return written ? EndSection(kind, output, *written) : Fail(written.error());
}

Status HashSetWriter::WriteTables(int file) {
  BloomFilterBuilder prints(fragments_.size());
  Status status = WriteTable(file, SectionKind::kDigests, digests_, KeyValue::kWord);
  if (status) status = WriteTable(file, SectionKind::kImageData, image_data_, KeyValue::kWord);
  std::ranges::sort(archive_entries_, {}, [this](const ArchiveEntryRow& row) {
    return std::tuple(items_[row.item].size(), row.crc32, row.item);
  });
  if (status)
    status = WriteBytes(file, SectionKind::kArchiveEntries, BytesOf(archive_entries_), archive_entries_.size());
  if (status) status = WriteTable(file, SectionKind::kFragments, fragments_, KeyValue::kWord, &prints);
  const std::uint64_t rows = manifest_.Section(SectionKind::kFragments).rows;
  if (status) status = WriteBytes(file, SectionKind::kFragmentFilter, prints.bytes(), rows);
  BloomFilterBuilder tags(plates_.size());
  if (status) status = WriteTable(file, SectionKind::kPlates, plates_, KeyValue::kFlag, &tags);
  const std::uint64_t plates = manifest_.Section(SectionKind::kPlates).rows;
  if (status) status = WriteBytes(file, SectionKind::kPlateFilter, tags.bytes(), plates);
  if (status) status = WriteTable(file, SectionKind::kPairs, pairs_, KeyValue::kFlag);
  return status;
}

Status HashSetWriter::WritePictures(int file) {
  const PictureSections pictures = BuildPictureSections(pictures_);
  const std::size_t count = pictures.hashes.size();
  Status status = WriteBytes(file, SectionKind::kPictureHashes, BytesOf(pictures.hashes), count);
  if (status) status = WriteBytes(file, SectionKind::kPictureFirsts, BytesOf(pictures.firsts), pictures.firsts.size());
  if (status) status = WriteBytes(file, SectionKind::kPictureRows, BytesOf(pictures.rows), pictures.rows.size());
  const Bytes slots = count >= picture_slots_from_ ? BuildPictureSlots(pictures.hashes) : Bytes();
  return status ? WriteBytes(file, SectionKind::kPictureSlots, slots, count) : status;
}

Status HashSetWriter::WriteSections(int file) {
  SectionOutput items(file, end_);
  for (const ItemRow& item : items_) items.Put(item);
  Status status = EndSection(SectionKind::kItems, items, items_.size());
  BloomFilterBuilder heads(heads_.size());
  for (const std::uint64_t head : heads_) heads.Add(head);
  if (status) status = WriteBytes(file, SectionKind::kHeads, heads.bytes(), heads_.size());
  std::ranges::sort(removed_);
  if (status) status = WriteBytes(file, SectionKind::kRemoved, BytesOf(removed_), removed_.size());
  if (status) status = WriteTables(file);
  return status ? WritePictures(file) : status;
}

Status HashSetWriter::Checksum(int file) {
  const auto size = static_cast<std::size_t>(end_);
  void* mapping = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file, 0);
  if (mapping == MAP_FAILED) return FailErrno("cannot read the hash set again");
  const ByteView bytes(static_cast<const std::uint8_t*>(mapping), size);
  for (SectionEntry& entry : manifest_.sections)
    entry.checksum = SectionChecksum(bytes.subspan(static_cast<std::size_t>(entry.offset), entry.bytes));
  ::munmap(mapping, size);
  return {};
}

Status HashSetWriter::Sign(int file, ByteView signing_seed) {
  const SigningKey key(signing_seed);
  const Bytes manifest = EncodeManifest(manifest_);
  Header header{.version = kFormatVersion,
                .manifest_bytes = static_cast<std::uint32_t>(manifest.size()),
                .file_bytes = end_,
                .signer = key.public_key};
  std::copy(kMagic.begin(), kMagic.end(), header.magic.begin());
  const ByteView header_bytes(reinterpret_cast<const std::uint8_t*>(&header), sizeof(header));
  const Bytes message = SignedMessage(header_bytes, manifest);
  std::array<std::uint8_t, kSignatureBytes> signature{};
  crypto_sign_detached(signature.data(), nullptr, message.data(), message.size(), key.secret_key.data());
  SectionOutput output(file, 0);
  output.Write(header_bytes);
  output.Write(signature);
  output.Write(manifest);
  return output.Finish();
}

Status HashSetWriter::WriteInto(int file, ByteView signing_seed) {
  // Its numbers have a fixed width: it stays as long as it is now.
  const std::size_t manifest_bytes = EncodeManifest(manifest_).size();
  if (manifest_bytes > kManifestBytesMax || manifest_.collections.size() > kCollectionsMax)
    return Fail(ErrorCode::kLimit, "too many collections for one hash set");
  end_ = SectionAligned(kHeaderBytes + kSignatureBytes + manifest_bytes);
  Status status = WriteSections(file);
  if (status && ::ftruncate(file, static_cast<off_t>(end_)) != 0) status = FailErrno("cannot write the hash set");
  if (status) status = Checksum(file);
  return status ? Sign(file, signing_seed) : status;
}

Result<Bytes> HashSetWriter::Encode(ByteView signing_seed) {
  const UniqueFd file(::memfd_create("hashset", MFD_CLOEXEC));
  if (!file) return FailErrno("cannot make a hash set in memory");
  if (Status status = WriteInto(file.get(), signing_seed); !status) return Fail(status.error());
  Bytes bytes(static_cast<std::size_t>(end_));
  if (::pread(file.get(), bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    return FailErrno("cannot read a hash set in memory");
  return bytes;
}

Result<WrittenSet> HashSetWriter::Write(const std::filesystem::path& path, ByteView signing_seed) {
  auto file = NewFile::Create(path, 0600);
  if (!file) return Fail(file.error());
  Status status = WriteInto(file->descriptor(), signing_seed);
  if (status) status = file->Commit();
  if (!status) return Fail(status.error());
  WrittenSet written{.bytes = end_};
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
