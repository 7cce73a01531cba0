#include "hashset/mapped_hashset.h"

#include <sodium.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/file.h"
#include "base/hex.h"

namespace spanwatch::hashset {
namespace {

// Bytes of a row where the size of a section follows from its rows; 0 where the section checks its own.
constexpr std::size_t RowBytes(SectionKind kind) {
  switch (kind) {
    case SectionKind::kItems:
      return sizeof(ItemRow);
    case SectionKind::kArchiveEntries:
      return sizeof(ArchiveEntryRow);
    case SectionKind::kPictureHashes:
      return sizeof(PdqHash);
    case SectionKind::kPictureFirsts:
      return sizeof(std::uint32_t);
    case SectionKind::kPictureRows:
      return sizeof(PictureRow);
    case SectionKind::kRemoved:
      return sizeof(ItemId);
    case SectionKind::kPictureDetails:
      return sizeof(PictureDetailRow);
    case SectionKind::kCommon:
    case SectionKind::kNoLongerCommon:
      return sizeof(std::uint64_t);
    default:
      return 0;
  }
}

// Of what Open reads of a section.
constexpr std::uint64_t kSectionHeadBytesMax = kSlotsHeadBytes + kSlotsMax * sizeof(SlotMasks);

bool Verifies(ByteView signature, ByteView message, ByteView public_key) {
  CHECK(public_key.size() == crypto_sign_PUBLICKEYBYTES);
  return crypto_sign_verify_detached(signature.data(), message.data(), message.size(), public_key.data()) == 0;
}

}  // namespace

MappedHashSet::~MappedHashSet() {
  if (!mapping_.empty()) ::munmap(const_cast<std::uint8_t*>(mapping_.data()), mapping_.size());
}

Result<std::shared_ptr<const MappedHashSet>> MappedHashSet::Open(const std::filesystem::path& path,
                                                                 std::span<const Bytes> trusted) {
  auto file = OpenForReading(path);
  if (!file) return Fail(file.error().In("hash set"));
  return Open(*file, path.string(), trusted);
}

Result<std::shared_ptr<const MappedHashSet>> MappedHashSet::Open(const UniqueFd& file, const std::string& name,
                                                                 std::span<const Bytes> trusted) {
  if (trusted.empty()) {
    return Fail(ErrorCode::kUntrusted,
                "hash set {}: no trusted key to check its signature with; name the owner's "
                "public key with --trust",
                name);
  }
  return OpenMapping(file, name, trusted, false);
}

Result<std::shared_ptr<const MappedHashSet>> MappedHashSet::OpenUnverified(const std::filesystem::path& path) {
  auto file = OpenForReading(path);
  if (!file) return Fail(file.error().In("hash set"));
  return OpenMapping(*file, path.string(), {}, true);
}

Result<std::shared_ptr<const MappedHashSet>> MappedHashSet::OpenMapping(const UniqueFd& file, const std::string& name,
                                                                        std::span<const Bytes> trusted,
                                                                        bool any_signer) {
  CHECK(sodium_init() >= 0);  // picks the processor's best implementation
  const std::shared_ptr<MappedHashSet> set(new MappedHashSet());
  set->name_ = name;
  const std::string context = "hash set " + name;
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return FailErrno(context);
  if (!S_ISREG(status.st_mode) || static_cast<std::size_t>(status.st_size) < kHeaderBytes + kSignatureBytes) {
    return Fail(ErrorCode::kCorrupt, "{}: not a hash set; give the .swset file that `register build` wrote", context);
  }
  const auto size = static_cast<std::size_t>(status.st_size);
  void* mapping = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.get(), 0);
  if (mapping == MAP_FAILED) return FailErrno(context);
  set->mapping_ = {static_cast<const std::uint8_t*>(mapping), size};
  Status checked = set->CheckHeader(trusted, any_signer);
  if (checked) checked = set->CheckSections();
  if (checked) set->FetchHeads();
  if (checked) checked = set->MapTables();
  if (!checked) return Fail(checked.error().In(context));
  return std::shared_ptr<const MappedHashSet>(set);
}

