#include "content/magic_scan.h"

#include <array>
#include <bit>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace spanwatch::content {
namespace {

struct Pair {
  std::uint8_t first;
  std::uint8_t second;
};

// JPEG, PNG, zip, gzip, 7z.
constexpr Pair kPairs[] = {{0xff, 0xd8}, {0x89, 'P'}, {'P', 'K'}, {0x1f, 0x8b}, {'7', 'z'}};

std::size_t FindPlain(ByteView bytes, std::size_t from, std::span<const Pair> pairs) {
  for (std::size_t i = from; i < bytes.size(); ++i) {
    for (const Pair& pair : pairs) {
      if (bytes[i] == pair.first && (i + 1 == bytes.size() || bytes[i + 1] == pair.second)) return i;
    }
  }
  return bytes.size();
}

template <typename Pairs>
std::size_t Find(ByteView bytes, std::size_t from, const Pairs& pairs) {
#if defined(__SSE2__)
  constexpr std::size_t kWidth = 16;
  std::size_t i = from;
  for (; i + kWidth + 1 <= bytes.size(); i += kWidth) {
    const __m128i here = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes.data() + i));
    const __m128i next = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes.data() + i + 1));
    __m128i hits = _mm_setzero_si128();
    for (const Pair& pair : pairs) {
      hits = _mm_or_si128(hits, _mm_and_si128(_mm_cmpeq_epi8(here, _mm_set1_epi8(static_cast<char>(pair.first))),
                                              _mm_cmpeq_epi8(next, _mm_set1_epi8(static_cast<char>(pair.second)))));
    }
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(hits));
    if (mask != 0) return i + static_cast<std::size_t>(std::countr_zero(mask));
  }
  return FindPlain(bytes, i, pairs);
#else
  return FindPlain(bytes, from, pairs);
#endif
}

}  // namespace

std::size_t FindMagic(ByteView bytes, std::size_t from) { return Find(bytes, from, kPairs); }

std::size_t FindMagicPlain(ByteView bytes, std::size_t from) { return FindPlain(bytes, from, kPairs); }

std::size_t FindPair(ByteView bytes, std::size_t from, std::uint8_t first, std::uint8_t second) {
  return Find(bytes, from, std::array{Pair{first, second}});
}

}  // namespace spanwatch::content
