#include "cli/attack_cost.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/check.h"
#include "fingerprint/plate_shapes.h"
#include "fingerprint/record_tagger.h"

namespace spanwatch::cli {
namespace {

constexpr double kTagBits = 64;
constexpr double kKeyBits = 256;
constexpr double kYear = 365.25 * 86400;

std::string PatternOf(std::uint16_t shape) {
  std::string pattern;
  for (std::size_t i = fingerprint::ShapeLength(shape); i-- > 0;) pattern += (shape >> i & 1) != 0 ? 'L' : 'N';
  return pattern;
}

std::string Duration(double seconds) {
  if (seconds < 1e-3) return fmt::format("{:.2g} us", seconds * 1e6);
  if (seconds < 1) return fmt::format("{:.3g} ms", seconds * 1e3);
  if (seconds < 120) return fmt::format("{:.3g} s", seconds);
  if (seconds < 2 * 86400) return fmt::format("{:.3g} h", seconds / 3600);
  if (seconds < 2 * kYear) return fmt::format("{:.3g} days", seconds / 86400);
  return fmt::format("{:.2g} years", seconds / kYear);
}

}  // namespace

AttackCost CostOfAttack(const hashset::Manifest& manifest) {
  AttackCost cost;
  for (const ShapeDensity& shape : manifest.shapes) {
    const double possible = fingerprint::PlateSpace(shape.shape);
    cost.shapes.push_back({shape.shape, shape.registered, possible, std::ldexp(possible, -static_cast<int>(kTagBits))});
    cost.registered += shape.registered;
    cost.possible += possible;
  }
  std::ranges::sort(cost.shapes, std::greater(), &ShapeAttackCost::registered);
  cost.key_guesses = std::ldexp(1.0, static_cast<int>(kKeyBits) - 1);
  return cost;
}

double MeasureTagRate() {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds kTime{100};
  const auto keys = fingerprint::RecordKeys::Derive(Bytes(fingerprint::RecordKeys::kRecordKeySize, 1));
  CHECK(keys.has_value());
  const fingerprint::RecordTagger tagger(*keys);
  std::vector<fingerprint::PlateWord> plates(256, fingerprint::ToPlateWord("AAA1234"));
  std::vector<std::uint64_t> tags(plates.size());
  std::uint64_t made = 0;
  const auto began = Clock::now();
  for (; Clock::now() - began < kTime; made += plates.size()) tagger.TagPlates(plates, tags);
  return static_cast<double>(made) / std::chrono::duration<double>(Clock::now() - began).count();
}

std::string DescribeAttackCost(const AttackCost& cost, double tag_rate, double gpu_rate) {
  std::string text = fmt::format(
      "registered plates   {}, of {} shapes that {:.3g} plates can have\n"
      "one tag             AES-256-CMAC, {} bits kept\n"
      "one core            {:.2g} tags a second (measured here)\n"
      "one GPU             {:.2g} tags a second (assumed; --gpu-rate)\n\n"
      "With the record key, or the derived keys that an inspector holds: every plate, by trying all there can be.\n"
      "{:<10} {:>12} {:>12} {:>12} {:>12} {:>24}\n",
      cost.registered, cost.shapes.size(), cost.possible, kTagBits, tag_rate, gpu_rate, "shape", "registered",
      "possible", "one core", "one GPU", "false plates for one tag");
  const auto line = [&](const std::string& name, std::uint64_t registered, double possible, double false_plates) {
    text += fmt::format("{:<10} {:>12} {:>12.3g} {:>12} {:>12} {:>24.2g}\n", name, registered, possible,
                        Duration(possible / tag_rate), Duration(possible / gpu_rate), false_plates);
  };
  for (const ShapeAttackCost& shape : cost.shapes) {
    line(PatternOf(shape.shape), shape.registered, shape.possible, shape.false_plates);
  }
  line("all", cost.registered, cost.possible, std::ldexp(cost.possible, -static_cast<int>(kTagBits)));
  constexpr double kMinutes = 525960;
  text += fmt::format(
      "Then, for each plate known, its minutes of one year: {} on one core; its states and lanes: at once.\n\n"
      "Without the key: no plate can be tested. The key is 256 random bits; to guess it takes {:.1g} tags, {} on a\n"
      "million such GPUs. The set shows how many plates of each shape there are, how many values each record has, "
      "which\n"
      "records share a plate, and which tags return in another set of the same key.\n",
      Duration(2 * kMinutes / tag_rate), cost.key_guesses, Duration(cost.key_guesses / gpu_rate / 1e6));
  return text;
}

}  // namespace spanwatch::cli
