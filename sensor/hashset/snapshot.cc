#include "hashset/snapshot.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <tuple>

namespace spanwatch::hashset {
namespace {

// Prints looked up together, so that their cache misses overlap (algorithms.md 2.3).
constexpr std::size_t kPrintsAtOnce = 32;

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

  // False: nothing at this distance would change the result.
  bool Wants(std::uint16_t distance) const { return !full_ || distance <= farthest_; }
  void Add(const PictureHit& hit) {
    const auto same =
        std::find_if(Begin(), found_.end(), [&](const PictureHit& other) { return other.item == hit.item; });
    if (same != found_.end()) {
      if (hit.distance < same->distance) *same = hit;
    } else if (!full_) {
      found_.push_back(hit);
    } else if (const auto farthest = std::max_element(Begin(), found_.end(), Nearer); Nearer(hit, *farthest)) {
      *farthest = hit;
    }
    full_ = found_.size() - before_ == kPictureHitsMax;
    if (full_) farthest_ = std::max_element(Begin(), found_.end(), Nearer)->distance;
  }
  void Sort() { std::sort(Begin(), found_.end(), Nearer); }

 private:
  std::vector<PictureHit>::iterator Begin() { return found_.begin() + static_cast<std::ptrdiff_t>(before_); }

  std::vector<PictureHit>& found_;
  std::size_t before_;
  bool full_ = false;
  std::uint16_t farthest_ = 0;  // when full
};

}  // namespace

Result<std::shared_ptr<const Snapshot>> Snapshot::Make(SetList sets, Counters* counters) {
  auto places = FamiliesOf(sets);
  if (!places) return Fail(places.error());
  return std::shared_ptr<const Snapshot>(new Snapshot(std::move(sets), std::move(*places), counters));
}

Snapshot::Snapshot(SetList sets, std::vector<FamilyPlace> places, Counters* counters)
    : sets_(std::move(sets)), places_(std::move(places)), counters_(counters) {
  for (std::size_t set = 0; set < sets_.size(); ++set) {
    auto& collections = collections_.emplace_back();
    int& distance = picture_distance_max_.emplace_back(0);
    for (std::size_t i = 0; i < sets_[set]->manifest().collections.size(); ++i) {
      collections.push_back(&CurrentCollection(*sets_[set], *places_[set].family, i));
      distance = std::max<int>(distance, collections.back()->weak_distance);
    }
  }
}

PacketTime Snapshot::ExpiryOf(std::size_t set, std::uint32_t row, const ItemFacts& item) const {
  return std::min(sets_[set]->OwnExpiry(row), ExpiryTime(collections_[set][item.collection]->expires_s));
}

bool Snapshot::IsCurrent(std::size_t set, std::uint32_t row) const {
  if (row >= sets_[set]->item_count()) return false;
  const ItemFacts item = sets_[set]->Item(row);
  const bool expired = ExpiryOf(set, row, item) <= now_;
  const bool removed = !expired && IsTakenBack(item.id, places_[set].followers());
  if (!expired && !removed) return true;
  if (counters_ != nullptr) counters_->Add(expired ? Counter::matches_expired : Counter::matches_removed);
  return false;
}

SetFacts Snapshot::Set(std::size_t set) const {
  const Manifest& manifest = sets_[set]->manifest();
  return {.name = manifest.name,
          .serial = manifest.serial,
          .fragment_seed = manifest.fragment_seed,
          .fragment_density = manifest.fragment_density,
          .fragment_window = manifest.fragment_window,
          .fragment_sure = manifest.fragment_sure,
          .has_fragments = sets_[set]->fragments().size() > 0,
          .has_records = manifest.has_records,
          .has_bare_digests = manifest.has_bare_digests,
          .has_bare_md5 = manifest.has_bare_md5,
          .has_negatives = std::ranges::any_of(manifest.collections, &CollectionRow::negative)};
}

ItemFacts Snapshot::Item(ItemRef item) const {
  if (item.set >= sets_.size() || item.row >= sets_[item.set]->item_count()) return {};
  ItemFacts facts = sets_[item.set]->Item(item.row);
  facts.expires = ExpiryOf(item.set, item.row, facts);
  return facts;
}

CollectionFacts Snapshot::Collection(ItemRef item) const {
  if (item.set >= sets_.size() || collections_[item.set].empty()) return {};
  return FactsOf(*collections_[item.set][sets_[item.set]->Item(item.row).collection]);
}

void Snapshot::FindDigest(const Sha256Digest& sha256, std::uint64_t size, std::vector<ItemRef>& found) const {
  for (std::uint16_t set = 0; set < sets_.size(); ++set) {
    sets_[set]->FindDigest(sha256, size, [&](std::uint32_t row) {
      if (IsCurrent(set, row)) found.push_back({set, row});
    });
  }
}

void Snapshot::FindMd5(const Md5Digest& md5, std::vector<ItemRef>& found) const {
  FindDigest(DigestOfMd5(md5), 0, found);
}

void Snapshot::FindImageData(const Sha256Digest& sha256, std::vector<ItemRef>& found) const {
  for (std::uint16_t set = 0; set < sets_.size(); ++set) {
    sets_[set]->FindImageData(sha256, [&](std::uint32_t row) {
      if (IsCurrent(set, row)) found.push_back({set, row});
    });
  }
}

bool Snapshot::MayBegin(std::uint64_t head_xxh3) const {
  return std::ranges::any_of(sets_, [&](const auto& set) { return set->heads().MayContain(head_xxh3); });
}

