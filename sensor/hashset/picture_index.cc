#include "hashset/picture_index.h"

namespace spanwatch::hashset {
namespace {

using DistanceFunction = void (*)(const PdqHash& hash, std::span<const PdqHash> hashes, std::uint16_t* distances);

// Compiled once for each kind of processor below.
[[gnu::always_inline]] inline void ComputeDistances(const PdqHash& hash, std::span<const PdqHash> hashes,
                                                    std::uint16_t* distances) {
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    int distance = 0;
    for (std::size_t word = 0; word < 4; ++word)
      distance += __builtin_popcountll(hash.words[word] ^ hashes[i].words[word]);
    distances[i] = static_cast<std::uint16_t>(distance);
  }
}

[[gnu::target("avx512f,avx512vl,avx512vpopcntdq"), gnu::optimize("O3")]] void VectorDistances(
    const PdqHash& hash, std::span<const PdqHash> hashes, std::uint16_t* distances) {
  ComputeDistances(hash, hashes, distances);
}
[[gnu::target("popcnt")]] void PopcountDistances(const PdqHash& hash, std::span<const PdqHash> hashes,
                                                 std::uint16_t* distances) {
  ComputeDistances(hash, hashes, distances);
}
void PlainDistances(const PdqHash& hash, std::span<const PdqHash> hashes, std::uint16_t* distances) {
  ComputeDistances(hash, hashes, distances);
}

DistanceFunction Choose() {
  if (__builtin_cpu_supports("avx512vpopcntdq") && __builtin_cpu_supports("avx512vl")) return VectorDistances;
  if (__builtin_cpu_supports("popcnt")) return PopcountDistances;
  return PlainDistances;
}

}  // namespace

void PictureIndex::Distances(const PdqHash& hash, std::span<const PdqHash> hashes, std::uint16_t* distances) {
  static const DistanceFunction kDistances = Choose();
  kDistances(hash, hashes, distances);
}

}  // namespace spanwatch::hashset
