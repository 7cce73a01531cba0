#include "hashset/hashset_writer.h"

#include <sodium.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

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

// What was written so far, to be read again.
class FileMapping {
 public:
  FileMapping(int file, std::uint64_t size)
      : size_(static_cast<std::size_t>(size)), mapping_(::mmap(nullptr, size_, PROT_READ, MAP_SHARED, file, 0)) {}
  ~FileMapping() {
    if (*this) ::munmap(mapping_, size_);
  }
  FileMapping(const FileMapping&) = delete;
  FileMapping& operator=(const FileMapping&) = delete;

  explicit operator bool() const { return mapping_ != MAP_FAILED; }
  ByteView bytes() const { return {static_cast<const std::uint8_t*>(mapping_), size_}; }

 private:
  std::size_t size_;
  void* mapping_;
};

constexpr std::size_t kStackOfSigning = 16 * 1024;  // that the key passes through, libsodium's own included

struct SigningKey {
  std::array<std::uint8_t, crypto_sign_PUBLICKEYBYTES> public_key{};
  std::array<std::uint8_t, crypto_sign_SECRETKEYBYTES> secret_key{};

  explicit SigningKey(ByteView seed) {
    CHECK(seed.size() == crypto_sign_SEEDBYTES && sodium_init() >= 0);
    crypto_sign_seed_keypair(public_key.data(), secret_key.data(), seed.data());
  }
  ~SigningKey() {
    sodium_memzero(secret_key.data(), secret_key.size());
    sodium_stackzero(kStackOfSigning);
  }
};

std::filesystem::path FolderOf(const HashSetDescription& description) {
  return description.folder.empty() ? std::filesystem::temp_directory_path() : description.folder;
}

}  // namespace

HashSetWriter::HashSetWriter(HashSetDescription description)
    : picture_slots_from_(std::max<std::size_t>(description.picture_slots_from, 1)),
      progress_(std::move(description.progress)),
      items_(FolderOf(description)),
      details_(FolderOf(description)),
      heads_(FolderOf(description), description.sorter_bytes),
      pictures_(FolderOf(description), description.sorter_bytes),
      archive_entries_(FolderOf(description), description.sorter_bytes),
      digests_(FolderOf(description), description.sorter_bytes),
      image_data_(FolderOf(description), description.sorter_bytes),
      fragments_(FolderOf(description), description.sorter_bytes),
      plates_(FolderOf(description), description.sorter_bytes),
      pairs_(FolderOf(description), description.sorter_bytes) {
  manifest_.name = std::move(description.name);
  manifest_.profile = std::move(description.profile);
  manifest_.serial = description.serial;
  manifest_.base_serial = description.base_serial;
  manifest_.base_digest = description.base_digest;
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
  items_.Add({.id = item.id,
              .size_low = static_cast<std::uint32_t>(size),
              .size_high = static_cast<std::uint16_t>(size >> 32),
              .collection = static_cast<std::uint16_t>(item.collection),
              .expires_s = ExpirySeconds(item.expires),
              .fragment_count_and_kind = static_cast<std::uint32_t>(item.kind) << 30});
  return static_cast<std::uint32_t>(items_.size() - 1);
}

void HashSetWriter::AddFile(std::uint32_t item, const FileFingerprint& file) {
  CHECK(item + 1 == items_.size() && items_.last().size() == std::min(file.size, kItemBytesMax));
  digests_.Add(DigestRow(file.sha256, item));
  heads_.Add(file.head_xxh3);
  archive_entries_.Add({items_.last().size(), {file.crc32, item}});
  if (file.image_data) {
    image_data_.Add(DigestRow(*file.image_data, item));
    heads_.Add(file.image_head_xxh3);
  }
  for (const PictureView& view : file.views) AddPicture(item, view);
  if (file.detail) {
    PictureDetailRow row{.item = item};
    for (std::size_t i = 0; i < row.bits.size(); ++i)
      row.bits[i] = static_cast<std::uint32_t>(file.detail->words[i / 2] >> i % 2 * 32);
    details_.Add(row);
  }
  for (const FragmentPrint& fragment : file.fragments) {
    if (fragment.offset > UINT32_MAX) break;  // ascending; the first 4 GiB of a file are told apart well enough
    fragments_.Add({fragment.hash, item, static_cast<std::uint32_t>(fragment.offset)});
    ++items_.last().fragment_count_and_kind;
  }
}

