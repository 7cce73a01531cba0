#include "content/value_scan.h"

#include <bit>

#include "content/text_decoder.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace spanwatch::content {
namespace {

bool IsWordByte(std::uint8_t c) { return (kCharacterClass[c] & CharacterClass::kShared) != 0; }

#if defined(__x86_64__)
// One bit a byte that is a letter or a digit.
[[gnu::target("avx2")]] std::uint32_t WordBits(const std::uint8_t* bytes) {
  const __m256i here = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
  const __m256i lower = _mm256_or_si256(here, _mm256_set1_epi8(0x20));
  // x - first <= length as unsigned numbers: the smaller of the two is itself.
  const __m256i letter = _mm256_sub_epi8(lower, _mm256_set1_epi8('a')),
                digit = _mm256_sub_epi8(here, _mm256_set1_epi8('0'));
  const __m256i is_letter = _mm256_cmpeq_epi8(_mm256_min_epu8(letter, _mm256_set1_epi8(25)), letter);
  const __m256i is_digit = _mm256_cmpeq_epi8(_mm256_min_epu8(digit, _mm256_set1_epi8(9)), digit);
  return static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_or_si256(is_letter, is_digit)));
}

// In windows of 64 bytes that overlap.
[[gnu::target("avx2")]] std::size_t FindLongWordAvx2(ByteView bytes, std::size_t from) {
  constexpr std::size_t kStride = 64 - (kLongWordBytes - 1);
  std::size_t i = from;
  for (; i + 64 <= bytes.size(); i += kStride) {
    std::uint64_t runs = WordBits(bytes.data() + i) | std::uint64_t{WordBits(bytes.data() + i + 32)} << 32;
    runs &= runs >> 1;  // two in a row
    runs &= runs >> 2;
    runs &= runs >> 4;
    runs &= runs >> 2;  // ten
    if (runs != 0) return i + static_cast<std::size_t>(std::countr_zero(runs));
  }
  return i;
}
#endif
static_assert(kLongWordBytes == 10);

}  // namespace

std::size_t FindLongWordPlain(ByteView bytes, std::size_t from) {
  std::size_t begin = from;
  for (std::size_t i = from; i < bytes.size(); ++i) {
    if (!IsWordByte(bytes[i])) {
      begin = i + 1;
    } else if (i + 1 - begin == kLongWordBytes) {
      return begin;
    }
  }
  return begin;
}

std::size_t FindLongWord(ByteView bytes, std::size_t from) {
#if defined(__x86_64__)
  static const bool kAvx2 = __builtin_cpu_supports("avx2");
  if (kAvx2) {
    from = FindLongWordAvx2(bytes, from);
    if (from + 64 <= bytes.size()) return from;  // it stops so far from the end only where one begins
  }
#endif
  return FindLongWordPlain(bytes, from);
}

}  // namespace spanwatch::content
