#include "fingerprint/repeating_window.h"

#include <array>
#include <bit>
#include <cstring>

#include "fingerprint/fragment_sampler.h"

namespace spanwatch::fingerprint {
namespace {

constexpr int kWordBits = 64;
constexpr int kLeastShift = 4;     // bits of the shortest flat block
constexpr int kDifferingPart = 5;  // one in so many may differ

std::uint64_t BigEndianWord(const std::uint8_t* bytes) {
  std::uint64_t word;
  std::memcpy(&word, bytes, sizeof(word));
  return std::endian::native == std::endian::little ? std::byteswap(word) : word;
}

}  // namespace

bool RepeatsItself(ByteView window) {
  constexpr std::size_t kWordsMax = kWindowBytesMax / sizeof(std::uint64_t);
  std::array<std::uint64_t, kWordsMax> words;
  const std::size_t count = std::min(window.size() / sizeof(std::uint64_t), kWordsMax);
  for (std::size_t i = 0; i < count; ++i) words[i] = BigEndianWord(window.data() + i * sizeof(std::uint64_t));
  if (count < 2) return false;
  const auto compared = static_cast<int>((count - 1) * kWordBits);
  for (int shift = kLeastShift; shift < kWordBits; ++shift) {
    int differing = 0;
    for (std::size_t i = 0; i + 1 < count && differing * kDifferingPart <= compared; ++i) {
      const std::uint64_t shifted = words[i] << shift | words[i + 1] >> (kWordBits - shift);
      differing += std::popcount(words[i] ^ shifted);
    }
    if (differing * kDifferingPart <= compared) return true;
  }
  return false;
}

}  // namespace spanwatch::fingerprint
