// The sampled windows of bytes (design.md section 5, Fragment). Shared by enrolment and detection.
//
// A position p is sampled when  b[p..p+4)*K1 + b[p+4..p+8)*K2 mod 2^32  (little-endian words)  is below 2^32 / density.
// Its print is XXH3-64, with the set's seed, of the 64 bytes from p on. A window with fewer than 16 distinct byte
// values is left out. Both need nothing but the window itself, so that any run of bytes gives the prints of its windows
// wherever it stands. No allocation. One thread each.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "model/fingerprint.h"

namespace spanwatch::fingerprint {

inline constexpr std::size_t kWindowBytes = 64;
inline constexpr std::size_t kLeastDistinctBytes = 16;

// kBest: what the processor has. Every path gives the same prints.
enum class SamplerPath : std::uint8_t { kBest, kScalar, kAvx2, kAvx512 };

class PrintSink {
 public:
  virtual ~PrintSink() = default;
  // At most WindowScanner::kPrintsAtOnce, in ascending order of offset, also from call to call; valid for the call.
  virtual void OnPrints(std::span<const FragmentPrint> prints) noexcept = 0;
};

// WindowScanner: the windows of bytes that lie in memory.
class WindowScanner {
 public:
  static constexpr std::size_t kPrintsAtOnce = 32;

  WindowScanner(std::uint64_t seed, std::uint32_t density, SamplerPath path = SamplerPath::kBest);
  static bool Supports(SamplerPath path);

  // The sampled windows that begin in the first `positions` bytes; `offset` is that of the first.
  // REQUIRES: positions + kWindowBytes - 1 readable bytes
  void Scan(const std::uint8_t* bytes, std::size_t positions, std::uint64_t offset, PrintSink& sink) const noexcept {
    scan_({seed_, last_, offset}, bytes, positions, sink);
  }

 private:
  struct Parameters {
    std::uint64_t seed;
    std::uint32_t last;  // the greatest hash that is sampled
    std::uint64_t offset;
  };
  using ScanFunction = void (*)(const Parameters& parameters, const std::uint8_t* bytes, std::size_t positions,
                                PrintSink& sink);
  friend struct ScanPaths;

  std::uint64_t seed_;
  std::uint32_t last_;
  ScanFunction scan_;
};

// FragmentSampler: the windows of a byte stream, which may be split anywhere; a gap ends the windows before it.
class FragmentSampler {
 public:
  FragmentSampler(std::uint64_t seed, std::uint32_t density, PrintSink& sink, SamplerPath path = SamplerPath::kBest)
      : scanner_(seed, density, path), sink_(sink) {}

  void Update(ByteView bytes) noexcept;
  // As Update, for bytes whose own windows are known already: gives only those that begin before them.
  void Pass(ByteView bytes) noexcept;
  void Gap(std::uint64_t length) noexcept;
  std::uint64_t position() const { return position_; }
  const WindowScanner& scanner() const { return scanner_; }

 private:
  static constexpr std::size_t kTail = kWindowBytes - 1;

  WindowScanner scanner_;
  PrintSink& sink_;
  std::uint64_t position_ = 0;  // bytes seen, gaps included
  std::size_t held_ = 0;
  std::array<std::uint8_t, 2 * kTail> tail_{};
};

}  // namespace spanwatch::fingerprint
