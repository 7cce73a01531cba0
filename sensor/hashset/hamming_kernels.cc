#include "hashset/hamming_kernels.h"

#include <immintrin.h>

#include <bit>

namespace spanwatch::hashset {
namespace {

// Compiled once for each kind of processor below.
[[gnu::always_inline]] inline std::uint16_t Distance(const PdqHash& a, const PdqHash& b) {
  int distance = 0;
  for (std::size_t word = 0; word < 4; ++word) distance += __builtin_popcountll(a.words[word] ^ b.words[word]);
  return static_cast<std::uint16_t>(distance);
}
[[gnu::always_inline]] inline void ComputeAll(const PdqHash& hash, std::span<const PdqHash> hashes,
                                              std::uint16_t* distances) {
  for (std::size_t i = 0; i < hashes.size(); ++i) distances[i] = Distance(hash, hashes[i]);
}
[[gnu::always_inline]] inline void ComputeSome(const PdqHash& hash, std::span<const PdqHash> hashes,
                                               std::span<const std::uint32_t> ids, std::uint16_t* distances) {
  for (std::size_t i = 0; i < ids.size(); ++i) distances[i] = Distance(hash, hashes[ids[i]]);
}
[[gnu::always_inline]] inline std::size_t ComputeNear(std::span<const std::uint16_t> checks, std::uint16_t check,
                                                      int limit, std::uint32_t* positions) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < checks.size(); ++i) {
    positions[count] = static_cast<std::uint32_t>(i);
    count += __builtin_popcount(static_cast<unsigned>(checks[i] ^ check)) <= limit;
  }
  return count;
}

void PlainDistances(const PdqHash& hash, std::span<const PdqHash> hashes, std::uint16_t* distances) {
  ComputeAll(hash, hashes, distances);
}
void PlainDistancesOf(const PdqHash& hash, std::span<const PdqHash> hashes, std::span<const std::uint32_t> ids,
                      std::uint16_t* distances) {
  ComputeSome(hash, hashes, ids, distances);
}
std::size_t PlainNear(std::span<const std::uint16_t> checks, std::uint16_t check, int limit, std::uint32_t* positions) {
  return ComputeNear(checks, check, limit, positions);
}
std::uint64_t PlainGather(const PdqHash& hash, const PdqHash& mask) {
  std::uint64_t gathered = 0;
  int place = 0;
  for (std::size_t word = 0; word < 4; ++word) {
    for (std::uint64_t left = mask.words[word]; left != 0; left &= left - 1) {
      gathered |= (hash.words[word] >> std::countr_zero(left) & 1) << (place++ & 63);
    }
  }
  return gathered;
}

[[gnu::target("popcnt")]] void PopcountDistances(const PdqHash& hash, std::span<const PdqHash> hashes,
                                                 std::uint16_t* distances) {
  ComputeAll(hash, hashes, distances);
}
[[gnu::target("popcnt")]] void PopcountDistancesOf(const PdqHash& hash, std::span<const PdqHash> hashes,
                                                   std::span<const std::uint32_t> ids, std::uint16_t* distances) {
  ComputeSome(hash, hashes, ids, distances);
}
[[gnu::target("popcnt")]] std::size_t PopcountNear(std::span<const std::uint16_t> checks, std::uint16_t check,
                                                   int limit, std::uint32_t* positions) {
  return ComputeNear(checks, check, limit, positions);
}
[[gnu::target("bmi2,popcnt")]] std::uint64_t Bmi2Gather(const PdqHash& hash, const PdqHash& mask) {
  std::uint64_t gathered = 0;
  int place = 0;
  for (std::size_t word = 0; word < 4; ++word) {
    gathered |= _pext_u64(hash.words[word], mask.words[word]) << (place & 63);
    place += __builtin_popcountll(mask.words[word]);
  }
  return gathered;
}

