#include "fingerprint/record_ratio_test.h"

#include <algorithm>
#include <cmath>

#include "fingerprint/binomial_tail.h"

namespace spanwatch::fingerprint {
std::uint32_t RecordRatioTest::AddHit(std::uint16_t shape, TokenPlace place, double chance, bool bound) {
  const std::uint32_t number = tokens_->ClassOf(shape, place);
  if (number >= classes_.size()) classes_.resize(number + std::size_t{1});
  classes_[number].chance = chance;
  ++classes_[number].hits;
  classes_[number].bound += bound ? 1 : 0;
  return number;
}

bool RecordRatioTest::StandsOut(std::uint32_t number, double times) const {
  const double expected = static_cast<double>(Tokens(number)) * classes_[number].chance;
  return static_cast<double>(classes_[number].hits) > times * expected;
}

double RecordRatioTest::BestTail(std::uint64_t Class::* hits, double factor, std::uint32_t fewest_plates) const {
  double best = 0;
  double expected = 0;
  std::uint64_t tokens = 0;
  std::uint64_t all_hits = 0;
  std::size_t hit_classes = 0;
  for (std::size_t number = 0; number < classes_.size(); ++number) {
    const Class& one = classes_[number];
    if (one.*hits == 0) continue;
    ++hit_classes;
    all_hits += one.*hits;
    tokens += Tokens(number);
    expected += static_cast<double>(Tokens(number)) * one.chance * factor;
    if (one.*hits >= fewest_plates)
      best = std::min(best, LogBinomialTail(one.*hits, Tokens(number), one.chance * factor));
  }
  if (hit_classes < 2 || all_hits < fewest_plates) return best;
  const double choices = LogChoose(static_cast<double>(tokens_->classes()), static_cast<double>(hit_classes));
  return std::min(best, LogBinomialTail(all_hits, tokens, expected / static_cast<double>(tokens)) + choices);
}

RecordRatioTest::Result RecordRatioTest::Evaluate(std::uint32_t fewest_plates) const {
  const double any = BestTail(&Class::hits, 1, fewest_plates);
  const double bound = BestTail(&Class::bound, kBoundChance, fewest_plates);
  Result result{std::exp(std::min(any, bound < 0 ? bound + std::log(2.0) : 0)), 0};
  for (std::size_t number = 0; number < classes_.size(); ++number) {
    if (classes_[number].hits > 0) result.tokens += Tokens(number);
  }
  return result;
}

void RecordRatioTest::Clear() {
  classes_.clear();
  known_elsewhere_.Clear();
}

}  // namespace spanwatch::fingerprint
