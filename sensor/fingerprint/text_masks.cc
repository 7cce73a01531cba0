#include "fingerprint/text_masks.h"

#include <algorithm>
#include <array>
#include <bit>
#include <span>

#include <immintrin.h>

#include "fingerprint/avx2_table.h"
#include "fingerprint/plate_shapes.h"
#include "fingerprint/record_fields.h"
#include "fingerprint/text_fold.h"

namespace spanwatch::fingerprint {
namespace {

constexpr std::size_t kClassifiedAtOnce = 16;  // classified together
constexpr std::uint8_t kLetter = 1, kDigit = 2, kSeparator = 4, kStructural = 8, kFolds = 16, kLength = 32;

// The marks of plate fields' names (kPlateNameMarks), and the endings of picture files: bit i of
// kTriggers[position][character] is set where triple i has it. Two triples may share a bit: their mixtures are
// harmless, since what is triggered is looked at anyway.
struct Triple {
  std::string_view characters;
  std::uint8_t bit;
};
constexpr Triple kTriples[] = {{"lat", 1},  {"lic", 2},  {"lpr", 4},  {"tag", 8},   {"vrm", 16},
                               {"vrn", 16}, {"egi", 32}, {".jp", 64}, {".ti", 128}, {".pn", 128}};

static_assert(std::ranges::all_of(kPlateNameMarks, [](std::string_view mark) {
  return std::ranges::find(kTriples, mark, &Triple::characters) != std::end(kTriples);
}));

using Table = std::array<std::uint8_t, 128>;

constexpr Table kClasses = [] {
  Table classes{};
  for (std::size_t c = '0'; c <= '9'; ++c) classes[c] = kDigit;
  for (std::size_t c = 'A'; c <= 'Z'; ++c) classes[c] = classes[c | 0x20] = kLetter;
  for (const char c : std::string_view("OQIoqi")) classes[static_cast<std::size_t>(c)] |= kFolds;
  for (const char c : kSeparators) classes[static_cast<std::size_t>(c)] = kSeparator;
  for (const char c : kStructurals) classes[static_cast<std::size_t>(c)] = kStructural;
  for (const char c : kLengths) classes[static_cast<std::size_t>(c)] |= kLength;
  return classes;
}();

constexpr std::array<Table, 3> kTriggers = [] {
  std::array<Table, 3> triggers{};
  for (const auto& [characters, bit] : kTriples) {
    for (std::size_t i = 0; i < triggers.size(); ++i) {
      const auto c = static_cast<std::size_t>(characters[i]);
      triggers[i][c] |= bit;
      if (c >= 'a') triggers[i][c & 0x5F] |= bit;
    }
  }
  return triggers;
}();

static_assert(kFirstOtherLetter == 0xC0, "the two highest bits say that a byte is a letter beyond ASCII");

// A table of 128 entries of few bits, taken apart by the halves of the character: low & high has the bits of the entry
// when each bit stands for rows (high halves) that have the same columns.
struct Halves {
  std::array<std::uint8_t, 16> low{};
  std::array<std::uint8_t, 16> high{};
};

// Up to four classes in one pair of halves, and which bits stand for each.
struct ClassHalves {
  Halves halves;
  std::array<std::uint8_t, 4> bits{};
};

constexpr ClassHalves HalvesOf(std::array<std::uint8_t, 4> classes) {
  ClassHalves all;
  unsigned next = 1;
  for (std::size_t i = 0; i < classes.size(); ++i) {
    std::array<unsigned, 8> columns{};  // of each row, one bit each
    for (std::size_t c = 0; c < kClasses.size(); ++c) {
      if ((kClasses[c] & classes[i]) != 0) columns[c >> 4] |= 1u << (c & 15);
    }
    for (std::size_t row = 0; row < columns.size(); ++row) {
      if (columns[row] == 0) continue;
      std::size_t same = 0;
      while (columns[same] != columns[row]) ++same;
      if (same < row) {
        all.halves.high[row] |= all.halves.high[same] & all.bits[i];
        continue;
      }
      if (next > 0x80) throw "too many bits";
      for (std::size_t column = 0; column < 16; ++column) {
        if ((columns[row] >> column & 1) != 0) all.halves.low[column] |= static_cast<std::uint8_t>(next);
      }
      all.halves.high[row] |= static_cast<std::uint8_t>(next);
      all.bits[i] |= static_cast<std::uint8_t>(next);
      next <<= 1;
    }
  }
  return all;
}

// Each triple has its own bit, and letters stand in two rows with the same columns.
constexpr Halves TriggerHalves(const Table& table) {
  Halves halves;
  for (std::size_t c = 0; c < table.size(); ++c) {
    halves.low[c & 15] |= table[c];
    halves.high[c >> 4] |= table[c];
  }
  return halves;
}

constexpr ClassHalves kWordHalves = HalvesOf({kLetter, kDigit, kFolds, kLength});
constexpr ClassHalves kMarkHalves = HalvesOf({kSeparator, kStructural, 0, 0});
constexpr std::array<Halves, 3> kTriggerHalves = {TriggerHalves(kTriggers[0]), TriggerHalves(kTriggers[1]),
                                                  TriggerHalves(kTriggers[2])};

struct Bits {
  std::uint64_t letter = 0, digit = 0, folds = 0, separator = 0, structural = 0, trigger = 0, length = 0;
};

Bits ClassifyBlock(const std::uint8_t* block) {
  Bits bits;
  for (std::size_t i = 0; i < TextMasks::kBits; ++i) {
    const auto entry = [&](const Table& table, std::size_t ahead) {
      return block[i + ahead] < 0x80 ? table[block[i + ahead]] : std::uint8_t{0};
    };
    const std::uint64_t bit = std::uint64_t{1} << i;
    const std::uint8_t kind = entry(kClasses, 0);
    if ((kind & kLetter) != 0 || block[i] >= kFirstOtherLetter) bits.letter |= bit;
    if ((kind & kDigit) != 0) bits.digit |= bit;
    if ((kind & kFolds) != 0) bits.folds |= bit;
    if ((kind & kSeparator) != 0) bits.separator |= bit;
    if ((kind & kStructural) != 0) bits.structural |= bit;
    if ((kind & kLength) != 0) bits.length |= bit;
    if ((entry(kTriggers[0], 0) & entry(kTriggers[1], 1) & entry(kTriggers[2], 2)) != 0) bits.trigger |= bit;
  }
  return bits;
}

void ClassifyTextPortably(const std::uint8_t* text, std::span<Bits> blocks) {
  for (std::size_t i = 0; i < blocks.size(); ++i) blocks[i] = ClassifyBlock(text + i * TextMasks::kBits);
}

[[gnu::target("avx2")]] inline __m256i LookUp(const Halves& halves, __m256i bytes) {
  // A byte beyond ASCII has its highest bit set: the shuffle of its low half gives zero.
  const __m256i high = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), _mm256_set1_epi8(0x0F));
  const __m256i low = _mm256_and_si256(bytes, _mm256_set1_epi8(static_cast<char>(0x8F)));
  return _mm256_and_si256(_mm256_shuffle_epi8(InBothHalves(halves.low), low),
                          _mm256_shuffle_epi8(InBothHalves(halves.high), high));
}

