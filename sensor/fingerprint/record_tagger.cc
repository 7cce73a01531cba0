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

constexpr std::size_t kBlock = 16;
constexpr std::size_t kRounds = 14;
constexpr std::uint8_t kTagVersion = 1;
// Blocks in flight: they cover the latency of one AES round on the processors of the field.
constexpr std::size_t kBatch = 16;
constexpr std::size_t kFew = 8;

using Block = std::array<std::uint8_t, kBlock>;

struct alignas(64) Schedule {
  __m128i round_keys[kRounds + 1];
  Block whole;               // RFC 4493 K1: mixed into a last block that is full
  Block padded;              // RFC 4493 K2: mixed into a last block that was padded
  EVP_CIPHER_CTX* portable;  // null on the AES instructions
  bool wide;                 // four blocks an instruction (VAES)
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
  std::memcpy(keys, key.data(), 2 * kBlock);
  ExpandPair<0x01>(keys, 2);
  ExpandPair<0x02>(keys, 4);
  ExpandPair<0x04>(keys, 6);
  ExpandPair<0x08>(keys, 8);
  ExpandPair<0x10>(keys, 10);
  ExpandPair<0x20>(keys, 12);
  ExpandPair<0x40>(keys, 14);
}

template <std::size_t kCount>
[[gnu::target("aes,sse4.1")]] inline void EncryptFew(const Schedule& schedule, Block* blocks) {
  __m128i state[kCount];
  for (std::size_t i = 0; i < kCount; ++i) {
    std::memcpy(&state[i], blocks + i, kBlock);
    state[i] = _mm_xor_si128(state[i], schedule.round_keys[0]);
  }
  for (std::size_t round = 1; round < kRounds; ++round) {
    for (std::size_t i = 0; i < kCount; ++i) state[i] = _mm_aesenc_si128(state[i], schedule.round_keys[round]);
  }
  for (std::size_t i = 0; i < kCount; ++i) {
    state[i] = _mm_aesenclast_si128(state[i], schedule.round_keys[kRounds]);
    std::memcpy(blocks + i, &state[i], kBlock);
  }
}

[[gnu::target("vaes,avx512f")]] void EncryptWide(const Schedule& schedule, Block* blocks) {
  constexpr std::size_t kVectors = kBatch / 4;
  __m512i state[kVectors];
  const auto key = [&](std::size_t round) __attribute__((target("vaes,avx512f"), always_inline)) {
    return _mm512_maskz_broadcast_i32x4(0xFFFF, schedule.round_keys[round]);  // g++ 12 warns of the plain one
  };
  for (std::size_t i = 0; i < kVectors; ++i) state[i] = _mm512_xor_si512(_mm512_loadu_si512(blocks + 4 * i), key(0));
  for (std::size_t round = 1; round < kRounds; ++round) {
    for (std::size_t i = 0; i < kVectors; ++i) state[i] = _mm512_aesenc_epi128(state[i], key(round));
  }
  for (std::size_t i = 0; i < kVectors; ++i) {
    _mm512_storeu_si512(blocks + 4 * i, _mm512_aesenclast_epi128(state[i], key(kRounds)));
  }
}

[[gnu::target("aes,sse4.1")]] void EncryptWithInstructions(const Schedule& schedule, std::span<Block> blocks) {
  std::size_t i = 0;
  if (schedule.wide) {
    for (; i + kBatch <= blocks.size(); i += kBatch) EncryptWide(schedule, &blocks[i]);
  }
  for (; i + kFew <= blocks.size(); i += kFew) EncryptFew<kFew>(schedule, &blocks[i]);
  for (; i < blocks.size(); ++i) EncryptFew<1>(schedule, &blocks[i]);
}

void Encrypt(const Schedule& schedule, std::span<Block> blocks) {
  if (schedule.portable == nullptr) {
    EncryptWithInstructions(schedule, blocks);
    return;
  }
  auto* const bytes = reinterpret_cast<std::uint8_t*>(blocks.data());
  int written = 0;
  EVP_EncryptUpdate(schedule.portable, bytes, &written, bytes, static_cast<int>(blocks.size() * kBlock));
}

// Doubling in GF(2^128), RFC 4493 section 2.3.
Block Double(const Block& block) {
  Block doubled{};
  std::uint8_t carry = 0;
  for (std::size_t i = kBlock; i-- > 0;) {
    doubled[i] = static_cast<std::uint8_t>(block[i] << 1 | carry);
    carry = block[i] >> 7;
  }
  if (carry != 0) doubled[kBlock - 1] ^= 0x87;
  return doubled;
}