void HashSetWriter::AddRecord(std::uint32_t item, const RecordFingerprint& record) {
  manifest_.has_records = true;
  plates_.Add({record.plate_tag, item, 0});
  if (record.folded_tag != record.plate_tag) plates_.Add({record.folded_tag, item, 1});
  for (const std::uint64_t tag : record.pair_tags) pairs_.Add({tag, item, 0});
}

void HashSetWriter::AddDigest(std::uint32_t item, const Sha256Digest& sha256) {
  CHECK(item + 1 == items_.size());
  digests_.Add(DigestRow(sha256, item));
  if (items_.last().size() == 0) manifest_.has_bare_digests = true;
}

void HashSetWriter::AddMd5(std::uint32_t item, const Md5Digest& md5) {
  digests_.Add(DigestRow(DigestOfMd5(md5), item));
  manifest_.has_bare_md5 = true;
}

void HashSetWriter::AddPicture(std::uint32_t item, const PictureView& view) {
  pictures_.Add({view.hash, {.item = item, .quality = view.quality, .view = static_cast<std::uint8_t>(view.view)}});
}

void HashSetWriter::AddShape(const ShapeDensity& shape) { manifest_.shapes.push_back(shape); }

void HashSetWriter::Remove(const ItemId& id) { removed_.push_back(id); }

void HashSetWriter::MakeCommon(std::vector<std::uint64_t> hashes) { common_ = std::move(hashes); }

void HashSetWriter::TakeBackCommon(std::vector<std::uint64_t> hashes) { no_longer_common_ = std::move(hashes); }

void HashSetWriter::SpeakFor(const Manifest& whole) {
  manifest_.collections = whole.collections;
  manifest_.shapes = whole.shapes;
  manifest_.items_of_kind = whole.items_of_kind;
  manifest_.has_records = whole.has_records;
}

// Of the sections that grow with what is registered, near enough for an estimate of the time left.
std::uint64_t HashSetWriter::ExpectedBytes() const {
  constexpr std::uint64_t kViewBytes = sizeof(PdqHash) + sizeof(PictureRow) + sizeof(std::uint32_t);
  const bool slots = pictures_.size() >= picture_slots_from_;
  return items_.size() * sizeof(ItemRow) + details_.size() * sizeof(PictureDetailRow) +
         archive_entries_.size() * sizeof(ArchiveEntryRow) +
         (digests_.size() + image_data_.size() + fragments_.size()) * 3 * sizeof(std::uint32_t) +
         (plates_.size() + pairs_.size()) * 2 * sizeof(std::uint32_t) + pictures_.size() * kViewBytes +
         (slots ? PictureSlotsBytes(pictures_.size()) : 0);
}

SectionOutput HashSetWriter::NextSection(int file) const {
  if (!progress_) return {file, end_};
  return {file, end_, [this](std::uint64_t end) { progress_(end, std::max(end, expected_bytes_)); }};
}

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
  SectionOutput output = NextSection(file);
  output.Write(bytes);
  return EndSection(kind, output, rows);
}

Status HashSetWriter::WriteTable(int file, SectionKind kind, ExternalSorter<KeyRow>& rows, KeyValue value,
                                 BloomFilterBuilder* filter) {
  SectionOutput output = NextSection(file);
  const auto written = KeyTable::Write(rows, value, output, filter);
  return written ? EndSection(kind, output, *written) : Fail(written.error());
}

