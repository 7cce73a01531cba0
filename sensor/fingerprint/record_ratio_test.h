// RecordRatioTest: could chance alone give so many registered plates among these tokens? (design.md section 5, Record.)
//
// Tokens are counted in classes, each a shape in one place (plain, joined, plate field), because tokens of one class
// tell nothing of another. The probability is the smaller of
//  - the binomial tail of the best single class, and
//  - the tail over all classes that hit together, with the mean chance (Hoeffding 1956: no smaller than the exact
//    Poisson binomial tail), times the number of ways to choose those classes among those seen (union bound).
// One thread.
#pragma once

#include <cstdint>
#include <vector>

#include "fingerprint/text_tokeniser.h"

namespace spanwatch::fingerprint {

// ln P(X >= hits) for X binomial(tokens, chance); 0 when hits is not above the mean.
double LogBinomialTail(std::uint64_t hits, std::uint64_t tokens, double chance);

class RecordRatioTest {
 public:
  struct Result {
    double probability = 1;
    std::uint64_t tokens = 0;  // distinct, in the classes that hit
  };
  static constexpr std::uint32_t kFewestPlates = 3;

  // One distinct token, and the chance that a random one is registered; returns its class.
  std::uint32_t AddToken(std::uint16_t shape, TokenPlace place, double chance);
  void AddHit(std::uint32_t number) { ++classes_[number].hits; }
  // Hits of this class are many times what chance gives.
  bool StandsOut(std::uint32_t number) const;
  Result Evaluate(std::uint32_t fewest_plates = kFewestPlates) const;
  void Clear();

 private:
  struct Class {
    std::uint16_t key = 0;
    std::uint64_t tokens = 0;
    std::uint64_t hits = 0;
    double expected = 0;
  };
  std::vector<Class> classes_;
  std::vector<std::uint16_t> numbers_;  // class number + 1 of each (place, shape)
};

}  // namespace spanwatch::fingerprint