Status MappedHashSet::CheckHeader(std::span<const Bytes> trusted, bool any_signer) {
  Header header;
  std::memcpy(&header, mapping_.data(), sizeof(header));
  if (std::string_view(header.magic.data(), header.magic.size()) != kMagic) {
    return Fail(ErrorCode::kCorrupt, "not a hash set; give the .swset file that `register build` wrote");
  }
  if (header.version < kFormatVersionMin || header.version > kFormatVersion) {
    return Fail(ErrorCode::kInvalid,
                "has format version {}, this program reads {} and {}; build it again with this version", header.version,
                kFormatVersionMin, kFormatVersion);
  }
  if (header.file_bytes != mapping_.size()) {
    return Fail(ErrorCode::kCorrupt, "has {} bytes of {}; copy it again", mapping_.size(), header.file_bytes);
  }
  if (header.manifest_bytes > kManifestBytesMax ||
      header.manifest_bytes > mapping_.size() - kHeaderBytes - kSignatureBytes) {
    return Fail(ErrorCode::kCorrupt, "its header is damaged; copy it again");
  }
  const ByteView signature = mapping_.subspan(kHeaderBytes, kSignatureBytes);
  const ByteView manifest = mapping_.subspan(kHeaderBytes + kSignatureBytes, header.manifest_bytes);
  const Bytes message = SignedMessage(mapping_.first(kHeaderBytes), manifest);
  const bool known = any_signer || std::ranges::any_of(trusted, [&](const Bytes& key) {
                       return std::ranges::equal(key, header.signer);
                     });
  if (!known) {
    return Fail(ErrorCode::kUntrusted,
                "signed by key {}, which is not trusted; name the owner's public key with --trust",
                ToHex(header.signer));
  }
  if (!Verifies(signature, message, header.signer)) {
    return Fail(ErrorCode::kUntrusted,
                "its signature does not hold: it was damaged or changed; get it from its owner again");
  }
  signer_ = header.signer;
  digest_ = SectionChecksum(message);
  auto decoded = DecodeManifest(manifest, header.version);
  if (!decoded) return Fail(decoded.error());
  manifest_ = std::move(*decoded);
  if (manifest_.is_delta() && header.version == 3) {
    return Fail(ErrorCode::kInvalid, "is a delta of format version 3, which does not name its base; build it again");
  }
  return {};
}

Status MappedHashSet::CheckSections() {
  const std::uint64_t first = kHeaderBytes + kSignatureBytes;
  for (std::size_t i = 0; i < kSectionCount; ++i) {
    const SectionEntry& entry = manifest_.sections[i];
    const std::size_t row_bytes = RowBytes(static_cast<SectionKind>(i));
    const bool placed = entry.offset >= first && entry.offset <= mapping_.size() &&
                        entry.bytes <= mapping_.size() - entry.offset && entry.offset % kSectionAlignment == 0;
    const bool counted = entry.rows <= UINT32_MAX && (row_bytes == 0 || entry.rows * row_bytes == entry.bytes);
    if (placed && counted) continue;
    return Fail(ErrorCode::kCorrupt, "its section '{}' does not fit the file", ToString(static_cast<SectionKind>(i)));
  }
  const std::uint64_t hashes = manifest_.Section(SectionKind::kPictureHashes).rows;
  if (manifest_.Section(SectionKind::kPictureFirsts).rows != hashes + (hashes > 0)) {
    return Fail(ErrorCode::kCorrupt, "its picture sections disagree");
  }
  if (manifest_.Section(SectionKind::kItems).rows > 0 && manifest_.collections.empty()) {
    return Fail(ErrorCode::kCorrupt, "has items but no collection");
  }
  return {};
}

// Tables and slots begin with what says how they are read. All at once, since a file that is not in memory yet would
// make each wait for the disk in turn.
void MappedHashSet::FetchHeads() const {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  for (const SectionEntry& entry : manifest_.sections) {
    if (entry.bytes == 0) continue;
    const auto begin = reinterpret_cast<std::uintptr_t>(mapping_.data() + entry.offset);
    const std::uintptr_t aligned = begin / page * page;
    const std::uintptr_t end = begin + std::min<std::uint64_t>(entry.bytes, kSectionHeadBytesMax);
    (void)::madvise(reinterpret_cast<void*>(aligned), end - aligned, MADV_WILLNEED);  // only to be faster
  }
}

ByteView MappedHashSet::SectionBytes(SectionKind kind) const {
  const SectionEntry& entry = manifest_.Section(kind);
  return mapping_.subspan(entry.offset, entry.bytes);
}

template <typename Row>
std::span<const Row> MappedHashSet::Rows(SectionKind kind) const {
  return {reinterpret_cast<const Row*>(SectionBytes(kind).data()),
          static_cast<std::size_t>(manifest_.Section(kind).rows)};
}

