#include "fingerprint/seed_filter.h"

#include <algorithm>
#include <bit>

#include <immintrin.h>

namespace spanwatch::fingerprint {
namespace {

// A token has at most 8 characters and 3 separators, so it begins and ends within 10 of a seed in it, and one more on
// each side tells whether it ends there.
constexpr std::size_t kBefore = 12;
static_assert(kBefore + SeedFilter::kSeeds + kBefore <= TextMasks::kKnown);

}  // namespace

bool SeedFilter::IsFast() noexcept {
  static const bool fast = __builtin_cpu_supports("bmi2") != 0 && __builtin_cpu_is("znver1") == 0 &&
                           __builtin_cpu_is("znver2") == 0 && __builtin_cpu_is("bdver4") == 0;
  return fast;
}

void SeedFilter::Add(std::uint16_t shape) {
  const std::size_t length = ShapeLength(shape);
  std::uint8_t digits = 0;
  for (std::size_t i = 0; i < length; ++i) {
    if ((shape >> (length - 1 - i) & 1) == 0) digits |= static_cast<std::uint8_t>(1u << i);
  }
  std::vector<std::uint8_t>& known = digits_[length];
  const auto has_all_of = [](std::uint8_t more, std::uint8_t fewer) { return (more & fewer) == fewer; };
  if (std::ranges::any_of(known, [&](std::uint8_t other) { return has_all_of(digits, other); })) return;
  std::erase_if(known, [&](std::uint8_t other) { return has_all_of(other, digits); });
  known.push_back(digits);
}

[[gnu::target("bmi,bmi2")]] std::uint64_t SeedFilter::Kept(const TextMasks& masks,
                                                           std::size_t position) const noexcept {
  const std::size_t from = position - std::min(position, kBefore);
  const std::size_t missing = kBefore - (position - from);  // before the text
  const std::uint64_t words = masks.WordFrom(from) << missing;
  const std::uint64_t singles = masks.SeparatorFrom(from) << missing & words << 1 & words >> 1;
  const auto joined = [&](std::uint64_t bits)
                          __attribute__((target("bmi,bmi2"), always_inline)) { return _pext_u64(bits, ~singles); };
  const std::uint64_t word_starts = words & ~(words << 1);
  // Behind a backslash the first character may be an escape's.
  const std::uint64_t starts = joined(word_starts | (word_starts << 1 & words));
  const std::uint64_t ends = joined(words & ~(words >> 1));
  const std::uint64_t word = joined(words);
  const std::uint64_t seeds = joined(masks.SeedFrom(from) << missing);
  const std::uint64_t digit = joined(masks.DigitFrom(from) << missing);
  static_assert(kShortestInText == 5);
  std::uint64_t run = word & word >> 1;  // so many characters of words begin here
  run &= run >> 2;
  std::uint64_t inside = seeds >> 1 | seeds >> 2 | seeds >> 3;  // a seed is among them, behind the first
  std::uint64_t in_tokens = 0;                                  // characters of what may be tokens
  for (std::size_t length = kShortestInText; length <= kPlateMaximum; ++length) {
    run &= word >> (length - 1);
    inside |= seeds >> (length - 1);
    const std::uint64_t spans = run & inside & starts & ends >> (length - 1);
    if (spans == 0) continue;
    std::uint64_t tokens = 0;
    for (const std::uint8_t digits : digits_[length]) {
      std::uint64_t of_shape = spans;
      for (unsigned left = digits; left != 0; left &= left - 1) of_shape &= digit >> std::countr_zero(left);
      tokens |= of_shape;
    }
    for (std::size_t i = 0; tokens != 0 && i < length; ++i) in_tokens |= tokens << i;
  }
  constexpr std::uint64_t kJudged = (std::uint64_t{1} << kSeeds) - 1;
  return _pdep_u64(seeds & in_tokens, ~singles) >> kBefore & kJudged;
}

}  // namespace spanwatch::fingerprint
