#define XXH_INLINE_ALL  // its path for 64 bytes is shorter than a call
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
constexpr std::size_t kMarkedBlock = 64;  // positions marked together, a bit each
constexpr std::size_t kBlocksMarked = 32;
constexpr std::size_t kHashedBytes = 8;
constexpr int kManySampled = 4;          // of a block
constexpr std::size_t kFirstBytes = 24;  // of a window
static_assert(kFirstBytes <= kWindowBytesMin);
constexpr std::size_t kUsualWindow = SampledWindows().window;

[[gnu::always_inline]] inline std::uint32_t Hash8(const std::uint8_t* bytes) {
  std::uint32_t low;
  std::uint32_t high;
  std::memcpy(&low, bytes, sizeof(low));
  std::memcpy(&high, bytes + sizeof(low), sizeof(high));
  return low * kFactor1 + high * kFactor2;
}

// Bit i of masks[b]: position 64 b + i is sampled. REQUIRES: 64 blocks + 7 readable bytes
using MarkFunction = void (*)(const std::uint8_t* bytes, std::size_t blocks, std::uint32_t last, std::uint64_t* masks);

void MarkScalar(const std::uint8_t* bytes, std::size_t blocks, std::uint32_t last, std::uint64_t* masks) {
  for (std::size_t block = 0; block < blocks; ++block, bytes += kMarkedBlock) {
    std::uint64_t sampled = 0;
    for (std::size_t i = 0; i < kMarkedBlock; ++i) sampled |= std::uint64_t{Hash8(bytes + i) <= last} << i;
    masks[block] = sampled;
  }
}

// Lane l of step s is position 4 l + s: byte s of lane l of the four results together.
[[gnu::target("avx2,bmi2")]] void MarkAvx2(const std::uint8_t* bytes, std::size_t blocks, std::uint32_t last,
                                           std::uint64_t* masks) {
  const __m256i factor1 = _mm256_set1_epi32(static_cast<int>(kFactor1));
  const __m256i factor2 = _mm256_set1_epi32(static_cast<int>(kFactor2));
  const __m256i bound = _mm256_set1_epi32(static_cast<int>(last));
  const __m256i second_byte = _mm256_set1_epi32(0x0000FF00);
  const __m256i fourth_byte = _mm256_set1_epi32(static_cast<int>(0xFF000000));
  const auto sampled = [&](const std::uint8_t* at) __attribute__((target("avx2,bmi2"), always_inline)) {
    const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
    const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at + 4));
    const __m256i hash = _mm256_add_epi32(_mm256_mullo_epi32(low, factor1), _mm256_mullo_epi32(high, factor2));
    return _mm256_cmpeq_epi32(_mm256_min_epu32(hash, bound), hash);
  };
  const auto half = [&](const std::uint8_t* at) __attribute__((target("avx2,bmi2"), always_inline)) {
    const __m256i first_two = _mm256_blendv_epi8(sampled(at), sampled(at + 1), second_byte);
    const __m256i last_two = _mm256_blendv_epi8(sampled(at + 2), sampled(at + 3), fourth_byte);
    return std::uint64_t{
        static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_blend_epi16(first_two, last_two, 0xAA)))};
  };
  for (std::size_t block = 0; block < blocks; ++block, bytes += kMarkedBlock)
    masks[block] = half(bytes) | half(bytes + kMarkedBlock / 2) << 32;
}

[[gnu::target("avx512f,bmi2")]] void MarkAvx512(const std::uint8_t* bytes, std::size_t blocks, std::uint32_t last,
                                                std::uint64_t* masks) {
  const __m512i factor1 = _mm512_set1_epi32(static_cast<int>(kFactor1));
  const __m512i factor2 = _mm512_set1_epi32(static_cast<int>(kFactor2));
  const __m512i bound = _mm512_set1_epi32(static_cast<int>(last));
  for (std::size_t block = 0; block < blocks; ++block, bytes += kMarkedBlock) {
    std::uint64_t sampled = 0;
    for (int s = 0; s < 4; ++s) {
      const __m512i low = _mm512_loadu_si512(bytes + s);
      const __m512i high = _mm512_loadu_si512(bytes + s + 4);
      const __m512i hash = _mm512_add_epi32(_mm512_mullo_epi32(low, factor1), _mm512_mullo_epi32(high, factor2));
      sampled |= _pdep_u64(_mm512_cmple_epu32_mask(hash, bound), 0x1111111111111111) << s;
    }
    masks[block] = sampled;
  }
}

