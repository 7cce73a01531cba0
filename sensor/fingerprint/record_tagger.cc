#include "fingerprint/record_tagger.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <new>

#include <immintrin.h>
#include <openssl/evp.h>
#include <sodium.h>

#include "base/check.h"

namespace spanwatch::fingerprint {
namespace {

constexpr std::size_t kAesBlock = 16;
constexpr std::size_t kRounds = 14;
constexpr std::uint8_t kTagVersion = 1;
constexpr std::size_t kStackOfSchedules = 16 * 1024;  // that keys pass through while their schedules are made
// Blocks in flight: they cover the latency of one AES round on the processors of the field.
constexpr std::size_t kFew = 8;
constexpr std::size_t kMany = 32;

using Block = std::array<std::uint8_t, kAesBlock>;

struct Schedule;
using TagBatch = void (*)(const Schedule& schedule, const PlateWord* plates, std::uint64_t* tags);

struct alignas(64) Schedule {
  __m128i round_keys[kRounds + 1];
  Block whole;               // RFC 4493 K1: mixed into a last block that is full
  Block padded;              // RFC 4493 K2: mixed into a last block that was padded
  EVP_CIPHER_CTX* portable;  // null on the AES instructions
  TagBatch tag_many;         // kMany plates; null: kFew at a time
  TagBatch tag_few;
};

template <int kConstant>
[[gnu::target("aes,sse4.1")]] void ExpandPair(__m128i* keys, int i) {
  const auto spread = [](__m128i key) __attribute__((target("sse4.1"), always_inline)) {
    key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
    key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
    return _mm_xor_si128(key, _mm_slli_si128(key, 4));
  };
  const __m128i even = _mm_shuffle_epi32(_mm_aeskeygenassist_si128(keys[i - 1], kConstant), 0xFF);
  keys[i] = _mm_xor_si128(spread(keys[i - 2]), even);
  if (i + 1 > static_cast<int>(kRounds)) return;
  const __m128i odd = _mm_shuffle_epi32(_mm_aeskeygenassist_si128(keys[i], 0), 0xAA);
  keys[i + 1] = _mm_xor_si128(spread(keys[i - 1]), odd);
}

[[gnu::target("aes,sse4.1")]] void ExpandKey(ByteView key, Schedule& schedule) {
  __m128i* const keys = schedule.round_keys;
  std::memcpy(keys, key.data(), 2 * kAesBlock);
  ExpandPair<0x01>(keys, 2);
  ExpandPair<0x02>(keys, 4);
  ExpandPair<0x04>(keys, 6);
  ExpandPair<0x08>(keys, 8);
  ExpandPair<0x10>(keys, 10);
  ExpandPair<0x20>(keys, 12);
  ExpandPair<0x40>(keys, 14);
}

[[gnu::target("aes,sse4.1")]] void EncryptWithInstructions(const Schedule& schedule, Block& block) {
  __m128i state;
  std::memcpy(&state, block.data(), kAesBlock);
  state = _mm_xor_si128(state, schedule.round_keys[0]);
  for (std::size_t round = 1; round < kRounds; ++round) state = _mm_aesenc_si128(state, schedule.round_keys[round]);
  state = _mm_aesenclast_si128(state, schedule.round_keys[kRounds]);
  std::memcpy(block.data(), &state, kAesBlock);
}

void Encrypt(const Schedule& schedule, std::span<Block> blocks) {
  if (schedule.portable == nullptr) {
    for (Block& block : blocks) EncryptWithInstructions(schedule, block);
    return;
  }
  auto* const bytes = reinterpret_cast<std::uint8_t*>(blocks.data());
  int written = 0;
  EVP_EncryptUpdate(schedule.portable, bytes, &written, bytes, static_cast<int>(blocks.size() * kAesBlock));
}

// Doubling in GF(2^128), RFC 4493 section 2.3.
Block Double(const Block& block) {
  Block doubled{};
  std::uint8_t carry = 0;
  for (std::size_t i = kAesBlock; i-- > 0;) {
    doubled[i] = static_cast<std::uint8_t>(block[i] << 1 | carry);
    carry = block[i] >> 7;
  }
  if (carry != 0) doubled[kAesBlock - 1] ^= 0x87;
  return doubled;
}

void Mix(Block& block, const Block& with) {
  for (std::size_t i = 0; i < kAesBlock; ++i) block[i] ^= with[i];
}

std::uint64_t FirstWord(const Block& block) {
  std::uint64_t word;
  std::memcpy(&word, block.data(), sizeof word);
  return std::byteswap(word);
}

// CMAC of the version byte and `value`.
std::uint64_t Cmac(const Schedule& schedule, std::string_view value) {
  Block state{};
  std::size_t filled = 1;
  state[0] = kTagVersion;
  for (const char c : value) {
    if (filled == kAesBlock) {
      Encrypt(schedule, {&state, 1});
      filled = 0;
    }
    state[filled++] ^= static_cast<std::uint8_t>(c);
  }
  if (filled == kAesBlock) {
    Mix(state, schedule.whole);
  } else {
    state[filled] ^= 0x80;
    Mix(state, schedule.padded);
  }
  Encrypt(schedule, {&state, 1});
  return FirstWord(state);
}

// Version, plate, one bit of padding; mixed with `padded`.
Block PlateBlock(PlateWord plate, const Block& padded) {
  unsigned __int128 mixed;
  std::memcpy(&mixed, padded.data(), kAesBlock);
  mixed ^= static_cast<unsigned __int128>(plate) << 8 | kTagVersion |
           static_cast<unsigned __int128>(0x80) << 8 * (1 + PlateWordLength(plate));
  Block block;
  std::memcpy(block.data(), &mixed, kAesBlock);
  return block;
}

// As PlateBlock, Encrypt and FirstWord, without a way through memory.
[[gnu::target("aes,sse4.1")]] void TagFew(const Schedule& schedule, const PlateWord* plates, std::uint64_t* tags) {
  __m128i padded;
  std::memcpy(&padded, schedule.padded.data(), kAesBlock);
  const __m128i first = _mm_xor_si128(padded, schedule.round_keys[0]);
  __m128i state[kFew];
#pragma GCC unroll 8
  for (std::size_t i = 0; i < kFew; ++i) {
    const __m128i plate = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(plates + i));
    const __m128i block = _mm_or_si128(_mm_slli_si128(plate, 1), _mm_cvtsi32_si128(kTagVersion));
    // The bit of padding stands in the first byte behind the last character.
    const __m128i behind = _mm_cmpeq_epi8(block, _mm_setzero_si128());
    const __m128i padding =
        _mm_and_si128(_mm_andnot_si128(_mm_slli_si128(behind, 1), behind), _mm_set1_epi8(static_cast<char>(0x80)));
    state[i] = _mm_xor_si128(_mm_or_si128(block, padding), first);
  }
  for (std::size_t round = 1; round < kRounds; ++round) {
#pragma GCC unroll 8
    for (std::size_t i = 0; i < kFew; ++i) state[i] = _mm_aesenc_si128(state[i], schedule.round_keys[round]);
  }
#pragma GCC unroll 8
  for (std::size_t i = 0; i < kFew; ++i) {
    state[i] = _mm_aesenclast_si128(state[i], schedule.round_keys[kRounds]);
    tags[i] = std::byteswap(static_cast<std::uint64_t>(_mm_cvtsi128_si64(state[i])));
  }
}

// g++ 12 warns of the forms without a mask, here and below.
[[gnu::target("avx512f")]] inline __m512i EachLane(const void* block) {
  return _mm512_maskz_broadcast_i32x4(0xFFFF, _mm_loadu_si128(static_cast<const __m128i*>(block)));
}

// As PlateBlock, Encrypt and FirstWord, four plates a vector and without a way through memory.
template <std::size_t kPlates>
[[gnu::target("vaes,avx512f,avx512bw,avx512cd")]] void TagByFours(const Schedule& schedule, const PlateWord* plates,
                                                                  std::uint64_t* tags) {
  constexpr std::size_t kVectors = kPlates / 4;
  const __m512i twice = _mm512_set_epi64(3, 3, 2, 2, 1, 1, 0, 0);
  const __m512i lane_bits = _mm512_set_epi64(0, 64, 0, 64, 0, 64, 0, 64);
  const __m512i whole_bytes = _mm512_set1_epi64(~7);
  const __m512i pad = _mm512_set1_epi64(0x80);
  const __m512i version = _mm512_set_epi64(0, kTagVersion, 0, kTagVersion, 0, kTagVersion, 0, kTagVersion);
  const __m512i first =
      _mm512_xor_si512(_mm512_xor_si512(EachLane(&schedule.padded), version), EachLane(&schedule.round_keys[0]));
  __m512i state[kVectors];
#pragma GCC unroll 8
  for (std::size_t i = 0; i < kVectors; ++i) {
    const __m512i four = _mm512_castsi256_si512(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(plates + 4 * i)));
    const __m512i plate = _mm512_maskz_permutexvar_epi64(0xFF, twice, four);
    // The bit of padding follows the last character; a shift of 64 bits and more, or of less than none, leaves nothing.
    const __m512i empty = _mm512_and_si512(_mm512_maskz_lzcnt_epi64(0xFF, plate), whole_bytes);
    const __m512i padding = _mm512_maskz_sllv_epi64(0xFF, pad, _mm512_maskz_sub_epi64(0xFF, lane_bits, empty));
    const __m512i padded = _mm512_or_si512(padding, _mm512_maskz_mov_epi64(0x55, plate));
    state[i] = _mm512_xor_si512(_mm512_bslli_epi128(padded, 1), first);
  }
  for (std::size_t round = 1; round < kRounds; ++round) {
    const __m512i key = EachLane(&schedule.round_keys[round]);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < kVectors; ++i) state[i] = _mm512_aesenc_epi128(state[i], key);
  }
  const __m512i key = EachLane(&schedule.round_keys[kRounds]);
  const __m512i fronts = _mm512_set_epi64(14, 12, 10, 8, 6, 4, 2, 0);
  const __m512i big_endian =
      _mm512_set_epi64(0x08090A0B0C0D0E0F, 0x0001020304050607, 0x08090A0B0C0D0E0F, 0x0001020304050607,
                       0x08090A0B0C0D0E0F, 0x0001020304050607, 0x08090A0B0C0D0E0F, 0x0001020304050607);
