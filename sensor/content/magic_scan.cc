#include "content/magic_scan.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <string_view>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace spanwatch::content {
namespace {

using namespace std::string_view_literals;

struct Beginning {
  int bit;  // of the tables below
  std::uint8_t first;
  std::uint8_t second;
  std::string_view third = {};  // one of these; empty: anything
};

// JPEG, PNG, zip, gzip, 7z, GIF, WebP, BMP, TIFF; JPEG and PNG whose bytes were taken for Latin-1 and stand as UTF-8;
// zlib as most compressors begin it, with a window of 32 KiB and any level; uuencode, yEnc, ASCII85, git's patches.
constexpr Beginning kBeginnings[] = {
    {0, 0xff, 0xd8}, {0, 0xc3, 0xbf},       {1, 0x89, 'P'},      {1, 0xc2, 0x89},     {1, 0x1f, 0x8b},
    {2, 'P', 'K'},   {2, 'R', 'I', "F"},    {3, '7', 'z'},       {4, 'x', 0x01},      {4, 'x', '^'},
    {4, 'x', 0x9c},  {4, 'x', 0xda},        {5, '\n', 'b', "e"}, {6, '=', 'y', "b"},  {6, '<', '~'},
    {7, 'B', 'M'},   {7, 'M', 'M', "\0"sv}, {7, 'I', 'I', "*+"}, {7, 'G', 'I', "FT"},
};

constexpr std::array<bool, 256> MakeFirstBytes() {
  std::array<bool, 256> firsts{};
  for (const Beginning& magic : kBeginnings) firsts[magic.first] = true;
  return firsts;
}
constexpr std::array<bool, 256> kFirstBytes = MakeFirstBytes();

bool MagicBegins(ByteView bytes, std::size_t at) {
  return std::ranges::any_of(kBeginnings, [&](const Beginning& magic) {
    if (bytes[at] != magic.first) return false;
    if (at + 1 == bytes.size()) return true;
    if (bytes[at + 1] != magic.second) return false;
    return magic.third.empty() || at + 2 == bytes.size() || magic.third.contains(static_cast<char>(bytes[at + 2]));
  });
}

#if defined(__x86_64__)
// What a nibble of the first, or of the second, byte leaves possible: one bit a pair, or for several whose nibbles are
// alike. Pairs of one bit let others through as well, so each find is compared.
struct NibbleTables {
  alignas(16) std::uint8_t first_low[16] = {}, first_high[16] = {}, second_low[16] = {}, second_high[16] = {};
};
constexpr NibbleTables MakeTables() {
  NibbleTables tables;
  for (const Beginning& magic : kBeginnings) {
    const auto bit = static_cast<std::uint8_t>(1u << magic.bit);
    tables.first_low[magic.first & 15] |= bit;
    tables.first_high[magic.first >> 4] |= bit;
    tables.second_low[magic.second & 15] |= bit;
    tables.second_high[magic.second >> 4] |= bit;
  }
  return tables;
}
constexpr NibbleTables kTables = MakeTables();

[[gnu::target("avx2")]] __m256i Table(const std::uint8_t* table) {
  return _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(table)));
}

// The first pair in whole runs of 32 positions; where it stopped when there is none.
[[gnu::target("avx2")]] std::size_t FindPairAvx2(ByteView bytes, std::size_t from) {
  const __m256i low_nibble = _mm256_set1_epi8(15);
  const __m256i first_low = Table(kTables.first_low), first_high = Table(kTables.first_high);
  const __m256i second_low = Table(kTables.second_low), second_high = Table(kTables.second_high);
  std::size_t i = from;
  for (; i + 33 <= bytes.size(); i += 32) {
    const __m256i here = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes.data() + i));
    const __m256i next = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes.data() + i + 1));
    const __m256i here_high = _mm256_and_si256(_mm256_srli_epi16(here, 4), low_nibble);
    const __m256i next_high = _mm256_and_si256(_mm256_srli_epi16(next, 4), low_nibble);
    const __m256i first = _mm256_and_si256(_mm256_shuffle_epi8(first_low, _mm256_and_si256(here, low_nibble)),
                                           _mm256_shuffle_epi8(first_high, here_high));
    const __m256i second = _mm256_and_si256(_mm256_shuffle_epi8(second_low, _mm256_and_si256(next, low_nibble)),
                                            _mm256_shuffle_epi8(second_high, next_high));
    if (_mm256_testz_si256(first, second)) continue;
    const __m256i none = _mm256_cmpeq_epi8(_mm256_and_si256(first, second), _mm256_setzero_si256());
    for (unsigned found = ~static_cast<unsigned>(_mm256_movemask_epi8(none)); found != 0; found &= found - 1) {
      const std::size_t at = i + static_cast<std::size_t>(std::countr_zero(found));
      if (MagicBegins(bytes, at)) return at;
    }
  }
  return i;
}
#endif

}  // namespace

std::size_t FindMagicPlain(ByteView bytes, std::size_t from) {
  while (from < bytes.size() && !(kFirstBytes[bytes[from]] && MagicBegins(bytes, from))) ++from;
  return std::min(from, bytes.size());
}

std::size_t FindMagic(ByteView bytes, std::size_t from) {
#if defined(__x86_64__)
  static const bool kAvx2 = __builtin_cpu_supports("avx2");
  if (kAvx2) from = FindPairAvx2(bytes, from);
#endif
  return FindMagicPlain(bytes, from);
}

std::size_t FindPair(ByteView bytes, std::size_t from, std::uint8_t first, std::uint8_t second) {
  while (from < bytes.size()) {
    const void* found = std::memchr(bytes.data() + from, first, bytes.size() - from);
    if (found == nullptr) break;
    const auto at = static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - bytes.data());
    if (at + 1 == bytes.size() || bytes[at + 1] == second) return at;
    from = at + 1;
  }
  return bytes.size();
}

}  // namespace spanwatch::content