[[gnu::always_inline]] inline bool LowEntropy(const std::uint8_t* bytes, std::size_t length) {
  std::uint64_t seen[4] = {};
  for (std::size_t i = 0; i < length; ++i) seen[bytes[i] >> 6] |= std::uint64_t{1} << (bytes[i] & 63);
  int distinct = 0;
  for (const std::uint64_t word : seen) distinct += std::popcount(word);
  return distinct < static_cast<int>(kLeastDistinctBytes);
}

// The low six bits of its first bytes nearly always tell already that a window has values enough: of 24 random ones in
// 99 of 100 windows.
[[gnu::always_inline]] inline bool LowEntropyWindow(const std::uint8_t* window, std::size_t length) {
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kFirstBytes; ++i) seen |= std::uint64_t{1} << (window[i] & 63);
  if (std::popcount(seen) >= static_cast<int>(kLeastDistinctBytes)) return false;
  return LowEntropy(window, length);
}

// Prints on their way to the sink, by kind.
struct Batch {
  PrintSink& sink;
  WindowBytes windows;
  std::array<std::size_t, WindowScanner::kKindsMax> counts{};
  std::array<std::array<FragmentPrint, WindowScanner::kPrintsAtOnce>, WindowScanner::kKindsMax> prints;

  void Add(std::size_t kind, const FragmentPrint& print) {
    prints[kind][counts[kind]++] = print;
    if (counts[kind] == prints[kind].size()) Flush(kind);
  }
  void Flush(std::size_t kind) {
    windows.kind = kind;
    if (counts[kind] > 0) sink.OnPrints(std::span(prints[kind]).first(counts[kind]), windows);
    counts[kind] = 0;
  }
};

}  // namespace

// The same code for each kind of processor.
struct ScanPaths {
  using Parameters = WindowScanner::Parameters;

  [[gnu::always_inline]] static inline void TakeBlock(const Parameters& parameters, const std::uint8_t* block,
                                                      std::uint64_t offset, std::uint64_t sampled, Batch& batch) {
    for (; sampled != 0; sampled &= sampled - 1) {
      const auto at = static_cast<std::size_t>(std::countr_zero(sampled));
      const std::uint8_t* window = block + at;
      if (LowEntropyWindow(window, parameters.window)) continue;
      const std::uint32_t sampled_by = Hash8(window);
      for (std::size_t kind = 0; kind < parameters.kinds.size(); ++kind) {
        const auto& [seed, last] = parameters.kinds[kind];
        if (sampled_by > last) continue;
        // The usual length is known here to the compiler.
        const std::uint64_t hash = parameters.window == kUsualWindow
                                       ? XXH3_64bits_withSeed(window, kUsualWindow, seed)
                                       : XXH3_64bits_withSeed(window, parameters.window, seed);
        batch.Add(kind, {offset + at, hash});
      }
    }
  }

  // Runs of zero sample every position. When all the windows of a block together have low entropy, so has each.
  [[gnu::always_inline]] static inline bool AllLowEntropy(const Parameters& parameters, const std::uint8_t* block,
                                                          std::uint64_t sampled, std::size_t positions) {
    return std::popcount(sampled) > kManySampled && LowEntropy(block, positions + parameters.window - 1);
  }

