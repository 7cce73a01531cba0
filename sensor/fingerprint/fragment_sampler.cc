#include "fingerprint/fragment_sampler.h"

#include <immintrin.h>
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace spanwatch::fingerprint {
namespace {

constexpr std::uint32_t kFactor1 = 0x9E3779B1;  // odd, of high entropy: the primes of XXH32
constexpr std::uint32_t kFactor2 = 0x85EBCA77;
constexpr int kManySampled = 4;  // of 64 positions

std::uint32_t Hash8(const std::uint8_t* bytes) {
  std::uint32_t low;
  std::uint32_t high;
  std::memcpy(&low, bytes, sizeof(low));
  std::memcpy(&high, bytes + sizeof(low), sizeof(high));
  return low * kFactor1 + high * kFactor2;
}

std::uint64_t ScanScalar(const std::uint8_t* bytes, std::uint32_t last) {
  std::uint64_t sampled = 0;
  for (int i = 0; i < 64; ++i) sampled |= std::uint64_t{Hash8(bytes + i) <= last} << i;
  return sampled;
}

// Lane l of step s is position 4 l + s.
[[gnu::target("avx2,bmi2")]] std::uint64_t ScanAvx2(const std::uint8_t* bytes, std::uint32_t last) {
  const __m256i factor1 = _mm256_set1_epi32(static_cast<int>(kFactor1));
  const __m256i factor2 = _mm256_set1_epi32(static_cast<int>(kFactor2));
  const __m256i bound = _mm256_set1_epi32(static_cast<int>(last));
  std::uint64_t sampled = 0;
  for (int half = 0; half < 2; ++half) {
    std::uint64_t found = 0;
    for (int s = 0; s < 4; ++s) {
      const std::uint8_t* at = bytes + half * 32 + s;
      const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
      const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at + 4));
      const __m256i hash = _mm256_add_epi32(_mm256_mullo_epi32(low, factor1), _mm256_mullo_epi32(high, factor2));
      const __m256i below = _mm256_cmpeq_epi32(_mm256_min_epu32(hash, bound), hash);
      const auto mask = static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(below)));
      found |= _pdep_u64(mask, 0x11111111) << s;
    }
    sampled |= found << (half * 32);
  }
  return sampled;
}

[[gnu::target("avx512f,bmi2")]] std::uint64_t ScanAvx512(const std::uint8_t* bytes, std::uint32_t last) {
  const __m512i factor1 = _mm512_set1_epi32(static_cast<int>(kFactor1));
  const __m512i factor2 = _mm512_set1_epi32(static_cast<int>(kFactor2));
  const __m512i bound = _mm512_set1_epi32(static_cast<int>(last));
  std::uint64_t masks[4];
  for (int s = 0; s < 4; ++s) {
    const __m512i low = _mm512_loadu_si512(bytes + s);
    const __m512i high = _mm512_loadu_si512(bytes + s + 4);
    const __m512i hash = _mm512_add_epi32(_mm512_mullo_epi32(low, factor1), _mm512_mullo_epi32(high, factor2));
    masks[s] = _mm512_cmple_epu32_mask(hash, bound);
  }
  if ((masks[0] | masks[1] | masks[2] | masks[3]) == 0) return 0;
  std::uint64_t sampled = 0;
  for (int s = 0; s < 4; ++s) sampled |= _pdep_u64(masks[s], 0x1111111111111111) << s;
  return sampled;
}

bool LowEntropy(const std::uint8_t* bytes, std::size_t length) {
  std::uint64_t seen[4] = {};
  for (std::size_t i = 0; i < length; ++i) seen[bytes[i] >> 6] |= std::uint64_t{1} << (bytes[i] & 63);
  int distinct = 0;
  for (const std::uint64_t word : seen) distinct += std::popcount(word);
  return distinct < static_cast<int>(kLeastDistinctBytes);
}

}  // namespace

bool FragmentSampler::Supports(SamplerPath path) {
  if (path == SamplerPath::kAvx2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
  if (path == SamplerPath::kAvx512) return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("bmi2");
  return true;
}

FragmentSampler::FragmentSampler(std::uint64_t seed, std::uint32_t density, PrintSink& sink, SamplerPath path)
    : seed_(seed), last_(0xFFFFFFFFu / std::max<std::uint32_t>(density, 1)), sink_(sink), scan_(ScanScalar) {
  const auto wants = [&](SamplerPath one) { return (path == one || path == SamplerPath::kBest) && Supports(one); };
  if (wants(SamplerPath::kAvx512))
    scan_ = ScanAvx512;
  else if (wants(SamplerPath::kAvx2))
    scan_ = ScanAvx2;
}

void FragmentSampler::Emit(const std::uint8_t* window, std::uint64_t offset) noexcept {
  if (!LowEntropy(window, kWindowBytes)) sink_.OnPrint({offset, XXH3_64bits_withSeed(window, kWindowBytes, seed_)});
}

// REQUIRES: positions + 63 readable bytes
void FragmentSampler::Scan(const std::uint8_t* bytes, std::size_t positions, std::uint64_t offset) noexcept {
  std::size_t at = 0;
  for (; at + 64 <= positions; at += 64) {
    std::uint64_t sampled = scan_(bytes + at, last_);
    // Runs of zero sample every position. When all their windows together have low entropy, so has each.
    if (std::popcount(sampled) > kManySampled && LowEntropy(bytes + at, 64 + kWindowBytes - 1)) continue;
    for (; sampled != 0; sampled &= sampled - 1) {
      const std::size_t found = at + static_cast<std::size_t>(std::countr_zero(sampled));
      Emit(bytes + found, offset + found);
    }
  }
  for (; at < positions; ++at) {
    if (Hash8(bytes + at) <= last_) Emit(bytes + at, offset + at);
  }
}

void FragmentSampler::Update(ByteView bytes) noexcept {
  constexpr std::size_t kTail = kWindowBytes - 1;
  const std::uint64_t begin = position_ - held_;  // of the tail
  position_ += bytes.size();
  // The windows that begin in the tail, over the bytes that follow it.
  const std::size_t joined = std::min(bytes.size(), kTail);
  if (joined > 0) std::memcpy(tail_.data() + held_, bytes.data(), joined);
  const std::size_t filled = held_ + joined;
  const std::size_t starts = filled > kTail ? std::min(filled - kTail, held_) : 0;
  Scan(tail_.data(), starts, begin);
  if (bytes.size() <= kTail) {
    const std::size_t kept = std::min(filled, kTail);
    std::memmove(tail_.data(), tail_.data() + (filled - kept), kept);
    held_ = kept;
    return;
  }
  Scan(bytes.data(), bytes.size() - kTail, position_ - bytes.size());
  std::memcpy(tail_.data(), bytes.data() + bytes.size() - kTail, kTail);
  held_ = kTail;
}

void FragmentSampler::Gap(std::uint64_t length) noexcept {
  position_ += length;
  held_ = 0;
}

}  // namespace spanwatch::fingerprint
