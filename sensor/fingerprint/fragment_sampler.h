// FragmentSampler: the sampled windows of a byte stream (design.md section 5, Fragment). Shared by enrolment and
// detection.
//
// A position p is sampled when  b[p..p+4)*K1 + b[p+4..p+8)*K2 mod 2^32  (little-endian words)  is below 2^32 / density.
// Its print is XXH3-64, with the set's seed, of the 64 bytes from p on. A window with fewer than 16 distinct byte
// values is left out. The stream may be split anywhere; a gap ends the windows before it. No allocation. One thread
// each.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "model/fingerprint.h"

namespace spanwatch::fingerprint {

inline constexpr std::size_t kWindowBytes = 64;
inline constexpr std::size_t kLeastDistinctBytes = 16;

enum class SamplerPath : std::uint8_t { kBest, kScalar, kAvx2, kAvx512 };  // kBest: what the processor has

class PrintSink {
 public:
  virtual ~PrintSink() = default;
  // In ascending order of offset.
  virtual void OnPrint(const FragmentPrint& print) noexcept = 0;
};

class FragmentSampler {
 public:
  FragmentSampler(std::uint64_t seed, std::uint32_t density, PrintSink& sink, SamplerPath path = SamplerPath::kBest);

  static bool Supports(SamplerPath path);

  void Update(ByteView bytes) noexcept;
  void Gap(std::uint64_t length) noexcept;
  std::uint64_t position() const { return position_; }

 private:
  // Bit i: position i of `bytes` is sampled. REQUIRES: 68 bytes
  using Scan64 = std::uint64_t (*)(const std::uint8_t* bytes, std::uint32_t last);

  void Scan(const std::uint8_t* bytes, std::size_t positions, std::uint64_t offset) noexcept;
  void Emit(const std::uint8_t* window, std::uint64_t offset) noexcept;

  std::uint64_t seed_;
  std::uint32_t last_;  // the greatest hash that is sampled
  PrintSink& sink_;
  Scan64 scan_;
  std::uint64_t position_ = 0;  // bytes seen, gaps included
  std::size_t held_ = 0;
  std::array<std::uint8_t, 4 * kWindowBytes> tail_{};
};

}  // namespace spanwatch::fingerprint
