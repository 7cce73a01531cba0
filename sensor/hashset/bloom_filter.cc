#include "hashset/bloom_filter.h"

#include <immintrin.h>

namespace spanwatch::hashset {
namespace {

constexpr std::size_t kBitsPerKey = 12;
constexpr std::size_t kBitsPerBlock = 256;

}  // namespace

std::optional<BloomFilter> BloomFilter::View(ByteView bytes) {
  if (bytes.size() % sizeof(Block) != 0) return std::nullopt;
  BloomFilter filter;
  filter.blocks_ = {reinterpret_cast<const Block*>(bytes.data()), bytes.size() / sizeof(Block)};
  return filter;
}

BloomFilterBuilder::BloomFilterBuilder(std::uint64_t keys)
    : blocks_(static_cast<std::size_t>((keys * kBitsPerKey + kBitsPerBlock - 1) / kBitsPerBlock)) {}

void BloomFilterBuilder::Add(std::uint64_t key) {
  BloomFilter::Block& block = blocks_[BloomFilter::BlockOf(key, blocks_.size())];
  for (std::size_t i = 0; i < BloomFilter::kSalts.size(); ++i) block.words[i] |= BloomFilter::Bit(key, i);
}

std::uint32_t BloomFilter::MayContain(std::span<const std::uint64_t> keys) const {
  if (blocks_.empty()) return 0;
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  if (has_avx2) return MayContainAvx2(keys);
  std::uint32_t found = 0;
  for (std::size_t i = 0; i < keys.size(); ++i) found |= std::uint32_t{MayContain(keys[i])} << i;
  return found;
}

[[gnu::target("avx2")]] std::uint32_t BloomFilter::MayContainAvx2(std::span<const std::uint64_t> keys) const {
  const __m256i salts = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kSalts.data()));
  std::uint32_t found = 0;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const __m256i key = _mm256_set1_epi32(static_cast<int>(keys[i]));
    const __m256i places = _mm256_srli_epi32(_mm256_mullo_epi32(key, salts), 27);
    const __m256i bits = _mm256_sllv_epi32(_mm256_set1_epi32(1), places);
    const __m256i block = _mm256_load_si256(reinterpret_cast<const __m256i*>(&blocks_[BlockOf(keys[i])]));
    found |= static_cast<std::uint32_t>(_mm256_testc_si256(block, bits)) << i;
  }
  return found;
}

}  // namespace spanwatch::hashset