Status MappedHashSet::MapTables() {
  items_ = Rows<ItemRow>(SectionKind::kItems);
  removed_ = Rows<ItemId>(SectionKind::kRemoved);
  common_ = Rows<std::uint64_t>(SectionKind::kCommon);
  details_ = Rows<PictureDetailRow>(SectionKind::kPictureDetails);
  no_longer_common_ = Rows<std::uint64_t>(SectionKind::kNoLongerCommon);
  const auto hashes = Rows<PdqHash>(SectionKind::kPictureHashes);
  const auto slots = PictureSlots::View(SectionBytes(SectionKind::kPictureSlots), hashes.size());
  if (!slots) return Fail(ErrorCode::kCorrupt, "its section '{}' is damaged", ToString(SectionKind::kPictureSlots));
  pictures_ = PictureIndex(
      {hashes, Rows<std::uint32_t>(SectionKind::kPictureFirsts), Rows<PictureRow>(SectionKind::kPictureRows), *slots});
  archive_entries_ = ArchiveEntryIndex(Rows<ArchiveEntryRow>(SectionKind::kArchiveEntries), items_);
  const std::pair<SectionKind, BloomFilter*> filters[] = {{SectionKind::kHeads, &heads_},
                                                          {SectionKind::kFragmentFilter, &fragment_filter_},
                                                          {SectionKind::kPlateFilter, &plate_filter_}};
  for (const auto& [kind, filter] : filters) {
    const auto view = BloomFilter::View(SectionBytes(kind));
    if (!view) return Fail(ErrorCode::kCorrupt, "its section '{}' is damaged", ToString(kind));
    *filter = *view;
  }
  const std::pair<SectionKind, KeyTable*> tables[] = {{SectionKind::kDigests, &digests_},
                                                      {SectionKind::kImageData, &image_data_},
                                                      {SectionKind::kFragments, &fragments_},
                                                      {SectionKind::kPlates, &plates_},
                                                      {SectionKind::kPairs, &pairs_}};
  for (const auto& [kind, table] : tables) {
    const auto view = KeyTable::View(SectionBytes(kind), manifest_.Section(kind).rows);
    if (!view) return Fail(ErrorCode::kCorrupt, "its section '{}' is damaged", ToString(kind));
    *table = *view;
  }
  return {};
}

Status MappedHashSet::VerifyChecksums() const {
  for (std::size_t i = 0; i < kSectionCount; ++i) {
    const auto kind = static_cast<SectionKind>(i);
    if (SectionChecksum(SectionBytes(kind)) == manifest_.sections[i].checksum) continue;
    return Fail(ErrorCode::kCorrupt, "hash set {}: its section '{}' is damaged; copy it again", name_, ToString(kind));
  }
  return {};
}

ItemFacts MappedHashSet::Item(std::uint32_t row) const {
  if (row >= items_.size()) return {};
  const ItemRow& item = items_[row];
  const std::uint32_t kind = item.fragment_count_and_kind >> 30;
  const std::uint32_t collection = item.collection < manifest_.collections.size() ? item.collection : 0u;
  return {.id = item.id,
          .kind = EnumFrom<ItemKind>(kind).value_or(ItemKind::kFile),
          .collection = collection,
          .size = item.size(),
          .fragment_count = item.fragment_count_and_kind & kItemFragmentsMax,
          .expires = std::min(ExpiryTime(item.expires_s), ExpiryTime(manifest_.collections[collection].expires_s)),
          .negative = manifest_.collections[collection].negative};
}

std::optional<PictureDetail> MappedHashSet::Detail(std::uint32_t item_row) const {
  const auto row = std::ranges::lower_bound(details_, item_row, {}, &PictureDetailRow::item);
  if (row == details_.end() || row->item != item_row) return std::nullopt;
  PictureDetail detail;
  for (std::size_t i = 0; i < detail.words.size(); ++i)
    detail.words[i] = std::uint64_t{row->bits[2 * i + 1]} << 32 | row->bits[2 * i];
  return detail;
}

CollectionFacts MappedHashSet::Collection(std::uint32_t item_row) const {
  if (manifest_.collections.empty()) return {};
  return FactsOf(manifest_.collections[Item(item_row).collection]);
}

CollectionFacts FactsOf(const CollectionRow& collection) {
  return {.name = collection.name,
          .owner = collection.owner,
          .items = collection.items,
          .bytes = collection.bytes,
          .sure_distance = collection.sure_distance,
          .weak_distance = collection.weak_distance,
          .calibrated = collection.calibrated,
          .false_rate = collection.false_rate,
          .negative = collection.negative};
}

}  // namespace spanwatch::hashset
