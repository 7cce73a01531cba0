// Tables of 16 bytes for the AVX2 paths of text: where a shuffle looks up the class of each half of a byte. Internal to
// text_filter and text_masks.
#pragma once

#include <immintrin.h>

#include <array>
#include <cstdint>

namespace spanwatch::fingerprint {

// The table in both halves of the register.
[[gnu::target("avx2")]] inline __m256i InBothHalves(const std::array<std::uint8_t, 16>& table) {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table.data())));
}

}  // namespace spanwatch::fingerprint
