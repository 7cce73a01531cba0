#include "fingerprint/text_filter.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include <immintrin.h>

#include "fingerprint/avx2_table.h"

namespace spanwatch::fingerprint {
namespace {

constexpr unsigned kRun = 5;               // the shortest plate that counts in running text
constexpr std::size_t kBlocksAtOnce = 16;  // classified together

// The length that a byte before a string tells: as it is (MessagePack and others, MySQL, protocol buffers, Thrift,
// Redis), doubled (Avro), or doubled with the byte itself and one more (PostgreSQL's rows); 0 for none that may be a
// plate's.
constexpr std::array<std::uint8_t, 0x20> kToldLength = [] {
  std::array<std::uint8_t, 0x20> told{};
  for (std::uint8_t length = kRun; length <= 8; ++length) told[length] = length;
  for (std::uint8_t length = 6; length <= 8; ++length) {
    told[2 * length] = length;
    told[2 * length + 3] = length;
  }
  return told;
}();

// Class bits of a byte, found by its two halves: set in both tables.
constexpr std::uint8_t kDigitRow = 1, kLetterRowLow = 2, kLetterRowHigh = 4, kPunctuation = 8, kUnderscore = 16,
                       kLeadCE = 32, kLeadD = 64;
constexpr std::uint8_t kWord = kDigitRow | kLetterRowLow | kLetterRowHigh | kPunctuation | kUnderscore;
constexpr std::uint8_t kLead = kLeadCE | kLeadD;

constexpr std::array<std::uint8_t, 16> kHighHalf = [] {
  std::array<std::uint8_t, 16> table{};
  table[2] = kPunctuation;
  table[3] = kDigitRow;
  table[4] = table[6] = kLetterRowLow;
  table[5] = kLetterRowHigh | kUnderscore;
  table[7] = kLetterRowHigh;
  table[0xC] = table[0xE] = kLeadCE;
  table[0xD] = kLeadD;
  return table;
}();

constexpr std::array<std::uint8_t, 16> kLowHalf = [] {
  std::array<std::uint8_t, 16> table{};
  for (std::size_t i = 0; i < 16; ++i) {
    if (i <= 9) table[i] |= kDigitRow;
    if (i >= 1) table[i] |= kLetterRowLow;
    if (i <= 0xA) table[i] |= kLetterRowHigh;
    if (i == 0 || i == 0xB || i == 0xD || i == 0xE) table[i] |= kPunctuation;  // space + - .
    if (i == 0xF) table[i] |= kUnderscore;
    if (i == 2 || i == 0xE || i == 0xF) table[i] |= kLeadCE;  // C2 CE CF E2 EF (and EE)
    if (i <= 1) table[i] |= kLeadD;                           // D0 D1
  }
  return table;
}();

[[gnu::target("avx2")]] std::uint64_t Joined(__m256i low, __m256i high) {
  return static_cast<std::uint32_t>(_mm256_movemask_epi8(low)) |
         static_cast<std::uint64_t>(static_cast<std::uint32_t>(_mm256_movemask_epi8(high))) << 32;
}

struct HalfMasks {
  __m256i word, lead, continuation, high, nul, control, escape;
};

[[gnu::target("avx2")]] inline HalfMasks ClassifyHalf(const std::uint8_t* bytes) {
  const __m256i value = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
  const __m256i nibble = _mm256_set1_epi8(0x0F);
  const __m256i zero = _mm256_setzero_si256();
  const __m256i low = _mm256_shuffle_epi8(InBothHalves(kLowHalf), _mm256_and_si256(value, nibble));
  const __m256i high =
      _mm256_shuffle_epi8(InBothHalves(kHighHalf), _mm256_and_si256(_mm256_srli_epi16(value, 4), nibble));
  const __m256i classes = _mm256_and_si256(low, high);
  const auto has = [&](std::uint8_t bits) __attribute__((target("avx2"), always_inline)) {
    const __m256i missing =
        _mm256_cmpeq_epi8(_mm256_and_si256(classes, _mm256_set1_epi8(static_cast<char>(bits))), zero);
    return _mm256_xor_si256(missing, _mm256_set1_epi8(-1));
  };
  const auto equals = [&](char c) __attribute__((target("avx2"), always_inline)) {
    return _mm256_cmpeq_epi8(value, _mm256_set1_epi8(c));
  };
  const __m256i below_space = _mm256_cmpeq_epi8(_mm256_min_epu8(value, _mm256_set1_epi8(0x1F)), value);
  const __m256i of_text = _mm256_or_si256(equals('\t'), _mm256_or_si256(equals('\n'), equals('\r')));
  return {has(kWord),
          has(kLead),
          _mm256_cmpgt_epi8(_mm256_set1_epi8(static_cast<char>(0xC0)), value),
          value,
          _mm256_cmpeq_epi8(value, zero),
          _mm256_or_si256(_mm256_andnot_si256(of_text, below_space), equals(0x7F)),
          _mm256_or_si256(_mm256_or_si256(equals('\\'), equals('&')), _mm256_or_si256(equals('%'), value))};
}

[[gnu::target("avx2")]] void ClassifyWithAvx2(const std::uint8_t* blocks, std::span<BlockMasks> masks) noexcept {
  for (BlockMasks& block : masks) {
    const HalfMasks low = ClassifyHalf(blocks);
    const HalfMasks high = ClassifyHalf(blocks + kTextBlock / 2);
    block = {Joined(low.word, high.word),    Joined(low.lead, high.lead), Joined(low.continuation, high.continuation),
             Joined(low.high, high.high),    Joined(low.nul, high.nul),   Joined(low.control, high.control),
             Joined(low.escape, high.escape)};
    blocks += kTextBlock;
  }
}

[[gnu::target("avx512f,avx512bw")]] inline __m512i RepeatWide(const std::array<std::uint8_t, 16>& table) {
  return _mm512_maskz_broadcast_i32x4(0xFFFF, _mm_loadu_si128(reinterpret_cast<const __m128i*>(table.data())));
}

[[gnu::target("avx512f,avx512bw")]] void ClassifyWithAvx512(const std::uint8_t* blocks,
                                                            std::span<BlockMasks> masks) noexcept {
  const __m512i nibble = _mm512_set1_epi8(0x0F);
  const __m512i low_half = RepeatWide(kLowHalf), high_half = RepeatWide(kHighHalf);
  const auto all = [&](int byte) __attribute__((target("avx512f,avx512bw"), always_inline)) {
    return _mm512_set1_epi8(static_cast<char>(byte));
  };
  for (BlockMasks& block : masks) {
    const __m512i value = _mm512_loadu_si512(blocks);
    const __m512i low = _mm512_shuffle_epi8(low_half, _mm512_and_si512(value, nibble));
    const __m512i high = _mm512_shuffle_epi8(high_half, _mm512_and_si512(_mm512_srli_epi16(value, 4), nibble));
    const __m512i classes = _mm512_and_si512(low, high);
    const std::uint64_t of_text = _mm512_cmpeq_epi8_mask(value, all('\t')) | _mm512_cmpeq_epi8_mask(value, all('\n')) |
                                  _mm512_cmpeq_epi8_mask(value, all('\r'));
    block.word = _mm512_test_epi8_mask(classes, all(kWord));
    block.lead = _mm512_test_epi8_mask(classes, all(kLead));
    block.continuation = _mm512_cmplt_epi8_mask(value, all(0xC0));
    block.high = _mm512_movepi8_mask(value);
    block.nul = _mm512_testn_epi8_mask(value, value);
    block.control = (_mm512_cmplt_epu8_mask(value, all(0x20)) & ~of_text) | _mm512_cmpeq_epi8_mask(value, all(0x7F));
    block.escape = _mm512_cmpeq_epi8_mask(value, all('\\')) | _mm512_cmpeq_epi8_mask(value, all('&')) |
                   _mm512_cmpeq_epi8_mask(value, all('%')) | block.high;
    blocks += kTextBlock;
  }
}

// The bytes that a plate may be made of, in UTF-8 or UTF-16. Where a neighbour lies in another block the byte counts.
std::uint64_t PlateCharacters(const BlockMasks& masks) {
  const std::uint64_t word = masks.word;
  const std::uint64_t lead = masks.lead & (masks.continuation >> 1 | std::uint64_t{1} << 63);
  std::uint64_t plate = word | lead | lead << 1 | (lead << 2 & masks.continuation) | (masks.continuation & 3);
  plate |= masks.nul & (word << 1 | word >> 1 | 1);
  return plate;
}

bool IsText(const BlockMasks& masks) { return (masks.control & ~masks.nul) == 0 && (masks.nul & masks.nul << 1) == 0; }

BlockMasks ClassifyBlockPortably(const std::uint8_t* block) {
  BlockMasks masks;
  for (std::size_t i = 0; i < kTextBlock; ++i) {
    const std::uint8_t byte = block[i];
    const std::uint8_t classes = kLowHalf[byte & 0x0F] & kHighHalf[byte >> 4];
    const std::uint64_t bit = std::uint64_t{1} << i;
    if ((classes & kWord) != 0) masks.word |= bit;
    if ((classes & kLead) != 0) masks.lead |= bit;
    if (byte >= 0x80 && byte < 0xC0) masks.continuation |= bit;
    if (byte >= 0x80) masks.high |= bit;
    if (byte == 0) masks.nul |= bit;
    if ((byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7F) masks.control |= bit;
    if (byte == '\\' || byte == '&' || byte == '%' || byte >= 0x80) masks.escape |= bit;
  }
  return masks;
}

}  // namespace

void ClassifyText(const std::uint8_t* blocks, std::span<BlockMasks> masks, MaskPath path) noexcept {
  if (path == MaskPath::kAvx512) return ClassifyWithAvx512(blocks, masks);
  if (path == MaskPath::kAvx2) return ClassifyWithAvx2(blocks, masks);
  for (std::size_t i = 0; i < masks.size(); ++i) masks[i] = ClassifyBlockPortably(blocks + i * kTextBlock);
}

void TextFilter::Update(ByteView bytes) noexcept {
  if (part_size_ != 0) {
    const std::size_t taken = std::min(kTextBlock - part_size_, bytes.size());
    std::copy_n(bytes.data(), taken, part_.data() + part_size_);
    part_size_ += taken;
    bytes = bytes.subspan(taken);
    if (part_size_ < kTextBlock) return;
    Blocks(part_, kTextBlock);
    part_size_ = 0;
  }
  while (bytes.size() >= kTextBlock) {
    const std::size_t taken = std::min(bytes.size(), kBlocksAtOnce * kTextBlock) / kTextBlock * kTextBlock;
    Blocks(bytes.first(taken), kTextBlock);
    bytes = bytes.subspan(taken);
  }
  if (bytes.empty()) return;
  std::copy_n(bytes.data(), bytes.size(), part_.data());
  part_size_ = bytes.size();
}

void TextFilter::Gap(std::uint64_t length) noexcept {
  FlushPart();
  offset_ += length;
  wide_.Reset();
  Break();
  tail_.fill(' ');
  skipped_ = true;
  run_ = 0;
}

void TextFilter::Finish() noexcept { FlushPart(); }

void TextFilter::FlushPart() noexcept {
  if (part_size_ == 0) return;
  std::fill(part_.begin() + static_cast<std::ptrdiff_t>(part_size_), part_.end(), std::uint8_t{' '});
  Blocks(part_, part_size_);
  part_size_ = 0;
}

// Whole blocks; `size`: how much of the last one is text.
void TextFilter::Blocks(ByteView blocks, std::size_t size) noexcept {
  std::array<BlockMasks, kBlocksAtOnce> masks;
  const std::size_t count = blocks.size() / kTextBlock;
  ClassifyText(blocks.data(), std::span(masks).first(count), path_);
  const auto plain = [](const BlockMasks& block) { return (block.control | block.escape) == 0; };
  for (std::size_t i = 0; i < count;) {
    std::size_t end = i;
    while (end < count && plain(masks[end])) ++end;
    if (end == count && size < kTextBlock) end = i;
    if (end == i) {
      Block(blocks.data() + i * kTextBlock, size, masks[i]);
      ++i;
    } else {
      PlainBlocks(blocks.subspan(i * kTextBlock, (end - i) * kTextBlock), masks[end - 1]);
      i = end;
    }
  }
}

// As Block for each of them.
void TextFilter::PlainBlocks(ByteView blocks, const BlockMasks& last) noexcept {
  wide_.Reset();
  PassCarried();
  tail_.fill(' ');
  sink_->OnPlainText(blocks, offset_);
  broken_ = false;
  skipped_ = false;
  run_ = std::min(static_cast<unsigned>(std::countl_one(PlateCharacters(last))), kRun);
  offset_ += blocks.size();
}

// The end of a block that was skipped may be the beginning of a plate.
void TextFilter::PassCarried() noexcept {
  if (!skipped_ || run_ == 0) return;
  const std::size_t carried = std::min<std::size_t>(run_, tail_.size());
  Pass(tail_.data(), 0, tail_.size() - carried, tail_.size());
}

// A block that was read as wide text.
void TextFilter::WideBlock(std::size_t size, const BlockMasks& masks) noexcept {
  PassCarried();
  const ByteView text = AsBytes(wide_.text());
  for (std::size_t i = 0; i < text.size(); i += kTextBlock) {
    sink_->OnText(text.subspan(i, std::min(kTextBlock, text.size() - i)), 0, offset_);
    broken_ = false;
  }
  skipped_ = false;
  run_ = size == kTextBlock ? std::min(static_cast<unsigned>(std::countl_one(PlateCharacters(masks))), kRun) : 0;
  offset_ += size;
}

void TextFilter::Block(const std::uint8_t* block, std::size_t size, const BlockMasks& masks) noexcept {
  if (offset_ == 0) wide_.Expect(block, masks);
  if ((masks.nul != 0 || wide_.under_way()) && wide_.Read(block, size, masks)) return WideBlock(size, masks);
  const std::uint64_t plate = PlateCharacters(masks);
  const std::uint64_t pairs = plate & plate >> 1;
  const std::uint64_t runs = pairs & pairs >> 2 & plate >> 4;
  const auto leading = static_cast<unsigned>(std::countr_one(plate));
  const bool joined = run_ != 0 && leading != 0 && run_ + leading >= kRun;
  const bool text = IsText(masks);
  const bool passed = text || runs != 0 || joined;
  if (passed) PassCarried();
  if (text) {
    Pass(block, masks.nul, 0, size);
  } else if (passed) {
    // What touches a neighbouring block may go on there.
    const std::uint64_t seeds = runs | (joined ? 1 : 0) | (plate & std::uint64_t{1} << (kTextBlock - 1));
    PassAround(block, seeds, ~(masks.control | masks.high) | plate, masks.nul);
    if (size < kTextBlock) Break();
  } else {
    Break();
  }
  if (size >= tail_.size()) std::memcpy(tail_.data(), block + size - tail_.size(), tail_.size());
  skipped_ = !passed;
  run_ = size == kTextBlock ? std::min(static_cast<unsigned>(std::countl_one(plate)), kRun) : 0;
  offset_ += size;
}

// Passes on each run of printable bytes that holds a seed.
void TextFilter::PassAround(const std::uint8_t* block, std::uint64_t seeds, std::uint64_t printable,
                            std::uint64_t nul) noexcept {
  while (seeds != 0) {
    const auto seed = static_cast<unsigned>(std::countr_zero(seeds));
    const std::uint64_t below = ~printable & ((std::uint64_t{1} << seed) - 1);
    const auto begin = static_cast<std::size_t>(std::bit_width(below));
    const std::size_t end = seed + static_cast<std::size_t>(std::countr_one(printable >> seed));
    if (begin > 0) Break();
    Pass(block, nul, begin, end);
    if (end >= kTextBlock) return;
    Break();
    seeds &= ~std::uint64_t{0} << end;
  }
}

void TextFilter::Pass(const std::uint8_t* block, std::uint64_t nul, std::size_t begin, std::size_t end) noexcept {
  if (broken_) begin = TellLength(block, begin, end);
  sink_->OnText({block + begin, end - begin}, nul >> begin, offset_);
  broken_ = false;
}

// Tells a length that stands before [begin, end): one byte, or the lowest of up to four. Returns where the string
// begins, which is behind NULs that belong to the length.
std::size_t TextFilter::TellLength(const std::uint8_t* block, std::size_t begin, std::size_t end) noexcept {
  constexpr std::size_t kMostNuls = 3;
  const bool carried = block == tail_.data();
  std::size_t string = begin;
  while (string < end && block[string] == 0) ++string;
  // The byte so far before the string, which may lie in the block before.
  const auto before = [&](std::size_t distance) -> std::uint8_t {
    if (distance <= string) return block[string - distance];
    const std::size_t back = distance - string;
    return carried || back > tail_.size() ? ' ' : tail_[tail_.size() - back];
  };
  std::size_t nuls = 0;
  while (nuls < kMostNuls && before(nuls + 1) == 0) ++nuls;
  const std::uint8_t told = before(nuls + 1);
  if (told >= kToldLength.size() || kToldLength[told] == 0) return begin;
  sink_->OnString(kToldLength[told]);
  return string;
}

void TextFilter::Break() noexcept {
  if (!broken_) sink_->OnBreak();
  broken_ = true;
}

}  // namespace spanwatch::fingerprint