#pragma GCC unroll 8
  for (std::size_t i = 0; i < kVectors; i += 2) {
    const __m512i low = _mm512_aesenclast_epi128(state[i], key);
    const __m512i high = _mm512_aesenclast_epi128(state[i + 1], key);
    const __m512i eight = _mm512_maskz_permutex2var_epi64(0xFF, low, fronts, high);
    _mm512_storeu_si512(tags + 4 * i, _mm512_maskz_shuffle_epi8(~__mmask64{0}, eight, big_endian));
  }
}

[[gnu::target("vaes,avx2")]] inline __m256i BothLanes(const void* block) {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128(static_cast<const __m128i*>(block)));
}

// The same, two plates a vector.
template <std::size_t kPlates>
[[gnu::target("vaes,avx2")]] void TagByTwos(const Schedule& schedule, const PlateWord* plates, std::uint64_t* tags) {
  constexpr std::size_t kAtOnce = 16;
  constexpr std::size_t kPlatesAtOnce = std::min(kPlates, kAtOnce);
  constexpr std::size_t kVectors = kPlatesAtOnce / 2;
  const __m256i zero = _mm256_setzero_si256();
  const __m256i lows = _mm256_set_epi64x(0, -1, 0, -1);
  const __m256i version = _mm256_set_epi64x(0, kTagVersion, 0, kTagVersion);
  const __m256i pad = _mm256_set1_epi8(static_cast<char>(0x80));
  const __m256i first = _mm256_xor_si256(BothLanes(&schedule.padded), BothLanes(&schedule.round_keys[0]));
  const __m256i big_endian =
      _mm256_set_epi64x(0x08090A0B0C0D0E0F, 0x0001020304050607, 0x08090A0B0C0D0E0F, 0x0001020304050607);
  for (std::size_t done = 0; done < kPlates; done += kPlatesAtOnce) {
    __m256i state[kVectors];
#pragma GCC unroll 8
    for (std::size_t i = 0; i < kVectors; ++i) {
      const __m128i two = _mm_loadu_si128(reinterpret_cast<const __m128i*>(plates + done + 2 * i));
      const __m256i apart = _mm256_permute4x64_epi64(_mm256_castsi128_si256(two), 0b01'01'00'00);
      const __m256i block = _mm256_or_si256(_mm256_bslli_epi128(_mm256_and_si256(apart, lows), 1), version);
      const __m256i behind = _mm256_cmpeq_epi8(block, zero);
      const __m256i padding = _mm256_and_si256(_mm256_andnot_si256(_mm256_bslli_epi128(behind, 1), behind), pad);
      state[i] = _mm256_xor_si256(_mm256_or_si256(block, padding), first);
    }
    for (std::size_t round = 1; round < kRounds; ++round) {
      const __m256i key = BothLanes(&schedule.round_keys[round]);
#pragma GCC unroll 8
      for (std::size_t i = 0; i < kVectors; ++i) state[i] = _mm256_aesenc_epi128(state[i], key);
    }
    const __m256i key = BothLanes(&schedule.round_keys[kRounds]);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < kVectors; i += 2) {
      const __m256i low = _mm256_aesenclast_epi128(state[i], key);
      const __m256i high = _mm256_aesenclast_epi128(state[i + 1], key);
      const __m256i four = _mm256_permute4x64_epi64(_mm256_unpacklo_epi64(low, high), 0b11'01'10'00);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(tags + done + 2 * i), _mm256_shuffle_epi8(four, big_endian));
    }
  }
}

void ChooseBatches(AesPath path, Schedule& schedule) {
  const bool wide = path == AesPath::kBest && __builtin_cpu_supports("vaes") != 0;
  schedule.tag_many = nullptr;
  schedule.tag_few = TagFew;
  if (wide && __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512cd") != 0) {
    schedule.tag_many = TagByFours<kMany>;
    schedule.tag_few = TagByFours<kFew>;
  } else if (wide && __builtin_cpu_supports("avx2") != 0) {
    schedule.tag_many = TagByTwos<kMany>;
    schedule.tag_few = TagByTwos<kFew>;
  }
}

void Prepare(ByteView key, AesPath path, Schedule& schedule) {
  if (path == AesPath::kPortable) {
    schedule.portable = EVP_CIPHER_CTX_new();
    CHECK(schedule.portable != nullptr);
    CHECK(EVP_EncryptInit_ex(schedule.portable, EVP_aes_256_ecb(), nullptr, key.data(), nullptr) == 1);
    EVP_CIPHER_CTX_set_padding(schedule.portable, 0);
  } else {
    ExpandKey(key, schedule);
    ChooseBatches(path, schedule);
  }
  Block zero{};
  Encrypt(schedule, {&zero, 1});
  schedule.whole = Double(zero);
  schedule.padded = Double(schedule.whole);
}

// What is left of the batches is made as a whole one.
void TagWithInstructions(const Schedule& schedule, std::span<const PlateWord> plates, std::span<std::uint64_t> tags) {
  std::size_t i = 0;
  if (schedule.tag_many != nullptr) {
    for (; i + kMany <= plates.size(); i += kMany) schedule.tag_many(schedule, &plates[i], &tags[i]);
  }
  for (; i + kFew <= plates.size(); i += kFew) schedule.tag_few(schedule, &plates[i], &tags[i]);
  if (i == plates.size()) return;
  std::array<PlateWord, kFew> rest{};
  std::array<std::uint64_t, kFew> rest_tags;
  std::copy(plates.begin() + static_cast<std::ptrdiff_t>(i), plates.end(), rest.begin());
  schedule.tag_few(schedule, rest.data(), rest_tags.data());
  std::copy_n(rest_tags.data(), plates.size() - i, &tags[i]);
}

void TagPortably(const Schedule& schedule, std::span<const PlateWord> plates, std::span<std::uint64_t> tags) {
  std::array<Block, kFew> blocks;
  for (std::size_t done = 0; done < plates.size();) {
    const std::size_t count = std::min(kFew, plates.size() - done);
    for (std::size_t i = 0; i < count; ++i) blocks[i] = PlateBlock(plates[done + i], schedule.padded);
    Encrypt(schedule, {blocks.data(), count});
    for (std::size_t i = 0; i < count; ++i) tags[done + i] = FirstWord(blocks[i]);
    done += count;
  }
}

}  // namespace

