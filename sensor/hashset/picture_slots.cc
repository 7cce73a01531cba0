#include "hashset/picture_slots.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace spanwatch::hashset {
namespace {

int BitsOf(const PdqHash& mask) {
  int bits = 0;
  for (const std::uint64_t word : mask.words) bits += std::popcount(word);
  return bits;
}

}  // namespace

std::optional<PictureSlots> PictureSlots::View(ByteView bytes, std::uint64_t hashes) {
  if (bytes.empty()) return PictureSlots();
  if (bytes.size() < kSlotsHeadBytes || hashes > UINT32_MAX) return std::nullopt;
  PictureSlots slots;
  std::memcpy(&slots.bits_, bytes.data(), sizeof(slots.bits_));
  std::memcpy(&slots.count_, bytes.data() + sizeof(slots.bits_), sizeof(slots.count_));
  if (slots.bits_ == 0 || slots.bits_ > kSlotBitsMax || slots.count_ == 0 || slots.count_ > kSlotsMax)
    return std::nullopt;
  const std::uint64_t directory_bytes = SectionAligned(((std::uint64_t{1} << slots.bits_) + 1) * sizeof(std::uint32_t));
  const std::uint64_t checks_bytes = SectionAligned(hashes * sizeof(std::uint16_t));
  const std::uint64_t ids_bytes = SectionAligned(hashes * sizeof(std::uint32_t));
  const std::uint64_t table_bytes = directory_bytes + checks_bytes + ids_bytes;
  if (bytes.size() != kSlotsHeadBytes + slots.count_ * (sizeof(SlotMasks) + table_bytes)) return std::nullopt;
  slots.hashes_ = static_cast<std::uint32_t>(hashes);
  slots.masks_ = {reinterpret_cast<const SlotMasks*>(bytes.data() + kSlotsHeadBytes), slots.count_};
  for (const SlotMasks& masks : slots.masks_) {
    if (BitsOf(masks.key) != static_cast<int>(slots.bits_) || BitsOf(masks.check) > kCheckBits) return std::nullopt;
  }
  const std::uint8_t* at = bytes.data() + kSlotsHeadBytes + slots.masks_.size_bytes();
  for (std::uint32_t i = 0; i < slots.count_; ++i, at += table_bytes) {
    slots.tables_[i] = {reinterpret_cast<const std::uint32_t*>(at),
                        reinterpret_cast<const std::uint16_t*>(at + directory_bytes),
                        reinterpret_cast<const std::uint32_t*>(at + directory_bytes + checks_bytes)};
  }
  return slots;
}

}  // namespace spanwatch::hashset
