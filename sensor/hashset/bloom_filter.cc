#include "hashset/bloom_filter.h"

#include <immintrin.h>

namespace spanwatch::hashset {
namespace {

constexpr std::size_t kBitsPerKey = 12;
constexpr std::size_t kBitsPerBlock = 256;

}  // namespace

struct BloomBatches {
  static std::uint32_t Plain(const BloomFilter& filter, std::span<const std::uint64_t> keys) {
    std::uint32_t passed = 0;
    for (std::size_t i = 0; i < keys.size(); ++i) passed |= std::uint32_t{filter.MayContain(keys[i])} << i;
    return passed;
  }
  // A block is a register.
  [[gnu::target("avx2")]] static std::uint32_t Avx2(const BloomFilter& filter, std::span<const std::uint64_t> keys) {
    const __m256i salts = _mm256_load_si256(reinterpret_cast<const __m256i*>(BloomFilter::kSalts.data()));
    const __m256i one = _mm256_set1_epi32(1);
    std::uint32_t passed = 0;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const __m256i key = _mm256_set1_epi32(static_cast<int>(keys[i]));
      const __m256i bits = _mm256_sllv_epi32(one, _mm256_srli_epi32(_mm256_mullo_epi32(key, salts), 27));
      const auto* block = &filter.blocks_[filter.BlockOf(keys[i])];
      const int inside = _mm256_testc_si256(_mm256_load_si256(reinterpret_cast<const __m256i*>(block)), bits);
      passed |= static_cast<std::uint32_t>(inside) << i;
    }
    return passed;
  }
};

BloomFilter::BatchFunction BloomFilter::ChooseBatch() {
  return __builtin_cpu_supports("avx2") ? BloomBatches::Avx2 : BloomBatches::Plain;
}

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

}  // namespace spanwatch::hashset
