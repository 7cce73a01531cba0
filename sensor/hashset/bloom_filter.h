// BloomFilter: a split-block Bloom filter read in place: one 32-byte block a key, eight bits in it (12 bits a key give
// 0.5 % false positives; algorithms.md 2.3). Immutable; any thread.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"

namespace spanwatch::hashset {

class BloomFilter {
 public:
  struct alignas(32) Block {
    std::array<std::uint32_t, 8> words{};
  };

  BloomFilter() = default;  // holds nothing: MayContain is false
  // Nothing when the size is not that of a filter. The bytes outlive the filter and are aligned to 32.
  static std::optional<BloomFilter> View(ByteView bytes);

  bool MayContain(std::uint64_t key) const {
    if (blocks_.empty()) return false;
    const Block& block = blocks_[BlockOf(key)];
    std::uint32_t missing = 0;
    for (std::size_t i = 0; i < kSalts.size(); ++i) missing |= Bit(key, i) & ~block.words[i];
    return missing == 0;
  }
  // Bit i: keys[i] may be in the filter. For keys whose blocks were prefetched. REQUIRES: at most 32 keys
  std::uint32_t MayContain(std::span<const std::uint64_t> keys) const;
  void Prefetch(std::uint64_t key) const {
    if (!blocks_.empty()) __builtin_prefetch(&blocks_[BlockOf(key)]);
  }

 private:
  friend class BloomFilterBuilder;
  std::uint32_t MayContainAvx2(std::span<const std::uint64_t> keys) const;

  static constexpr std::array<std::uint32_t, 8> kSalts = {0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d,
                                                          0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31};
  static std::uint32_t Bit(std::uint64_t key, std::size_t word) {
    return 1u << (static_cast<std::uint32_t>(key) * kSalts[word] >> 27);
  }
  std::size_t BlockOf(std::uint64_t key) const { return BlockOf(key, blocks_.size()); }
  static std::size_t BlockOf(std::uint64_t key, std::size_t blocks) {
    return static_cast<std::size_t>(static_cast<unsigned __int128>(key) * blocks >> 64);
  }

  std::span<const Block> blocks_;
};

// Makes the bytes of a filter. REQUIRES: no more than `keys` keys are added; none: the filter is empty.
class BloomFilterBuilder {
 public:
  explicit BloomFilterBuilder(std::uint64_t keys);
  void Add(std::uint64_t key);
  ByteView bytes() const {
    return {reinterpret_cast<const std::uint8_t*>(blocks_.data()), blocks_.size() * sizeof(BloomFilter::Block)};
  }

 private:
  std::vector<BloomFilter::Block> blocks_;
};

}  // namespace spanwatch::hashset