  template <MarkFunction kMark>
  [[gnu::always_inline]] static inline void Scan(const Parameters& parameters, const std::uint8_t* bytes,
                                                 std::size_t positions, PrintSink& sink) {
    std::array<std::uint64_t, kBlocksMarked> masks;
    Batch batch{sink, {bytes, parameters.offset, parameters.window}};
    const auto flush = [&] {
      for (std::size_t kind = 0; kind < parameters.kinds.size(); ++kind) batch.Flush(kind);
    };
    std::size_t at = 0;
    while (positions - at >= kMarkedBlock) {
      const std::size_t blocks = std::min(kBlocksMarked, (positions - at) / kMarkedBlock);
      kMark(bytes + at, blocks, parameters.last, masks.data());
      for (std::size_t i = 0; i < blocks; ++i, at += kMarkedBlock) {
        if (masks[i] == 0 || AllLowEntropy(parameters, bytes + at, masks[i], kMarkedBlock)) continue;
        TakeBlock(parameters, bytes + at, parameters.offset + at, masks[i], batch);
      }
    }
    const std::size_t rest = positions - at;
    if (rest == 0) return flush();
    std::uint64_t sampled = 0;
    if (rest + parameters.window >= kMarkedBlock + kHashedBytes) {  // a whole block is readable
      kMark(bytes + at, 1, parameters.last, &sampled);
      sampled &= ~std::uint64_t{0} >> (kMarkedBlock - rest);
    } else {
      for (std::size_t i = 0; i < rest; ++i) sampled |= std::uint64_t{Hash8(bytes + at + i) <= parameters.last} << i;
    }
    if (sampled != 0 && !AllLowEntropy(parameters, bytes + at, sampled, rest))
      TakeBlock(parameters, bytes + at, parameters.offset + at, sampled, batch);
    flush();
  }

  static void Scalar(const Parameters& parameters, const std::uint8_t* bytes, std::size_t positions, PrintSink& sink) {
    Scan<MarkScalar>(parameters, bytes, positions, sink);
  }
  [[gnu::target("avx2,bmi,bmi2,popcnt")]] static void Avx2(const Parameters& parameters, const std::uint8_t* bytes,
                                                           std::size_t positions, PrintSink& sink) {
    Scan<MarkAvx2>(parameters, bytes, positions, sink);
  }
  [[gnu::target("avx512f,bmi,bmi2,popcnt")]] static void Avx512(const Parameters& parameters, const std::uint8_t* bytes,
                                                                std::size_t positions, PrintSink& sink) {
    Scan<MarkAvx512>(parameters, bytes, positions, sink);
  }
};

bool WindowScanner::Supports(SamplerPath path) {
  if (path == SamplerPath::kBest || path == SamplerPath::kScalar) return true;
  const bool bits = __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
  return bits && (path == SamplerPath::kAvx2 ? __builtin_cpu_supports("avx2") : __builtin_cpu_supports("avx512f"));
}

WindowScanner::WindowScanner(std::span<const SampledWindows> kinds, SamplerPath path)
    : window_(std::clamp(kinds.front().window, kWindowBytesMin, kWindowBytesMax)), scan_(ScanPaths::Scalar) {
  for (const SampledWindows& windows : kinds) {
    const std::uint32_t last = 0xFFFFFFFFu / std::max<std::uint32_t>(windows.density, 1);
    kinds_[kind_count_++] = {windows.seed, last};
    last_ = std::max(last_, last);
  }
  const auto wants = [&](SamplerPath one) { return (path == one || path == SamplerPath::kBest) && Supports(one); };
  if (wants(SamplerPath::kAvx512))
    scan_ = ScanPaths::Avx512;
  else if (wants(SamplerPath::kAvx2))
    scan_ = ScanPaths::Avx2;
}

void FragmentSampler::Update(ByteView bytes) noexcept {
  const std::uint64_t begin = position_;
  Pass(bytes);
  const std::size_t window = scanner_.window();
  if (bytes.size() >= window) scanner_.Scan(bytes.data(), bytes.size() - window + 1, begin, sink_);
}

void FragmentSampler::Pass(ByteView bytes) noexcept {
  const std::size_t tail = scanner_.window() - 1;
  const std::size_t joined = std::min(bytes.size(), tail);
  if (joined > 0) std::memcpy(tail_.data() + held_, bytes.data(), joined);
  const std::size_t filled = held_ + joined;
  const std::size_t starts = filled > tail ? std::min(filled - tail, held_) : 0;
  if (starts > 0) scanner_.Scan(tail_.data(), starts, position_ - held_, sink_);
  position_ += bytes.size();
  if (bytes.size() > tail) {
    std::memcpy(tail_.data(), bytes.data() + bytes.size() - tail, tail);
    held_ = tail;
  } else {
    const std::size_t kept = std::min(filled, tail);
    std::memmove(tail_.data(), tail_.data() + (filled - kept), kept);
    held_ = kept;
  }
}

void FragmentSampler::Gap(std::uint64_t length) noexcept {
  position_ += length;
  held_ = 0;
}

}  // namespace spanwatch::fingerprint
