// MappedHashSet: one hash set file, mapped read-only and used in place. Opened by inspectors (from a descriptor, before
// the sandbox closes or from the launcher's socket), by the supervisor, by `hashset info|verify`.
//
// Open checks the signature over header and manifest, version, sizes and bounds, in milliseconds at any size; it does
// not read the sections (VerifyChecksums does, once, before a set is taken into service). Immutable afterwards; every
// lookup is safe from any thread, in bounds and bounded in time even when the sections lie. The file must not be
// truncated while it is mapped: a set is taken into a directory of its own first.
#pragma once

#include <algorithm>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "base/unique_fd.h"
#include "hashset/archive_entry_index.h"
#include "hashset/bloom_filter.h"
#include "hashset/hashset_format.h"
#include "hashset/key_table.h"
#include "hashset/picture_index.h"

namespace spanwatch::hashset {

class MappedHashSet {
 public:
  // `name` is for messages. REQUIRES: each of `trusted` is an Ed25519 public key of 32 bytes.
  static Result<std::shared_ptr<const MappedHashSet>> Open(const std::filesystem::path& path,
                                                           std::span<const Bytes> trusted);
  static Result<std::shared_ptr<const MappedHashSet>> Open(const UniqueFd& file, const std::string& name,
                                                           std::span<const Bytes> trusted);
  // Whoever signed it: for `hashset info` without a key. The caller says that it is not verified.
  static Result<std::shared_ptr<const MappedHashSet>> OpenUnverified(const std::filesystem::path& path);
  ~MappedHashSet();
  MappedHashSet(const MappedHashSet&) = delete;
  MappedHashSet& operator=(const MappedHashSet&) = delete;

  // Reads everything once and compares with the manifest's checksums; names the first section that differs.
  Status VerifyChecksums() const;

  const Manifest& manifest() const { return manifest_; }
  const PublicKey& signer() const { return signer_; }
  // What a delta names its base by.
  const SetDigest& digest() const { return digest_; }
  // Over header and manifest, which holds the checksums: equal signatures, equal sets.
  ByteView signature() const { return mapping_.subspan(kHeaderBytes, kSignatureBytes); }
  const std::string& name() const { return name_; }  // of the file
  std::uint64_t file_bytes() const { return mapping_.size(); }
  std::uint32_t item_count() const { return static_cast<std::uint32_t>(items_.size()); }

  // As FingerprintIndex describes them; rows instead of ItemRefs.
  ItemFacts Item(std::uint32_t row) const;  // facts of nothing when the row is beyond the end
  // A delta: whether it takes back this item of its base.
  bool Removes(const ItemId& id) const { return std::ranges::binary_search(removed_, id); }
  std::span<const ItemId> removed() const { return removed_; }
  // Fragment hashes, ascending, that are no evidence; and those of the base that are evidence again.
  std::span<const std::uint64_t> common() const { return common_; }
  std::span<const std::uint64_t> no_longer_common() const { return no_longer_common_; }
  // The item's own expiry; Item gives the collection's where that is earlier.
  PacketTime OwnExpiry(std::uint32_t row) const {
    return row < items_.size() ? ExpiryTime(items_[row].expires_s) : PacketTime::max();
  }
  CollectionFacts Collection(std::uint32_t item_row) const;
  std::optional<PictureDetail> Detail(std::uint32_t item_row) const;
  template <typename Found>
  void FindDigest(const Sha256Digest& sha256, std::uint64_t size, Found&& found) const;
  template <typename Found>
  void FindImageData(const Sha256Digest& sha256, Found&& found) const;

  // The item of every row of kDigests, kImageData, kArchiveEntries or kPictureRows; of a set that lies, beyond the
  // items.
  template <typename Visit>
  void ForEachItemOf(SectionKind section, Visit&& visit) const;

  const KeyTable& digests() const { return digests_; }
  const KeyTable& image_data() const { return image_data_; }
  const BloomFilter& heads() const { return heads_; }
  const BloomFilter& fragment_filter() const { return fragment_filter_; }
  const BloomFilter& plate_filter() const { return plate_filter_; }
  const KeyTable& fragments() const { return fragments_; }
  const KeyTable& plates() const { return plates_; }
  const KeyTable& pairs() const { return pairs_; }
  const ArchiveEntryIndex& archive_entries() const { return archive_entries_; }
  const PictureIndex& pictures() const { return pictures_; }
  std::span<const PictureDetailRow> picture_details() const { return details_; }

 private:
  MappedHashSet() = default;
  static Result<std::shared_ptr<const MappedHashSet>> OpenMapping(const UniqueFd& file, const std::string& name,
                                                                  std::span<const Bytes> trusted, bool any_signer);
  Status CheckHeader(std::span<const Bytes> trusted, bool any_signer);
  Status CheckSections();
  void FetchHeads() const;
  Status MapTables();
  ByteView SectionBytes(SectionKind kind) const;
  template <typename Row>
  std::span<const Row> Rows(SectionKind kind) const;

  std::string name_;
  ByteView mapping_;
  PublicKey signer_{};
  SetDigest digest_{};
  Manifest manifest_;
  std::span<const ItemRow> items_;
  KeyTable digests_;
  KeyTable image_data_;
  std::span<const ItemId> removed_;
  std::span<const PictureDetailRow> details_;
  std::span<const std::uint64_t> common_;
  std::span<const std::uint64_t> no_longer_common_;
  BloomFilter heads_;
  BloomFilter fragment_filter_;
  BloomFilter plate_filter_;
  KeyTable fragments_;
  KeyTable plates_;
  KeyTable pairs_;
  ArchiveEntryIndex archive_entries_;
  PictureIndex pictures_;
};

// What the manifest says of a collection. The names are those of the row.
CollectionFacts FactsOf(const CollectionRow& collection);

template <typename Found>
void MappedHashSet::FindDigest(const Sha256Digest& sha256, std::uint64_t size, Found&& found) const {
  const KeyRow wanted = DigestRow(sha256, 0);
  digests_.Find(wanted.key, [&](std::uint32_t item, std::uint32_t value) {
    if (value != wanted.value || item >= items_.size()) return;
    const std::uint64_t known = Item(item).size;
    if (known == 0 || known == size) found(item);
  });
}

template <typename Found>
void MappedHashSet::FindImageData(const Sha256Digest& sha256, Found&& found) const {
  const KeyRow wanted = DigestRow(sha256, 0);
  image_data_.Find(wanted.key, [&](std::uint32_t item, std::uint32_t value) {
    if (value == wanted.value && item < items_.size()) found(item);
  });
}

template <typename Visit>
void MappedHashSet::ForEachItemOf(SectionKind section, Visit&& visit) const {
  const auto each = [&](std::uint32_t, std::uint32_t item, std::uint32_t) { visit(item); };
  if (section == SectionKind::kDigests) digests_.ForEach(each);
  if (section == SectionKind::kImageData) image_data_.ForEach(each);
  if (section == SectionKind::kArchiveEntries) {
    for (const ArchiveEntryRow& row : archive_entries_.rows()) visit(row.item);
  }
  if (section == SectionKind::kPictureRows)
    pictures_.ForEach([&](const PdqHash&, const PictureRow& row) { visit(row.item); });
}

}  // namespace spanwatch::hashset
