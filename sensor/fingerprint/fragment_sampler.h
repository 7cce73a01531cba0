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

// Where the windows of some prints lie in memory, and which of the scanner's kinds they are.
struct WindowBytes {
  const std::uint8_t* bytes = nullptr;  // from `offset` on
  std::uint64_t offset = 0;
  std::size_t length = 0;  // of a window
  std::size_t kind = 0;

  ByteView Of(const FragmentPrint& print) const { return {bytes + (print.offset - offset), length}; }
};

class PrintSink {
 public:
  virtual ~PrintSink() = default;
  // At most WindowScanner::kPrintsAtOnce of one kind, in ascending order of offset, also from call to call of that
  // kind; valid for the call.
  virtual void OnPrints(std::span<const FragmentPrint> prints, const WindowBytes& windows) noexcept = 0;
};

// WindowScanner: the windows of bytes that lie in memory. Several kinds of one length are found in one pass over the
// bytes: which position is sampled depends on the density alone, so that each further kind costs no more than the
// prints of its windows.
class WindowScanner {
 public:
  static constexpr std::size_t kPrintsAtOnce = 32;
  static constexpr std::size_t kKindsMax = 8;

  explicit WindowScanner(const SampledWindows& windows, SamplerPath path = SamplerPath::kBest)
      : WindowScanner(std::span(&windows, 1), path) {}
  // REQUIRES: 1 to kKindsMax kinds, of one length
  explicit WindowScanner(std::span<const SampledWindows> kinds, SamplerPath path = SamplerPath::kBest);
  static bool Supports(SamplerPath path);

  // The sampled windows that begin in the first `positions` bytes; `offset` is that of the first.
  // REQUIRES: positions + window() - 1 readable bytes
  void Scan(const std::uint8_t* bytes, std::size_t positions, std::uint64_t offset, PrintSink& sink) const noexcept {
    scan_({std::span(kinds_).first(kind_count_), last_, window_, offset}, bytes, positions, sink);
  }
  std::size_t window() const { return window_; }

 private:
  struct Kind {
    std::uint64_t seed;
    std::uint32_t last;  // the greatest hash that is sampled
  };
  struct Parameters {
    std::span<const Kind> kinds;
    std::uint32_t last;  // the greatest of theirs
    std::uint32_t window;
    std::uint64_t offset;
  };
  using ScanFunction = void (*)(const Parameters& parameters, const std::uint8_t* bytes, std::size_t positions,
                                PrintSink& sink);
  friend struct ScanPaths;

  std::array<Kind, kKindsMax> kinds_{};
  std::size_t kind_count_ = 0;
  std::uint32_t last_ = 0;
  std::uint32_t window_;
  ScanFunction scan_;
};

// FragmentSampler: the windows of a byte stream, which may be split anywhere; a gap ends the windows before it.
class FragmentSampler {
 public:
  FragmentSampler(const SampledWindows& windows, PrintSink& sink, SamplerPath path = SamplerPath::kBest)
      : FragmentSampler(WindowScanner(windows, path), sink) {}
  FragmentSampler(const WindowScanner& scanner, PrintSink& sink) : scanner_(scanner), sink_(sink) {}

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
