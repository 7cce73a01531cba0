#include "hashset/bloom_filter.h"

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

}  // namespace spanwatch::hashset