struct RecordTagger::Schedules {
  Schedule value;
  Schedule pair;
  Schedule name;
};

void RecordTagger::Free::operator()(Schedules* schedules) const noexcept {
  for (const Schedule* schedule : {&schedules->value, &schedules->pair, &schedules->name}) {
    EVP_CIPHER_CTX_free(schedule->portable);
  }
  sodium_free(schedules);
}

RecordTagger::RecordTagger(const RecordKeys& keys, AesPath path) {
  CHECK(sodium_init() >= 0);
  void* const memory = sodium_malloc(sizeof(Schedules));
  CHECK(memory != nullptr);
  schedules_.reset(new (memory) Schedules{});
  if (__builtin_cpu_supports("aes") == 0) path = AesPath::kPortable;
  Prepare(keys.k(), path, schedules_->value);
  Prepare(keys.k2(), path, schedules_->pair);
  Prepare(keys.name_key(), path, schedules_->name);
  sodium_stackzero(kStackOfSchedules);
}

RecordTagger::~RecordTagger() = default;
RecordTagger::RecordTagger(RecordTagger&&) noexcept = default;
RecordTagger& RecordTagger::operator=(RecordTagger&&) noexcept = default;

std::uint64_t RecordTagger::Tag(std::string_view value) const noexcept { return Cmac(schedules_->value, value); }

std::uint64_t RecordTagger::NameTag(std::string_view name) const noexcept { return Cmac(schedules_->name, name); }

std::uint64_t RecordTagger::PairTag(std::uint64_t plate_tag, std::uint64_t value_tag) const noexcept {
  Block block;
  const std::array<std::uint64_t, 2> words{std::byteswap(plate_tag), std::byteswap(value_tag)};
  std::memcpy(block.data(), words.data(), kAesBlock);
  Mix(block, schedules_->pair.whole);
  Encrypt(schedules_->pair, {&block, 1});
  return FirstWord(block);
}

void RecordTagger::TagPlates(std::span<const PlateWord> plates, std::span<std::uint64_t> tags) const noexcept {
  const Schedule& schedule = schedules_->value;
  if (schedule.portable == nullptr) {
    TagWithInstructions(schedule, plates, tags);
  } else {
    TagPortably(schedule, plates, tags);
  }
}

}  // namespace spanwatch::fingerprint
