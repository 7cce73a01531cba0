#include "hashset/snapshot.h"

#include <algorithm>
#include <tuple>

namespace spanwatch::hashset {
namespace {

// Prints looked up together, so that their cache misses overlap (algorithms.md 2.3).
constexpr std::size_t kBatch = 32;

void FindTags(const KeyTable& table, std::uint16_t set, std::uint32_t items, std::span<const std::uint64_t> tags,
              std::vector<FingerprintIndex::PlateHit>& found) {
  for (std::size_t begin = 0; begin < tags.size(); begin += kBatch) {
    const auto batch = tags.subspan(begin, std::min(kBatch, tags.size() - begin));
    for (const std::uint64_t tag : batch) table.Prefetch(tag);
    for (const std::uint64_t tag : batch) table.PrefetchRows(tag);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      for (const KeyRow& row : table.Find(batch[i])) {
        if (row.item >= items) continue;
        found.push_back({static_cast<std::uint32_t>(begin + i), {set, row.item}, row.value != 0});
      }
    }
  }
}

std::span<const ArchiveEntryRow> FirstOf(std::span<const ArchiveEntryRow> rows) {
  return rows.first(std::min(rows.size(), kHitsPerKeyMax));
}

bool Nearer(const PictureHit& a, const PictureHit& b) {
  return std::tie(a.distance, a.item) < std::tie(b.distance, b.item);
}

// Keeps the nearest view of each item and the kPictureHitsMax nearest items.
class NearestPictures {
 public:
  explicit NearestPictures(std::vector<PictureHit>& found) : found_(found), before_(found.size()) {}

  void Add(const PictureHit& hit) {
    const auto begin = found_.begin() + static_cast<std::ptrdiff_t>(before_);
    const auto same =
        std::find_if(begin, found_.end(), [&](const PictureHit& other) { return other.item == hit.item; });
    if (same != found_.end()) {
      if (hit.distance < same->distance) *same = hit;
    } else if (found_.size() - before_ < kPictureHitsMax) {
      found_.push_back(hit);
    } else if (const auto farthest = std::max_element(begin, found_.end(), Nearer); Nearer(hit, *farthest)) {
      *farthest = hit;
    }
  }
  void Sort() { std::sort(found_.begin() + static_cast<std::ptrdiff_t>(before_), found_.end(), Nearer); }

 private:
  std::vector<PictureHit>& found_;
  std::size_t before_;
};

}  // namespace

Result<std::shared_ptr<const Snapshot>> Snapshot::Make(std::vector<std::shared_ptr<const MappedHashSet>> sets) {
  if (sets.size() > kSetsMax)
    return Fail(ErrorCode::kLimit, "{} hash sets given; at most {} at once", sets.size(), kSetsMax);
  return std::shared_ptr<const Snapshot>(new Snapshot(std::move(sets)));
}

SetFacts Snapshot::Set(std::size_t set) const {
  const Manifest& manifest = sets_[set]->manifest();
  return {.name = manifest.name,
          .serial = manifest.serial,
          .fragment_seed = manifest.fragment_seed,
          .fragment_density = manifest.fragment_density,
          .has_records = manifest.has_records,
          .has_bare_digests = manifest.has_bare_digests,
          .has_bare_md5 = manifest.has_bare_md5};
}

ItemFacts Snapshot::Item(ItemRef item) const {
  return item.set < sets_.size() ? sets_[item.set]->Item(item.row) : ItemFacts{};
}

CollectionFacts Snapshot::Collection(ItemRef item) const {
  return item.set < sets_.size() ? sets_[item.set]->Collection(item.row) : CollectionFacts{};
}

void Snapshot::FindDigest(const Sha256Digest& sha256, std::uint64_t size, std::vector<ItemRef>& found) const {
  for (std::uint16_t set = 0; set < sets_.size(); ++set) {
    sets_[set]->FindDigest(sha256, size, [&](std::uint32_t row) { found.push_back({set, row}); });
  }
}

void Snapshot::FindMd5(const Md5Digest& md5, std::vector<ItemRef>& found) const {
  FindDigest(DigestOfMd5(md5), 0, found);
}

