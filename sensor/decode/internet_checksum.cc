#include "decode/internet_checksum.h"

#include <cstring>

#include "base/simd_clones.h"

namespace spanwatch::decode {
namespace {

using Words [[gnu::vector_size(32)]] = std::uint64_t;

// The halves of the words are summed apart, so that no carry is lost.
[[SPANWATCH_SIMD_CLONES]] std::uint64_t SumOfBlocks(const std::uint8_t* at, std::size_t blocks) {
  Words low = {}, high = {};
  for (; blocks > 0; --blocks, at += sizeof(Words)) {
    Words words;
    std::memcpy(&words, at, sizeof(words));
    low += words & 0xffffffff;
    high += words >> 32;
  }
  const Words sums = low + high;
  return sums[0] + sums[1] + sums[2] + sums[3];
}

}  // namespace

std::uint64_t InternetSum(ByteView bytes, std::uint64_t sum) {
  const std::size_t blocks = bytes.size() / sizeof(Words);
  if (blocks > 0) sum += SumOfBlocks(bytes.data(), blocks);
  const std::uint8_t* at = bytes.data() + blocks * sizeof(Words);
  std::size_t left = bytes.size() - blocks * sizeof(Words);
  std::uint32_t word;
  for (; left >= sizeof(word); left -= sizeof(word), at += sizeof(word)) {
    std::memcpy(&word, at, sizeof(word));
    sum += word;
  }
  word = 0;
  if (left > 0) std::memcpy(&word, at, left);
  return sum + word;
}

}  // namespace spanwatch::decode