Status HashSetWriter::WriteTables(int file) {
  BloomFilterBuilder prints(fragments_.size());
  Status status = WriteTable(file, SectionKind::kDigests, digests_, KeyValue::kWord);
  if (status) status = WriteTable(file, SectionKind::kImageData, image_data_, KeyValue::kWord);
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

Status HashSetWriter::WriteHeads(int file) {
  BloomFilterBuilder filter(heads_.size());
  const std::uint64_t rows = heads_.size();
  const Status status = heads_.ForEach([&](std::uint64_t head) { filter.Add(head); });
  return status ? WriteBytes(file, SectionKind::kHeads, filter.bytes(), rows) : status;
}

Status HashSetWriter::WriteArchiveEntries(int file) {
  SectionOutput output = NextSection(file);
  const Status status = archive_entries_.ForEach([&](const ArchiveEntry& entry) { output.Put(entry.row); });
  return status ? EndSection(SectionKind::kArchiveEntries, output, output.size() / sizeof(ArchiveEntryRow)) : status;
}

Status HashSetWriter::WritePictures(int file) {
  SectionOutput hashes = NextSection(file);
  const auto views = SortPictures(pictures_, [&](const PdqHash& hash) { hashes.Put(hash); });
  if (!views) return Fail(views.error());
  const std::uint64_t count = hashes.size() / sizeof(PdqHash);
  Status status = EndSection(SectionKind::kPictureHashes, hashes, count);
  if (status) status = WriteBytes(file, SectionKind::kPictureFirsts, BytesOf(views->firsts), views->firsts.size());
  if (status) status = WriteBytes(file, SectionKind::kPictureRows, BytesOf(views->rows), views->rows.size());
  return status ? WritePictureSlots(file, count) : status;
}

// From the hashes as they stand in the file: they may be more than memory should hold twice.
Status HashSetWriter::WritePictureSlots(int file, std::uint64_t hashes) {
  SectionOutput slots = NextSection(file);
  if (hashes < picture_slots_from_) return EndSection(SectionKind::kPictureSlots, slots, hashes);
  const SectionEntry& section = manifest_.Section(SectionKind::kPictureHashes);
  const FileMapping mapping(file, section.offset + section.bytes);
  if (!mapping) return FailErrno("cannot read the hash set again");
  const auto* first = reinterpret_cast<const PdqHash*>(mapping.bytes().data() + section.offset);
  hashset::WritePictureSlots({first, static_cast<std::size_t>(hashes)},
                             [&](std::uint64_t offset, ByteView bytes) { slots.Place(offset, bytes); });
  return EndSection(SectionKind::kPictureSlots, slots, hashes);
}

Status HashSetWriter::WriteSections(int file) {
  SectionOutput items = NextSection(file);
  Status status = items_.WriteTo(items);
  if (status) status = EndSection(SectionKind::kItems, items, items_.size());
  if (status) status = WriteHeads(file);
  if (status) status = WriteArchiveEntries(file);
  std::ranges::sort(removed_);
  if (status) status = WriteBytes(file, SectionKind::kRemoved, BytesOf(removed_), removed_.size());
  for (auto* hashes : {&common_, &no_longer_common_}) std::ranges::sort(*hashes);
  if (status) status = WriteBytes(file, SectionKind::kCommon, BytesOf(common_), common_.size());
  if (status)
    status = WriteBytes(file, SectionKind::kNoLongerCommon, BytesOf(no_longer_common_), no_longer_common_.size());
  if (status) status = WriteTables(file);
  SectionOutput details = NextSection(file);
  if (status) status = details_.WriteTo(details);
  if (status) status = EndSection(SectionKind::kPictureDetails, details, details_.size());
  return status ? WritePictures(file) : status;
}

Status HashSetWriter::Checksum(int file) {
  const FileMapping mapping(file, end_);
  if (!mapping) return FailErrno("cannot read the hash set again");
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < kSectionCount; i = next++) {
      SectionEntry& entry = manifest_.sections[i];
      entry.checksum = SectionChecksum(mapping.bytes().subspan(static_cast<std::size_t>(entry.offset), entry.bytes));
    }
  };
  const std::jthread helper(work);
  work();
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
  digest_ = SectionChecksum(message);
  std::array<std::uint8_t, kSignatureBytes> signature{};
  crypto_sign_detached(signature.data(), nullptr, message.data(), message.size(), key.secret_key.data());
  SectionOutput output(file, 0);
  output.Write(header_bytes);
  output.Write(signature);
  output.Write(manifest);
  return output.Finish();
}

// First the sections, then what is known only then: manifest, header, signature.
Status HashSetWriter::WriteInto(int file, ByteView signing_seed) {
  // Its numbers have a fixed width: it stays as long as it is now.
  const std::size_t manifest_bytes = EncodeManifest(manifest_).size();
  if (manifest_bytes > kManifestBytesMax || manifest_.collections.size() > kCollectionsMax)
    return Fail(ErrorCode::kLimit, "too many collections for one hash set");
  end_ = SectionAligned(kHeaderBytes + kSignatureBytes + manifest_bytes);
  expected_bytes_ = ExpectedBytes();
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
  WrittenSet written{.digest = digest_, .bytes = end_};
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
