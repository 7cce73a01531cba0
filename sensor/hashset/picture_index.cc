#include "hashset/picture_index.h"

#include <algorithm>
#include <bit>

#include "hashset/hamming_kernels.h"

namespace spanwatch::hashset {
namespace {

constexpr std::size_t kScanChunk = 512;
constexpr std::size_t kBatch = 64;      // keys looked up together, so that their cache misses overlap
constexpr std::size_t kPiece = 1024;    // entries compared at a time
constexpr std::uint64_t kKeyCost = 32;  // hashes that are compared one by one in the time of looking up one key

// How far from the query's each slot's keys are looked up (picture_slots.h); -1: not at all.
std::array<int, kSlotsMax> SlotDistances(int max_distance, int count) {
  std::array<int, kSlotsMax> distances{};
  const int sum = max_distance - count + 1;
  const int least = sum >= 0 ? sum / count : -1;
  for (int i = 0; i < count; ++i) distances[static_cast<std::size_t>(i)] = least + (i < sum - least * count);
  return distances;
}

std::uint64_t KeysWithin(int distance, std::uint32_t bits) {
  std::uint64_t keys = 0;
  std::uint64_t choices = 1;
  for (int i = 0; i <= distance; ++i) {
    keys += choices;
    choices = choices * (bits - static_cast<std::uint64_t>(i)) / (static_cast<std::uint64_t>(i) + 1);
  }
  return keys;
}

// The next number with as many bits set (Gosper). REQUIRES: not 0
std::uint32_t NextMask(std::uint32_t mask) {
  const std::uint32_t lowest = mask & -mask;
  const std::uint32_t ripple = mask + lowest;
  return ((mask ^ ripple) >> 2 >> std::countr_zero(lowest)) | ripple;
}

}  // namespace

// Hashes that may be near enough: their ids, then they themselves, are prefetched while more come.
class PictureIndex::Candidates {
 public:
  Candidates(std::span<const PdqHash> hashes, const PdqHash& hash, int max_distance, const Report& report)
      : hashes_(hashes), hash_(hash), max_distance_(max_distance), report_(report) {}

  void Add(const std::uint32_t* id) {
    __builtin_prefetch(id);
    ids_[waiting_++] = id;
    if (waiting_ == ids_.size()) Resolve();
  }
  void Resolve() {
    std::array<std::uint32_t, kBatch> numbers;
    std::array<std::uint16_t, kBatch> distances;
    std::size_t count = 0;
    for (std::size_t i = 0; i < waiting_; ++i) {
      const std::uint32_t number = *ids_[i];
      if (number >= hashes_.size()) continue;
      __builtin_prefetch(&hashes_[number]);
      numbers[count++] = number;
    }
    waiting_ = 0;
    Kernels().distances_of(hash_, hashes_, std::span(numbers).first(count), distances.data());
    for (std::size_t i = 0; i < count; ++i) {
      if (distances[i] <= max_distance_) report_(numbers[i], distances[i]);
    }
  }

 private:
  std::span<const PdqHash> hashes_;
  const PdqHash& hash_;
  int max_distance_;
  const Report& report_;
  std::array<const std::uint32_t*, kBatch> ids_;
  std::size_t waiting_ = 0;
};

// One search through the slots.
class PictureIndex::SlotSearch {
 public:
  SlotSearch(const PictureIndex& index, const PdqHash& hash, int max_distance, const Report& report);
  // False when it would look at more than a scan does; what it reported until then is right.
  bool Run();

 private:
  bool SearchSlot(std::uint32_t slot, int flips);
  void Compare(const PictureSlots::Entries& entries, std::uint16_t check, int distance);
  bool Spend(std::uint64_t hashes) {
    if (hashes > work_left_) return false;
    work_left_ -= hashes;
    return true;
  }