[[gnu::target("avx2")]] inline std::uint32_t NotZero(__m256i bytes) {
  return ~static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, _mm256_setzero_si256())));
}

[[gnu::target("avx2")]] inline std::uint64_t HasAny(__m256i bytes, std::uint8_t bits) {
  return NotZero(_mm256_and_si256(bytes, _mm256_set1_epi8(static_cast<char>(bits))));
}

// Those of ASCII, and the bytes whose two highest bits are set.
[[gnu::target("avx2")]] inline std::uint64_t AreLetters(__m256i bytes, __m256i words) {
  const __m256i letters = _mm256_and_si256(words, _mm256_set1_epi8(static_cast<char>(kWordHalves.bits[0])));
  const __m256i beyond = _mm256_and_si256(bytes, _mm256_slli_epi16(bytes, 1));
  const __m256i others = _mm256_andnot_si256(beyond, _mm256_cmpeq_epi8(letters, _mm256_setzero_si256()));
  return ~static_cast<std::uint32_t>(_mm256_movemask_epi8(others));
}

[[gnu::target("avx2")]] void ClassifyTextWithAvx2(const std::uint8_t* text, std::span<Bits> blocks) {
  for (Bits& bits : blocks) {
    bits = {};
    for (unsigned half = 0; half < TextMasks::kBits; half += 32, text += 32) {
      const auto load = [&](unsigned ahead) __attribute__((target("avx2"), always_inline)) {
        return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text + ahead));
      };
      const __m256i bytes = load(0);
      const __m256i words = LookUp(kWordHalves.halves, bytes);
      const __m256i marks = LookUp(kMarkHalves.halves, bytes);
      const __m256i triggers =
          _mm256_and_si256(LookUp(kTriggerHalves[0], bytes),
                           _mm256_and_si256(LookUp(kTriggerHalves[1], load(1)), LookUp(kTriggerHalves[2], load(2))));
      bits.letter |= AreLetters(bytes, words) << half;
      bits.digit |= HasAny(words, kWordHalves.bits[1]) << half;
      bits.folds |= HasAny(words, kWordHalves.bits[2]) << half;
      bits.separator |= HasAny(marks, kMarkHalves.bits[0]) << half;
      bits.structural |= HasAny(marks, kMarkHalves.bits[1]) << half;
      bits.trigger |= std::uint64_t{NotZero(triggers)} << half;
      bits.length |= HasAny(words, kWordHalves.bits[3]) << half;
    }
  }
}

