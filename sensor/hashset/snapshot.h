// Snapshot: the hash sets loaded at one moment, as the FingerprintIndex that matching reads. Made by an inspector for
// each (re)load and swapped at a batch boundary; ItemRef.set is the position in the vector given. Immutable but for its
// packet time, which belongs to the inspector's thread; any thread may look up while it is not being set.
#pragma once

#include <memory>

#include "hashset/set_family.h"
#include "model/fingerprint_index.h"
#include "telemetry/counters.h"

namespace spanwatch::hashset {

class Snapshot final : public FingerprintIndex {
 public:
  // At most kSetsMax sets and their deltas, each beside its base; none is allowed (nothing is found). `counters`, when
  // given, outlives the snapshot and counts what was found but is no longer looked for.
  static Result<std::shared_ptr<const Snapshot>> Make(SetList sets, Counters* counters = nullptr);

  // What has expired by then gives no match any more. Until it is called nothing has expired.
  void SetNow(PacketTime now) const { now_ = now; }

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
  bool HasPictures() const override;
  void FindPictures(const PdqHash& hash, int max_distance, std::vector<PictureHit>& found) const override;
  std::optional<PictureDetail> Detail(ItemRef item) const override;
  double ChanceOfPicture(ItemRef item, int distance) const override;
  void FindPlates(std::size_t set, std::span<const std::uint64_t> tags, std::vector<PlateHit>& found) const override;
  void FindPairs(std::size_t set, std::span<const std::uint64_t> tags, std::vector<PlateHit>& found) const override;
  std::uint64_t RegisteredPlates(std::size_t set, std::uint16_t shape) const override;

 private:
  Snapshot(SetList sets, std::vector<FamilyPlace> places, Counters* counters);
  PacketTime ExpiryOf(std::size_t set, std::uint32_t row, const ItemFacts& item) const;
  // Whether this row of a set is there, has not expired and was not taken back.
  bool IsCurrent(std::size_t set, std::uint32_t row) const;
  // `filter`, where there is one, holds the table's keys.
  void FindTags(const KeyTable& table, const BloomFilter* filter, std::size_t set, std::span<const std::uint64_t> tags,
                std::vector<PlateHit>& found) const;

  SetList sets_;
  std::vector<FamilyPlace> places_;                             // by set
  std::vector<std::vector<const CollectionRow*>> collections_;  // by set and its own number: as they are now
  std::vector<int> picture_distance_max_;                       // by set: the widest weak distance of these
  Counters* counters_;
  mutable PacketTime now_ = PacketTime::min();
};

}  // namespace spanwatch::hashset