// Set bits of each byte: of its low and its high half, looked up.
[[gnu::target("avx2")]] inline __m256i BitsOfBytes(__m256i bytes) {
  const __m256i bits =
      _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
  const __m256i half = _mm256_set1_epi8(0x0F);
  return _mm256_add_epi8(_mm256_shuffle_epi8(bits, _mm256_and_si256(bytes, half)),
                         _mm256_shuffle_epi8(bits, _mm256_and_si256(_mm256_srli_epi16(bytes, 4), half)));
}
[[gnu::target("avx2,bmi,popcnt")]] std::size_t Avx2Near(std::span<const std::uint16_t> checks, std::uint16_t check,
                                                        int limit, std::uint32_t* positions) {
  constexpr std::size_t kLanes = 16;
  const __m256i wanted = _mm256_set1_epi16(static_cast<short>(check));
  const __m256i most = _mm256_set1_epi16(static_cast<short>(limit));
  const __m256i ones = _mm256_set1_epi8(1);
  std::size_t count = 0;
  std::size_t at = 0;
  for (; at + kLanes <= checks.size(); at += kLanes) {
    const __m256i lane = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(checks.data() + at));
    const __m256i differing = _mm256_maddubs_epi16(BitsOfBytes(_mm256_xor_si256(lane, wanted)), ones);
    const auto beyond = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpgt_epi16(differing, most)));
    for (std::uint32_t found = ~beyond & 0x55555555u; found != 0; found &= found - 1)  // two bits a lane
      positions[count++] = static_cast<std::uint32_t>(at) + static_cast<std::uint32_t>(std::countr_zero(found)) / 2;
  }
  for (; at < checks.size(); ++at) {
    positions[count] = static_cast<std::uint32_t>(at);
    count += __builtin_popcount(static_cast<unsigned>(checks[at] ^ check)) <= limit;
  }
  return count;
}

[[gnu::target("avx512f,avx512vl,avx512vpopcntdq"), gnu::optimize("O3")]] void VectorDistances(
    const PdqHash& hash, std::span<const PdqHash> hashes, std::uint16_t* distances) {
  ComputeAll(hash, hashes, distances);
}
[[gnu::target("avx512f,avx512bw,avx512bitalg,bmi,popcnt")]] std::size_t VectorNear(
    std::span<const std::uint16_t> checks, std::uint16_t check, int limit, std::uint32_t* positions) {
  const __m512i wanted = _mm512_set1_epi16(static_cast<short>(check));
  const __m512i most = _mm512_set1_epi16(static_cast<short>(limit));
  std::size_t count = 0;
  for (std::size_t at = 0; at < checks.size(); at += 32) {
    const std::size_t left = checks.size() - at;
    const auto lanes = static_cast<__mmask32>(left >= 32 ? UINT32_MAX : (1u << left) - 1);
    const __m512i lane = _mm512_maskz_loadu_epi16(lanes, checks.data() + at);
    const __m512i differing = _mm512_popcnt_epi16(_mm512_xor_si512(lane, wanted));
    for (std::uint32_t found = _mm512_mask_cmple_epu16_mask(lanes, differing, most); found != 0; found &= found - 1) {
      positions[count++] = static_cast<std::uint32_t>(at) + static_cast<std::uint32_t>(std::countr_zero(found));
    }
  }
  return count;
}

HammingKernels Choose() {
  HammingKernels kernels = PlainKernels();
  if (__builtin_cpu_supports("popcnt")) {
    kernels.distances = PopcountDistances;
    kernels.distances_of = PopcountDistancesOf;
    kernels.near = PopcountNear;
    if (__builtin_cpu_supports("bmi2")) kernels.gather = Bmi2Gather;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi")) kernels.near = Avx2Near;
  }
  if (__builtin_cpu_supports("avx512vpopcntdq") && __builtin_cpu_supports("avx512vl"))
    kernels.distances = VectorDistances;
  if (__builtin_cpu_supports("avx512bitalg") && __builtin_cpu_supports("avx512bw")) kernels.near = VectorNear;
  return kernels;
}

}  // namespace

const HammingKernels& Kernels() {
  static const HammingKernels kKernels = Choose();
  return kKernels;
}

const HammingKernels& PlainKernels() {
  static constexpr HammingKernels kKernels{PlainDistances, PlainDistancesOf, PlainNear, PlainGather};
  return kKernels;
}

}  // namespace spanwatch::hashset
