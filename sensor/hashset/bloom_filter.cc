#include "hashset/bloom_filter.h"

#include <algorithm>
#include <cstring>

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

Bytes BloomFilter::Build(std::span<const std::uint64_t> keys) {
  if (keys.empty()) return {};
  std::vector<Block> blocks(std::max<std::size_t>(1, (keys.size() * kBitsPerKey + kBitsPerBlock - 1) / kBitsPerBlock));
  for (const std::uint64_t key : keys) {
    Block& block = blocks[BlockOf(key, blocks.size())];
    for (std::size_t i = 0; i < kSalts.size(); ++i) block.words[i] |= Bit(key, i);
  }
  Bytes bytes(blocks.size() * sizeof(Block));
  std::memcpy(bytes.data(), blocks.data(), bytes.size());
  return bytes;
}

}  // namespace spanwatch::hashset