void Snapshot::FindArchiveEntry(std::uint32_t crc32, std::uint64_t size, std::vector<ItemRef>& found) const {
  const std::size_t before = found.size();
  bool harmless = false;
  for (std::uint16_t set = 0; set < sets_.size(); ++set) {
    for (const ArchiveEntryRow& row : FirstOf(sets_[set]->archive_entries().Find(crc32, size))) {
      if (!IsCurrent(set, row.item)) continue;
      harmless |= sets_[set]->Item(row.item).negative;
      found.push_back({set, row.item});
    }
  }
  if (!harmless) return;
  if (counters_ != nullptr) counters_->Add(Counter::matches_negative, found.size() - before);
  found.resize(before);
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
  for (std::size_t begin = 0; begin < prints.size(); begin += kPrintsAtOnce) {
    const auto batch = prints.subspan(begin, std::min(kPrintsAtOnce, prints.size() - begin));
    std::array<std::uint64_t, kPrintsAtOnce> hashes;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      hashes[i] = batch[i].hash;
      mapped.fragment_filter().Prefetch(hashes[i]);
    }
    std::uint32_t passed = mapped.fragment_filter().MayContain(std::span(hashes).first(batch.size()));
    for (std::uint32_t left = passed; left != 0; left &= left - 1)
      mapped.fragments().Prefetch(hashes[static_cast<std::size_t>(std::countr_zero(left))]);
    for (; passed != 0; passed &= passed - 1) {
      const FragmentPrint& print = batch[static_cast<std::size_t>(std::countr_zero(passed))];
      std::optional<bool> common;
      mapped.fragments().Find(print.hash, [&](std::uint32_t item, std::uint32_t offset) {
        if (!common) common = IsCommon(print.hash, *places_[set].family);
        if (*common && !mapped.Item(item).negative) return;
        if (IsCurrent(set, item)) found.push_back({print, {static_cast<std::uint16_t>(set), item}, offset});
      });
    }
  }
}

bool Snapshot::HasPictures() const {
  return std::ranges::any_of(sets_, [](const auto& set) { return set->pictures().size() > 0; });
}

void Snapshot::FindPictures(const PdqHash& hash, int max_distance, std::vector<PictureHit>& found) const {
  NearestPictures nearest(found);
  for (std::uint16_t set = 0; set < sets_.size(); ++set) {
    const MappedHashSet& mapped = *sets_[set];
    const int distance_max = std::min(max_distance, picture_distance_max_[set]);
    mapped.pictures().Find(hash, distance_max, [&](std::uint32_t number, std::uint16_t distance) {
      if (!nearest.Wants(distance)) return;
      for (const PictureRow& picture : mapped.pictures().RowsOf(number)) {
        if (!IsCurrent(set, picture.item)) continue;
        nearest.Add({{set, picture.item}, distance, EnumFrom<View>(picture.view).value_or(View::kFull)});
      }
    });
  }
  nearest.Sort();
}

std::optional<PictureDetail> Snapshot::Detail(ItemRef item) const {
  return item.set < sets_.size() ? sets_[item.set]->Detail(item.row) : std::nullopt;
}

double Snapshot::ChanceOfPicture(ItemRef item, int distance) const {
  if (item.set >= sets_.size() || collections_[item.set].empty()) return 1;
  return collections_[item.set][sets_[item.set]->Item(item.row).collection]->chances.Within(distance);
}

void Snapshot::FindPlates(std::size_t set, std::span<const std::uint64_t> tags, std::vector<PlateHit>& found) const {
  FindTags(sets_[set]->plates(), &sets_[set]->plate_filter(), set, tags, found);
}

void Snapshot::FindPairs(std::size_t set, std::span<const std::uint64_t> tags, std::vector<PlateHit>& found) const {
  FindTags(sets_[set]->pairs(), nullptr, set, tags, found);
}

void Snapshot::FindTags(const KeyTable& table, const BloomFilter* filter, std::size_t set,
                        std::span<const std::uint64_t> tags, std::vector<PlateHit>& found) const {
  for (std::size_t begin = 0; begin < tags.size(); begin += kPrintsAtOnce) {
    const auto batch = tags.subspan(begin, std::min(kPrintsAtOnce, tags.size() - begin));
    std::uint32_t passed = UINT32_MAX >> (kPrintsAtOnce - batch.size());
    if (filter != nullptr) {
      for (const std::uint64_t tag : batch) filter->Prefetch(tag);
      passed = filter->MayContain(batch);
    }
    for (std::uint32_t rest = passed; rest != 0; rest &= rest - 1)
      table.Prefetch(batch[static_cast<std::size_t>(std::countr_zero(rest))]);
    for (std::uint32_t rest = passed; rest != 0; rest &= rest - 1)
      table.PrefetchRows(batch[static_cast<std::size_t>(std::countr_zero(rest))]);
    for (; passed != 0; passed &= passed - 1) {
      const auto i = static_cast<std::size_t>(std::countr_zero(passed));
      table.Find(batch[i], [&](std::uint32_t item, std::uint32_t folded) {
        if (!IsCurrent(set, item)) return;
        found.push_back({static_cast<std::uint32_t>(begin + i), {static_cast<std::uint16_t>(set), item}, folded != 0});
      });
    }
  }
}

std::uint64_t Snapshot::RegisteredPlates(std::size_t set, std::uint16_t shape) const {
  // The last of a family speaks for all of it.
  if (!places_[set].followers().empty()) return 0;
  const auto& shapes = sets_[set]->manifest().shapes;
  const auto found = std::ranges::find(shapes, shape, &ShapeDensity::shape);
  return found == shapes.end() ? 0 : found->registered;
}

}  // namespace spanwatch::hashset