void Mix(Block& block, const Block& with) {
  for (std::size_t i = 0; i < kBlock; ++i) block[i] ^= with[i];
}

std::uint64_t FirstWord(const Block& block) {
  std::uint64_t word;
  std::memcpy(&word, block.data(), sizeof word);
  return std::byteswap(word);
}

void Prepare(ByteView key, bool portable, Schedule& schedule) {
  if (portable) {
    schedule.portable = EVP_CIPHER_CTX_new();
    CHECK(schedule.portable != nullptr);
    CHECK(EVP_EncryptInit_ex(schedule.portable, EVP_aes_256_ecb(), nullptr, key.data(), nullptr) == 1);
    EVP_CIPHER_CTX_set_padding(schedule.portable, 0);
  } else {
    ExpandKey(key, schedule);
    schedule.wide = __builtin_cpu_supports("vaes") != 0 && __builtin_cpu_supports("avx512f") != 0;
  }
  Block zero{};
  Encrypt(schedule, {&zero, 1});
  schedule.whole = Double(zero);
  schedule.padded = Double(schedule.whole);
}

// CMAC of the version byte and `value`.
std::uint64_t Cmac(const Schedule& schedule, std::string_view value) {
  Block state{};
  std::size_t filled = 1;
  state[0] = kTagVersion;
  for (const char c : value) {
    if (filled == kBlock) {
      Encrypt(schedule, {&state, 1});
      filled = 0;
    }
    state[filled++] ^= static_cast<std::uint8_t>(c);
  }
  if (filled == kBlock) {
    Mix(state, schedule.whole);
  } else {
    state[filled] ^= 0x80;
    Mix(state, schedule.padded);
  }
  Encrypt(schedule, {&state, 1});
  return FirstWord(state);
}

// Version, plate, one bit of padding: whole words, so that nothing is loaded that was just stored in parts.
Block PlateBlock(PlateWord plate, const Block& padded) {
  const std::size_t length = PlateWordLength(plate);
  unsigned __int128 mixed;
  std::memcpy(&mixed, padded.data(), kBlock);
  mixed ^= static_cast<unsigned __int128>(plate) << 8 | kTagVersion;
  mixed ^= static_cast<unsigned __int128>(0x80) << 8 * (1 + length);
  Block block;
  std::memcpy(block.data(), &mixed, kBlock);
  return block;
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
  const bool portable = path == AesPath::kPortable || !__builtin_cpu_supports("aes");
  Prepare(keys.k(), portable, schedules_->value);
  Prepare(keys.k2(), portable, schedules_->pair);
  Prepare(keys.name_key(), portable, schedules_->name);
}

RecordTagger::~RecordTagger() = default;
RecordTagger::RecordTagger(RecordTagger&&) noexcept = default;
RecordTagger& RecordTagger::operator=(RecordTagger&&) noexcept = default;

std::uint64_t RecordTagger::Tag(std::string_view value) const noexcept { return Cmac(schedules_->value, value); }

std::uint64_t RecordTagger::NameTag(std::string_view name) const noexcept { return Cmac(schedules_->name, name); }

std::uint64_t RecordTagger::PairTag(std::uint64_t plate_tag, std::uint64_t value_tag) const noexcept {
  Block block;
  const std::array<std::uint64_t, 2> words{std::byteswap(plate_tag), std::byteswap(value_tag)};
  std::memcpy(block.data(), words.data(), kBlock);
  Mix(block, schedules_->pair.whole);
  Encrypt(schedules_->pair, {&block, 1});
  return FirstWord(block);
}

void RecordTagger::TagPlates(std::span<const PlateWord> plates, std::span<std::uint64_t> tags) const noexcept {
  std::array<Block, kBatch> blocks;
  for (std::size_t done = 0; done < plates.size();) {
    const std::size_t count = std::min(kBatch, plates.size() - done);
    for (std::size_t i = 0; i < count; ++i) blocks[i] = PlateBlock(plates[done + i], schedules_->value.padded);
    Encrypt(schedules_->value, {blocks.data(), count});
    for (std::size_t i = 0; i < count; ++i) tags[done + i] = FirstWord(blocks[i]);
    done += count;
  }
}

}  // namespace spanwatch::fingerprint
