#include "fingerprint/record_ratio_test.h"

#include <algorithm>
#include <cmath>

#include "fingerprint/binomial_tail.h"
#include "fingerprint/plate_shapes.h"

namespace spanwatch::fingerprint {
namespace {

constexpr std::uint64_t kPlaceStep = 0x9E3779B97F4A7C15;

}  // namespace

std::uint32_t RecordRatioTest::NumberOf(std::uint16_t shape, TokenPlace place, double chance) {
  if (numbers_.empty()) numbers_.resize(kTokenPlaces * kShapeNumbers);
  const std::size_t key = static_cast<std::size_t>(place) * kShapeNumbers + shape;
  if (numbers_[key] == 0) {
    classes_.push_back({static_cast<std::uint16_t>(key), 0, 0, chance});
    numbers_[key] = static_cast<std::uint16_t>(classes_.size());
  }
  return numbers_[key] - 1U;
}

void RecordRatioTest::AddMiss(std::uint16_t shape, TokenPlace place, double chance, std::uint64_t tag) {
  const std::uint32_t number = NumberOf(shape, place, chance);
  // The same token in two places is two tokens.
  misses_.Insert(tag + static_cast<std::uint64_t>(place) * kPlaceStep, static_cast<std::uint16_t>(number));
}

std::uint32_t RecordRatioTest::AddHit(std::uint16_t shape, TokenPlace place, double chance, bool bound) {
  const std::uint32_t number = NumberOf(shape, place, chance);
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
  const double choices = LogChoose(static_cast<double>(classes_.size()), static_cast<double>(hit_classes));
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
  for (const Class& one : classes_) numbers_[one.key] = 0;
  classes_.clear();
  misses_.Clear();
}

}  // namespace spanwatch::fingerprint
