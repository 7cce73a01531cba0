#include "fingerprint/record_ratio_test.h"

#include <algorithm>
#include <cmath>

#include "fingerprint/plate_shapes.h"

namespace spanwatch::fingerprint {
namespace {

constexpr std::size_t kPlaces = 3;
constexpr double kStandsOut = 10;
constexpr int kMostTerms = 10000;

double LogFactorial(double n) {
  int sign = 0;
  return lgamma_r(n + 1, &sign);  // std::lgamma writes a global
}

double LogChoose(double n, double k) { return LogFactorial(n) - LogFactorial(k) - LogFactorial(n - k); }

}  // namespace

double LogBinomialTail(std::uint64_t hits, std::uint64_t tokens, double chance) {
  const auto n = static_cast<double>(tokens);
  const auto k = static_cast<double>(hits);
  if (hits == 0 || k <= n * chance || chance >= 1) return 0;
  const double first = LogChoose(n, k) + k * std::log(chance) + (n - k) * std::log1p(-chance);
  // Above the mean the terms fall at least geometrically.
  double sum = 1;
  double term = 1;
  const double odds = chance / (1 - chance);
  for (double i = k; i < n && i < k + kMostTerms && term > sum * 1e-12; ++i) {
    term *= (n - i) / (i + 1) * odds;
    sum += term;
  }
  return std::min(0.0, first + std::log(sum));
}

std::uint32_t RecordRatioTest::AddToken(std::uint16_t shape, TokenPlace place, double chance) {
  if (numbers_.empty()) numbers_.resize(kPlaces * kShapeNumbers);
  const std::size_t key = static_cast<std::size_t>(place) * kShapeNumbers + shape;
  if (numbers_[key] == 0) {
    classes_.push_back({static_cast<std::uint16_t>(key), 0, 0, 0});
    numbers_[key] = static_cast<std::uint16_t>(classes_.size());
  }
  const std::uint32_t number = numbers_[key] - 1U;
  ++classes_[number].tokens;
  classes_[number].expected += chance;
  return number;
}

bool RecordRatioTest::StandsOut(std::uint32_t number) const {
  return static_cast<double>(classes_[number].hits) > kStandsOut * classes_[number].expected;
}

RecordRatioTest::Result RecordRatioTest::Evaluate(std::uint32_t fewest_plates) const {
  double best = 0;
  Class together;
  std::uint64_t hit_classes = 0;
  for (const Class& one : classes_) {
    if (one.hits == 0) continue;
    ++hit_classes;
    together.tokens += one.tokens;
    together.hits += one.hits;
    together.expected += one.expected;
    if (one.hits < fewest_plates) continue;
    best = std::min(best, LogBinomialTail(one.hits, one.tokens, one.expected / static_cast<double>(one.tokens)));
  }
  if (hit_classes > 1 && together.hits >= fewest_plates) {
    const double chance = together.expected / static_cast<double>(together.tokens);
    const double choices = LogChoose(static_cast<double>(classes_.size()), static_cast<double>(hit_classes));
    best = std::min(best, LogBinomialTail(together.hits, together.tokens, chance) + choices);
  }
  return {std::exp(best), together.tokens};
}

void RecordRatioTest::Clear() {
  for (const Class& one : classes_) numbers_[one.key] = 0;
  classes_.clear();
}

}  // namespace spanwatch::fingerprint
