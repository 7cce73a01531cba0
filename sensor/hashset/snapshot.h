// Snapshot: the hash sets loaded at one moment, as the FingerprintIndex that matching reads. Made by an inspector for
// each (re)load and swapped at a batch boundary; ItemRef.set is the position in the vector given. Immutable; any
// thread.
#pragma once

#include <memory>

#include "hashset/mapped_hashset.h"
#include "model/fingerprint_index.h"

namespace spanwatch::hashset {

class Snapshot final : public FingerprintIndex {
 public:
  // At most kSetsMax sets; none is allowed (nothing is found).
  static Result<std::shared_ptr<const Snapshot>> Make(std::vector<std::shared_ptr<const MappedHashSet>> sets);

  std::size_t set_count() const override { return sets_.size(); }
  SetFacts Set(std::size_t set) const override;
  ItemFacts Item(ItemRef item) const override;
  CollectionFacts Collection(ItemRef item) const override;
  void FindDigest(const Sha256Digest& sha256, std::uint64_t size, std::vector<ItemRef>& found) const override;
  void FindMd5(const Md5Digest& md5, std::vector<ItemRef>& found) const override;
  void FindImageData(const Sha256Digest& sha256, std::vector<ItemRef>& found) const override;
  bool MayBegin(std::uint64_t head_xxh3) const override;
  void FindArchiveEntry(std::uint32_t crc32, std::uint64_t size, std::vector<ItemRef>& found) const override;
  void FindFileSize(std::uint64_t size, std::vector<SizeHit>& found) const override;
  std::uint64_t CountFileSizes(std::uint64_t least, std::uint64_t most) const override;
  void FindFragments(std::size_t set, std::span<const FragmentPrint> prints,
                     std::vector<FragmentHit>& found) const override;
  void FindPictures(const PdqHash& hash, int max_distance, std::vector<PictureHit>& found) const override;
  void FindPlates(std::size_t set, std::span<const std::uint64_t> tags, std::vector<PlateHit>& found) const override;
  void FindPairs(std::size_t set, std::span<const std::uint64_t> tags, std::vector<PlateHit>& found) const override;
  std::uint64_t RegisteredPlates(std::size_t set, std::uint16_t shape) const override;

 private:
  explicit Snapshot(std::vector<std::shared_ptr<const MappedHashSet>> sets) : sets_(std::move(sets)) {}

  std::vector<std::shared_ptr<const MappedHashSet>> sets_;
};

}  // namespace spanwatch::hashset