void Snapshot::FindImageData(const Sha256Digest& sha256, std::vector<ItemRef>& found) const {
  for (std::uint16_t set = 0; set < sets_.size(); ++set) {
    sets_[set]->FindImageData(sha256, [&](std::uint32_t row) { found.push_back({set, row}); });
  }
}

bool Snapshot::MayBegin(std::uint64_t head_xxh3) const {
  return std::ranges::any_of(sets_, [&](const auto& set) { return set->heads().MayContain(head_xxh3); });
}

void Snapshot::FindArchiveEntry(std::uint32_t crc32, std::uint64_t size, std::vector<ItemRef>& found) const {
  for (std::uint16_t set = 0; set < sets_.size(); ++set) {
    for (const ArchiveEntryRow& row : FirstOf(sets_[set]->archive_entries().Find(crc32, size))) {
      if (row.item < sets_[set]->item_count()) found.push_back({set, row.item});
    }
  }
}

void Snapshot::FindFileSize(std::uint64_t size, std::vector<SizeHit>& found) const {
  for (std::uint16_t set = 0; set < sets_.size(); ++set) {
    for (const ArchiveEntryRow& row : FirstOf(sets_[set]->archive_entries().OfSize(size))) {
      if (row.item < sets_[set]->item_count()) found.push_back({{set, row.item}, row.crc32});
    }
  }
}

std::uint64_t Snapshot::CountFileSizes(std::uint64_t least, std::uint64_t most) const {
  std::uint64_t count = 0;
  for (const auto& set : sets_) count += set->archive_entries().Between(least, most).size();
  return count;
}

void Snapshot::FindFragments(std::size_t set, std::span<const FragmentPrint> prints,
                             std::vector<FragmentHit>& found) const {
  const MappedHashSet& mapped = *sets_[set];
  for (std::size_t begin = 0; begin < prints.size(); begin += kBatch) {
    const auto batch = prints.subspan(begin, std::min(kBatch, prints.size() - begin));
    for (const FragmentPrint& print : batch) mapped.fragment_filter().Prefetch(print.hash);
    std::uint32_t passed = 0;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (!mapped.fragment_filter().MayContain(batch[i].hash)) continue;
      passed |= 1u << i;
      mapped.fragments().Prefetch(batch[i].hash);
    }
    for (; passed != 0; passed &= passed - 1) {
      const FragmentPrint& print = batch[static_cast<std::size_t>(std::countr_zero(passed))];
      for (const KeyRow& row : mapped.fragments().Find(print.hash)) {
        if (row.item >= mapped.item_count()) continue;
        found.push_back({print, {static_cast<std::uint16_t>(set), row.item}, row.value});
      }
    }
  }
}

void Snapshot::FindPictures(const PdqHash& hash, int max_distance, std::vector<PictureHit>& found) const {
  NearestPictures nearest(found);
  for (std::uint16_t set = 0; set < sets_.size(); ++set) {
    const MappedHashSet& mapped = *sets_[set];
    mapped.pictures().Find(hash, std::min(max_distance, kPictureDistanceMax),
                           [&](std::uint32_t row, std::uint16_t distance) {
                             const PictureRow& picture = mapped.pictures().Row(row);
                             if (picture.item >= mapped.item_count()) return;
                             const auto view = picture.view <= static_cast<std::uint8_t>(View::kRotate270)
                                                   ? static_cast<View>(picture.view)
                                                   : View::kFull;
                             nearest.Add({{set, picture.item}, distance, view});
                           });
  }
  nearest.Sort();
}

void Snapshot::FindPlates(std::size_t set, std::span<const std::uint64_t> tags, std::vector<PlateHit>& found) const {
  FindTags(sets_[set]->plates(), static_cast<std::uint16_t>(set), sets_[set]->item_count(), tags, found);
}

void Snapshot::FindPairs(std::size_t set, std::span<const std::uint64_t> tags, std::vector<PlateHit>& found) const {
  FindTags(sets_[set]->pairs(), static_cast<std::uint16_t>(set), sets_[set]->item_count(), tags, found);
}

std::uint64_t Snapshot::RegisteredPlates(std::size_t set, std::uint16_t shape) const {
  const auto& shapes = sets_[set]->manifest().shapes;
  const auto found = std::ranges::find(shapes, shape, &ShapeDensity::shape);
  return found == shapes.end() ? 0 : found->registered;
}

}  // namespace spanwatch::hashset
