#include "fingerprint/binomial_tail.h"

#include <algorithm>
#include <cmath>

namespace spanwatch::fingerprint {
namespace {

constexpr int kMostTerms = 10000;

double LogFactorial(double n) {
  int sign = 0;
  return lgamma_r(n + 1, &sign);  // std::lgamma writes a global
}

}  // namespace

double LogChoose(double n, double k) { return LogFactorial(n) - LogFactorial(k) - LogFactorial(n - k); }

double LogBinomialTail(std::uint64_t hits, std::uint64_t trials, double chance) {
  const auto n = static_cast<double>(trials);
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

}  // namespace spanwatch::fingerprint
