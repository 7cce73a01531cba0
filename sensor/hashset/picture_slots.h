// PictureSlots: multi-index hashing over PDQ hashes, read in place (Norouzi, Punjani, Fleet 2012; the check is the
// pigeonring of Qin, Xiao 2018). PictureIndex searches it, BuildPictureSlots makes it.
//
// The bits of a hash are dealt into `count` slots of `bits` each. Of two hashes that differ in at most r bits some slot
// i, of those in a ring, differs in at most t(i), and it together with the next in at most t(i) + t(i+1) + 1, where
// the t sum up to r - count + 1. So every key within t(i) of the query's is looked up in slot i, and of what stands
// there only that is read whole whose check (16 bits of the next slot) is near enough.
//
//   slots     = bits(u32) count(u32) zero(56 bytes) masks*count table*count
//   masks     = key_mask(32 bytes) check_mask(32 bytes)       which bits of a hash are the key and the check
//   table     = directory checks ids                          each padded to a multiple of 64 bytes
//   directory = u32[2^bits + 1]  where the entries of each key begin
//   checks    = u16[n], ids = u32[n]                          by key, then by id: the row of a hash
//
// A lying section gives wrong ids, never a read outside of it. Immutable; any thread.
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <span>

#include "hashset/hashset_format.h"

namespace spanwatch::hashset {

inline constexpr std::uint32_t kSlotsMax = 24;
inline constexpr std::uint32_t kSlotBitsMax = 23;
inline constexpr int kCheckBits = 16;
inline constexpr std::size_t kSlotsHeadBytes = 64;
// Of fewer hashes a linear scan is as fast and needs no room.
inline constexpr std::size_t kSlotsFrom = 32768;

struct SlotMasks {
  PdqHash key;
  PdqHash check;
};
static_assert(sizeof(SlotMasks) == 64);

class PictureSlots {
 public:
  struct Entries {
    std::span<const std::uint16_t> checks;
    const std::uint32_t* ids = nullptr;  // as many; any number, where the set lies
  };

  PictureSlots() = default;  // none
  // Nothing when the sizes disagree. The bytes outlive the slots and are aligned to 64.
  static std::optional<PictureSlots> View(ByteView bytes, std::uint64_t hashes);

  bool empty() const { return count_ == 0; }
  std::uint32_t count() const { return count_; }
  std::uint32_t bits() const { return bits_; }
  const SlotMasks& masks(std::uint32_t slot) const { return masks_[slot]; }
  // REQUIRES: key < 2^bits
  void PrefetchDirectory(std::uint32_t slot, std::uint32_t key) const {
    __builtin_prefetch(tables_[slot].directory + key);
  }
  Entries Find(std::uint32_t slot, std::uint32_t key) const {
    const Table& table = tables_[slot];
    const std::uint32_t end = std::min(table.directory[key + 1], hashes_);
    const std::uint32_t begin = std::min(table.directory[key], end);
    return {{table.checks + begin, end - begin}, table.ids + begin};
  }

 private:
  struct Table {
    const std::uint32_t* directory = nullptr;
    const std::uint16_t* checks = nullptr;
    const std::uint32_t* ids = nullptr;
  };

  std::uint32_t bits_ = 0;
  std::uint32_t count_ = 0;
  std::uint32_t hashes_ = 0;
  std::span<const SlotMasks> masks_;
  std::array<Table, kSlotsMax> tables_{};
};

// What the section takes for so many hashes. REQUIRES: at least one
std::uint64_t PictureSlotsBytes(std::uint64_t hashes);
// Makes the section for these hashes, of many on all processors, and gives it to `write(offset, bytes)` a table at a
// time, in any order; between them lie zeros. `write` is called from several threads, never from two at once. REQUIRES:
// at least one hash, fewer than 2^32.
void WritePictureSlots(std::span<const PdqHash> hashes,
                       const std::function<void(std::uint64_t offset, ByteView bytes)>& write);
// The same as bytes in memory.
Bytes BuildPictureSlots(std::span<const PdqHash> hashes);

}  // namespace spanwatch::hashset