[[gnu::target("avx512f,avx512bw,avx512vl,avx512vbmi")]] inline __m512i LookUp(const Table& table, __m512i bytes) {
  const __mmask64 ascii = ~_mm512_movepi8_mask(bytes);
  return _mm512_maskz_permutex2var_epi8(ascii, _mm512_loadu_si512(table.data()), bytes,
                                        _mm512_loadu_si512(table.data() + 64));
}

[[gnu::target("avx512f,avx512bw,avx512vl,avx512vbmi")]] void ClassifyTextWithAvx512(const std::uint8_t* text,
                                                                                    std::span<Bits> blocks) {
  for (Bits& bits : blocks) {
    const __m512i bytes = _mm512_loadu_si512(text);
    const __m512i kinds = LookUp(kClasses, bytes);
    const __m512i triggers = _mm512_and_si512(LookUp(kTriggers[0], bytes),
                                              _mm512_and_si512(LookUp(kTriggers[1], _mm512_loadu_si512(text + 1)),
                                                               LookUp(kTriggers[2], _mm512_loadu_si512(text + 2))));
    const std::uint64_t beyond = _mm512_cmpge_epu8_mask(bytes, _mm512_set1_epi8(static_cast<char>(kFirstOtherLetter)));
    bits = {_mm512_test_epi8_mask(kinds, _mm512_set1_epi8(kLetter)) | beyond,
            _mm512_test_epi8_mask(kinds, _mm512_set1_epi8(kDigit)),
            _mm512_test_epi8_mask(kinds, _mm512_set1_epi8(kFolds)),
            _mm512_test_epi8_mask(kinds, _mm512_set1_epi8(kSeparator)),
            _mm512_test_epi8_mask(kinds, _mm512_set1_epi8(kStructural)),
            _mm512_test_epi8_mask(triggers, triggers),
            _mm512_test_epi8_mask(kinds, _mm512_set1_epi8(kLength))};
    text += TextMasks::kBits;
  }
}

// The bits of `word` that lie in runs of more than kPlateMaximum, told the blocks before and after.
std::uint64_t LongRuns(std::uint64_t before, std::uint64_t word, std::uint64_t after) {
  static_assert(kPlateMaximum == 8);
  std::uint64_t inside = word & word >> 1;
  inside &= inside >> 2;
  inside &= inside >> 4;
  const auto longest_at_edge = static_cast<int>(kPlateMaximum);
  if (inside == 0 && std::countl_one(before) + std::countr_one(word) <= longest_at_edge &&
      std::countl_one(word) + std::countr_one(after) <= longest_at_edge) {
    return 0;  // most text
  }
  using Wide = unsigned __int128;
  const Wide bits = Wide{before} >> 56 | Wide{word} << 8 | Wide{after} << 72;
  Wide eight = bits & bits >> 1;
  eight &= eight >> 2;
  eight &= eight >> 4;
  const Wide begins = eight & bits >> 8;
  Wide runs = begins | begins << 1;
  runs |= runs << 2;
  runs |= runs << 4;
  runs |= begins << 8;
  return static_cast<std::uint64_t>(runs >> 8);
}

}  // namespace