  const PictureSlots& slots_;
  const PdqHash& hash_;
  Candidates candidates_;
  const std::array<int, kSlotsMax> distances_;
  std::uint64_t work_left_;  // in hashes compared one by one
};

std::span<const PictureRow> PictureIndex::RowsOf(std::uint32_t hash) const {
  if (hash >= sections_.hashes.size()) return {};
  const std::size_t end = std::min<std::size_t>(sections_.firsts[hash + 1], sections_.rows.size());
  const std::size_t begin = std::min<std::size_t>(sections_.firsts[hash], end);
  return sections_.rows.subspan(begin, std::min(end - begin, kPictureHitsMax));
}

void PictureIndex::Search(const PdqHash& hash, int max_distance, const Report& report) const {
  if (sections_.slots.empty() || !SlotSearch(*this, hash, max_distance, report).Run()) Scan(hash, max_distance, report);
}

void PictureIndex::Scan(const PdqHash& hash, int max_distance, const Report& report) const {
  const std::span<const PdqHash> hashes = sections_.hashes;
  for (std::size_t begin = 0; begin < hashes.size(); begin += kScanChunk) {
    const std::size_t count = std::min(kScanChunk, hashes.size() - begin);
    std::array<std::uint16_t, kScanChunk> distances;
    Kernels().distances(hash, hashes.subspan(begin, count), distances.data());
    for (std::size_t i = 0; i < count; ++i) {
      if (distances[i] <= max_distance) report(static_cast<std::uint32_t>(begin + i), distances[i]);
    }
  }
}

PictureIndex::SlotSearch::SlotSearch(const PictureIndex& index, const PdqHash& hash, int max_distance,
                                     const Report& report)
    : slots_(index.sections_.slots),
      hash_(hash),
      candidates_(index.sections_.hashes, hash, max_distance, report),
      distances_(SlotDistances(max_distance, static_cast<int>(slots_.count()))),
      work_left_(index.sections_.hashes.size()) {}

bool PictureIndex::SlotSearch::Run() {
  std::uint64_t keys = 0;
  for (std::uint32_t slot = 0; slot < slots_.count(); ++slot) keys += KeysWithin(distances_[slot], slots_.bits());
  if (!Spend(keys * kKeyCost)) return false;
  for (std::uint32_t slot = 0; slot < slots_.count(); ++slot) {
    // A set that lies has few slots, and no more bits can differ than a key has: shifts stay within a word.
    const int most = std::min(distances_[slot], static_cast<int>(slots_.bits()));
    for (int flips = 0; flips <= most; ++flips) {
      if (!SearchSlot(slot, flips)) return false;
    }
  }
  candidates_.Resolve();
  return true;
}

// The keys that differ from the query's in `flips` bits.
bool PictureIndex::SlotSearch::SearchSlot(std::uint32_t slot, int flips) {
  const auto key = static_cast<std::uint32_t>(Kernels().gather(hash_, slots_.masks(slot).key));
  const auto check = static_cast<std::uint16_t>(Kernels().gather(hash_, slots_.masks(slot).check));
  const int next = distances_[slot + 1 == slots_.count() ? 0 : slot + 1];
  const int check_distance = distances_[slot] + next + 1 - flips;
  std::uint64_t left = KeysWithin(flips, slots_.bits()) - KeysWithin(flips - 1, slots_.bits());
  std::uint32_t mask = (1u << flips) - 1;
  std::array<std::uint32_t, kBatch> keys;
  while (left > 0) {
    const std::size_t count = std::min<std::size_t>(left, kBatch);
    left -= count;
    for (std::size_t i = 0; i < count; ++i) {
      keys[i] = key ^ mask;
      slots_.PrefetchDirectory(slot, keys[i]);
      if (mask != 0) mask = NextMask(mask);
    }
    std::array<PictureSlots::Entries, kBatch> entries;
    std::uint64_t found = 0;
    for (std::size_t i = 0; i < count; ++i) {
      entries[i] = slots_.Find(slot, keys[i]);
      __builtin_prefetch(entries[i].checks.data());
      found += entries[i].checks.size();
    }
    if (!Spend(found)) return false;
    for (std::size_t i = 0; i < count; ++i) Compare(entries[i], check, check_distance);
  }
  return true;
}

void PictureIndex::SlotSearch::Compare(const PictureSlots::Entries& entries, std::uint16_t check, int distance) {
  std::array<std::uint32_t, kPiece> positions;
  for (std::size_t begin = 0; begin < entries.checks.size(); begin += kPiece) {
    const auto piece = entries.checks.subspan(begin, std::min(kPiece, entries.checks.size() - begin));
    const std::size_t near = Kernels().near(piece, check, distance, positions.data());
    for (std::size_t i = 0; i < near; ++i) candidates_.Add(entries.ids + begin + positions[i]);
  }
}

}  // namespace spanwatch::hashset
