// How the slots are chosen and filled.
//
// Hashes of one camera agree in most of their bits, so that slots of those would hold a whole camera under one key. The
// bits are therefore ordered by how often near neighbours in a sample differ in them, and dealt out to and fro, so that
// every slot tells neighbours apart equally well; those left over are the ones that tell least.
#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <mutex>
#include <numeric>
#include <thread>
#include <utility>

#include "hashset/hamming_kernels.h"
#include "hashset/picture_slots.h"

namespace spanwatch::hashset {
namespace {

constexpr std::size_t kSampleMax = 2048;
constexpr std::size_t kNeighbours = 8;
constexpr std::uint32_t kHashBits = 256;
constexpr std::size_t kThreadsFrom = 1'000'000;  // hashes: of fewer one thread is done at once
constexpr std::uint64_t kTableBytesAtOnce = 1u << 30;

// Some tens of entries a key: they are compared faster than found, and fewer keys need looking up with more slots.
std::uint32_t SlotBits(std::uint64_t hashes) {
  if (hashes < kSlotsFrom) return 11;
  if (hashes < std::uint64_t{1} << 22) return 16;
  return hashes < std::uint64_t{1} << 26 ? 18 : 23;
}

std::uint64_t TableBytes(std::uint64_t hashes, std::uint32_t bits) {
  return SectionAligned(((std::uint64_t{1} << bits) + 1) * sizeof(std::uint32_t)) +
         SectionAligned(hashes * sizeof(std::uint16_t)) + SectionAligned(hashes * sizeof(std::uint32_t));
}

// How often each bit differs between a hash of the sample and its nearest.
std::array<std::uint32_t, kHashBits> CountFlips(std::span<const PdqHash> hashes) {
  const std::size_t size = std::min(hashes.size(), kSampleMax);
  std::vector<PdqHash> sample(size);
  for (std::size_t i = 0; i < size; ++i) sample[i] = hashes[i * hashes.size() / size];
  std::array<std::uint32_t, kHashBits> flips{};
  std::vector<std::uint16_t> distances(size);
  std::vector<std::uint32_t> order(size);
  for (const PdqHash& one : sample) {
    Kernels().distances(one, sample, distances.data());
    std::iota(order.begin(), order.end(), 0u);
    const std::size_t nearest = std::min(kNeighbours + 1, size);
    std::ranges::partial_sort(order, order.begin() + static_cast<std::ptrdiff_t>(nearest), {},
                              [&](std::uint32_t i) { return distances[i]; });
    for (std::size_t n = 0; n < nearest; ++n) {
      const PdqHash& other = sample[order[n]];
      for (std::uint32_t bit = 0; bit < kHashBits; ++bit)
        flips[bit] += (one.words[bit / 64] ^ other.words[bit / 64]) >> bit % 64 & 1;
    }
  }
  return flips;
}

std::vector<SlotMasks> ChooseSlots(std::span<const PdqHash> hashes, std::uint32_t bits) {
  const auto flips = CountFlips(hashes);
  std::array<std::uint32_t, kHashBits> order;
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::sort(order, {}, [&](std::uint32_t bit) { return std::pair(UINT32_MAX - flips[bit], bit); });
  const std::uint32_t count = kHashBits / bits;
  std::vector<SlotMasks> slots(count);
  const auto add = [](PdqHash& mask, std::uint32_t bit) { mask.words[bit / 64] |= std::uint64_t{1} << bit % 64; };
  for (std::uint32_t i = 0; i < count * bits; ++i) {
    const std::uint32_t round = i / count;
    const std::uint32_t slot = round % 2 == 0 ? i % count : count - 1 - i % count;
    add(slots[slot].key, order[i]);
    // Each slot is checked by the best bits of the next in the ring.
    if (round < static_cast<std::uint32_t>(kCheckBits)) add(slots[(slot + count - 1) % count].check, order[i]);
  }
  return slots;
}

// A counting sort by key: hashes are visited in their order, so that ids ascend within a key.
void FillTable(std::span<const PdqHash> hashes, const SlotMasks& masks, std::uint32_t bits, std::uint8_t* table) {
  const HammingKernels& kernels = Kernels();
  const std::size_t keys = std::size_t{1} << bits;
  auto* directory = reinterpret_cast<std::uint32_t*>(table);
  auto* checks = reinterpret_cast<std::uint16_t*>(table + SectionAligned((keys + 1) * sizeof(std::uint32_t)));
  auto* ids = reinterpret_cast<std::uint32_t*>(reinterpret_cast<std::uint8_t*>(checks) +
                                               SectionAligned(hashes.size() * sizeof(std::uint16_t)));
  for (const PdqHash& hash : hashes) ++directory[kernels.gather(hash, masks.key) + 1];
  for (std::size_t key = 1; key <= keys; ++key) directory[key] += directory[key - 1];
  std::vector<std::uint32_t> next(directory, directory + keys);
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    const std::uint32_t place = next[kernels.gather(hashes[i], masks.key)]++;
    checks[place] = static_cast<std::uint16_t>(kernels.gather(hashes[i], masks.check));
    ids[place] = static_cast<std::uint32_t>(i);
  }
}

}  // namespace

std::uint64_t PictureSlotsBytes(std::uint64_t hashes) {
  const std::uint32_t bits = SlotBits(hashes);
  return kSlotsHeadBytes + kHashBits / bits * (sizeof(SlotMasks) + TableBytes(hashes, bits));
}

void WritePictureSlots(std::span<const PdqHash> hashes,
                       const std::function<void(std::uint64_t offset, ByteView bytes)>& write) {
  const std::uint32_t bits = SlotBits(hashes.size());
  const std::vector<SlotMasks> slots = ChooseSlots(hashes, bits);
  const auto count = static_cast<std::uint32_t>(slots.size());
  const std::uint64_t table_bytes = TableBytes(hashes.size(), bits);
  Bytes head(kSlotsHeadBytes + count * sizeof(SlotMasks));
  std::memcpy(head.data(), &bits, sizeof(bits));
  std::memcpy(head.data() + sizeof(bits), &count, sizeof(count));
  std::memcpy(head.data() + kSlotsHeadBytes, slots.data(), count * sizeof(SlotMasks));
  write(0, head);
  std::atomic<std::uint32_t> next = 0;
  std::mutex writing;
  const auto fill = [&] {
    for (std::uint32_t slot = next++; slot < count; slot = next++) {
      Bytes table(table_bytes);
      FillTable(hashes, slots[slot], bits, table.data());
      const std::lock_guard lock(writing);
      write(head.size() + slot * table_bytes, table);
    }
  };
  const std::uint64_t at_once =
      std::min<std::uint64_t>(kTableBytesAtOnce / table_bytes, std::thread::hardware_concurrency());
  std::vector<std::jthread> helpers;
  for (std::uint64_t i = 1; i < at_once && hashes.size() >= kThreadsFrom; ++i) helpers.emplace_back(fill);
  fill();
}

Bytes BuildPictureSlots(std::span<const PdqHash> hashes) {
  Bytes section;
  WritePictureSlots(hashes, [&](std::uint64_t offset, ByteView bytes) {
    section.resize(std::max<std::size_t>(section.size(), static_cast<std::size_t>(offset) + bytes.size()));
    std::ranges::copy(bytes, section.begin() + static_cast<std::ptrdiff_t>(offset));
  });
  return section;
}

}  // namespace spanwatch::hashset
