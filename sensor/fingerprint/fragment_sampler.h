// The sampled windows of bytes (design.md section 5, Fragment). Shared by enrolment and detection.
//
// A position p is sampled when  b[p..p+4)*K1 + b[p+4..p+8)*K2 mod 2^32  (little-endian words)  is below 2^32 / density.
// Its print is XXH3-64, with the set's seed, of the window (64 bytes unless the set says otherwise) from p on. A window
// with fewer than 16 distinct byte values is left out. Both need nothing but the window itself, so that any run of
// bytes gives the prints of its windows wherever it stands. No allocation. One thread each.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "model/fingerprint.h"

namespace spanwatch::fingerprint {

inline constexpr std::uint32_t kWindowBytesMin = 32, kWindowBytesMax = 256;
inline constexpr std::size_t kLeastDistinctBytes = 16;

// Of one set.
struct SampledWindows {
  std::uint64_t seed = 0;
  std::uint32_t density = 256;  // one position in so many
  std::uint32_t window = 64;    // bytes of one; kWindowBytesMin to kWindowBytesMax
};

// kBest: what the processor has. Every path gives the same prints.
enum class SamplerPath : std::uint8_t { kBest, kScalar, kAvx2, kAvx512 };

// Where the windows of some prints lie in memory.
struct WindowBytes {
  const std::uint8_t* bytes = nullptr;  // from `offset` on
  std::uint64_t offset = 0;
  std::size_t length = 0;  // of a window

  ByteView Of(const FragmentPrint& print) const { return {bytes + (print.offset - offset), length}; }
};

class PrintSink {
 public:
  virtual ~PrintSink() = default;
  // At most WindowScanner::kPrintsAtOnce, in ascending order of offset, also from call to call; valid for the call.
  virtual void OnPrints(std::span<const FragmentPrint> prints, const WindowBytes& windows) noexcept = 0;
};

// WindowScanner: the windows of bytes that lie in memory.
class WindowScanner {
 public:
  static constexpr std::size_t kPrintsAtOnce = 32;

  explicit WindowScanner(const SampledWindows& windows, SamplerPath path = SamplerPath::kBest);
  static bool Supports(SamplerPath path);

  // The sampled windows that begin in the first `positions` bytes; `offset` is that of the first.
  // REQUIRES: positions + window() - 1 readable bytes
  void Scan(const std::uint8_t* bytes, std::size_t positions, std::uint64_t offset, PrintSink& sink) const noexcept {
    scan_({seed_, last_, window_, offset}, bytes, positions, sink);
  }
  std::size_t window() const { return window_; }

 private:
  struct Parameters {
    std::uint64_t seed;
    std::uint32_t last;  // the greatest hash that is sampled
    std::uint32_t window;
    std::uint64_t offset;
  };
  using ScanFunction = void (*)(const Parameters& parameters, const std::uint8_t* bytes, std::size_t positions,
                                PrintSink& sink);
  friend struct ScanPaths;

  std::uint64_t seed_;
  std::uint32_t last_;
  std::uint32_t window_;
  ScanFunction scan_;
};

// FragmentSampler: the windows of a byte stream, which may be split anywhere; a gap ends the windows before it.
class FragmentSampler {
 public:
  FragmentSampler(const SampledWindows& windows, PrintSink& sink, SamplerPath path = SamplerPath::kBest)
      : scanner_(windows, path), sink_(sink) {}

  void Update(ByteView bytes) noexcept;
  // As Update, for bytes whose own windows are known already: gives only those that begin before them.
  void Pass(ByteView bytes) noexcept;
  void Gap(std::uint64_t length) noexcept;
  std::uint64_t position() const { return position_; }
  const WindowScanner& scanner() const { return scanner_; }

 private:
  WindowScanner scanner_;
  PrintSink& sink_;
  std::uint64_t position_ = 0;  // bytes seen, gaps included
  std::size_t held_ = 0;
  std::array<std::uint8_t, 2 * (kWindowBytesMax - 1)> tail_;  // left as it is until it is filled
};

}  // namespace spanwatch::fingerprint