MaskPath BestMaskPath() noexcept {
  static const MaskPath best = __builtin_cpu_supports("avx512vbmi") != 0 && __builtin_cpu_supports("avx512bw") != 0
                                   ? MaskPath::kAvx512
                               : __builtin_cpu_supports("avx2") != 0 ? MaskPath::kAvx2
                                                                     : MaskPath::kPortable;
  return best;
}

void TextMasks::Fill(std::string_view text, std::size_t from, MaskPath path) {
  const std::size_t blocks = text.size() / kBits + 1;
  const auto classify = path == MaskPath::kAvx512 ? ClassifyTextWithAvx512
                        : path == MaskPath::kAvx2 ? ClassifyTextWithAvx2
                                                  : ClassifyTextPortably;
  const std::array all{&word_, &digit_, &separator_, &structural_, &seed_, &trigger_, &length_};
  for (auto* const bits : all) {
    if (bits->size() < blocks + 2) bits->resize(blocks + 2);
  }
  Bits before;
  std::uint64_t parting_letter_before = 0;
  std::uint64_t parting_digit_before = 0;
  std::array<Bits, kClassifiedAtOnce> classified;
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  for (std::size_t block = from / kBits; block < blocks;) {
    const auto now = std::span(classified).first(std::min(kClassifiedAtOnce, blocks - block));
    classify(bytes + block * kBits, now);
    for (const Bits& bits : now) {
      // Each mask moved on by one character, out of the block before.
      const std::uint64_t after_letter = bits.letter << 1 | before.letter >> 63;
      const std::uint64_t after_digit = bits.digit << 1 | before.digit >> 63;
      const std::uint64_t parting_letter = bits.separator & after_letter;
      const std::uint64_t parting_digit = bits.separator & after_digit;
      seed_[block] = (bits.digit & (after_letter | parting_letter << 1 | parting_letter_before >> 63)) |
                     (bits.letter & (after_digit | parting_digit << 1 | parting_digit_before >> 63));
      word_[block] = bits.letter | bits.digit;
      digit_[block] = bits.digit | bits.folds;
      separator_[block] = bits.separator;
      structural_[block] = bits.structural;
      trigger_[block] = bits.trigger;
      length_[block] = bits.length;
      before = bits;
      parting_letter_before = parting_letter;
      parting_digit_before = parting_digit;
      ++block;
    }
  }
  for (std::size_t i = 0; i < 2; ++i) {
    for (auto* const bits : all) (*bits)[blocks + i] = 0;
  }
  KeepLengthsBeforeSeeds(from / kBits, blocks);
  DropSeedsOfLongRuns(from / kBits, blocks);
}

// Those that kShortestInText letters and digits follow, with a seed in what may be the plate.
void TextMasks::KeepLengthsBeforeSeeds(std::size_t first, std::size_t blocks) {
  using Wide = unsigned __int128;
  static_assert(kShortestInText == 5 && kPlateMaximum == 8);
  for (std::size_t block = first; block < blocks; ++block) {
    if (length_[block] == 0) continue;
    if ((seed_[block] | seed_[block + 1]) == 0) {
      length_[block] = 0;
      continue;
    }
    const Wide words = Wide{word_[block]} | Wide{word_[block + 1]} << kBits;
    Wide run = words >> 1;
    run &= run >> 1;
    run &= run >> 2 & words >> 5;
    Wide near = (Wide{seed_[block]} | Wide{seed_[block + 1]} << kBits) >> 2;
    near |= near >> 1;
    near |= near >> 2;
    near |= near >> 3;
    length_[block] &= static_cast<std::uint64_t>(run & near);
  }
}

// Base64 is full of seeds, and all of them lie in runs that are too long for a plate.
void TextMasks::DropSeedsOfLongRuns(std::size_t first, std::size_t blocks) {
  for (std::size_t block = first; block < blocks; ++block) {
    if (seed_[block] == 0) continue;
    const std::uint64_t before = block == first ? 0 : word_[block - 1];
    const std::uint64_t after = block + 1 == blocks ? 0 : word_[block + 1];
    seed_[block] &= ~LongRuns(before, word_[block], after);
  }
}

}  // namespace spanwatch::fingerprint
