// RecordRatioTest: could chance alone give so many registered plates among these tokens? (design.md section 5, Record.)
//
// Tokens are counted in classes (RecordTokens), because tokens of one class tell nothing of another. In each class the
// register's own density
// is the chance of one token. A hit is bound when a value beside it is the registered one and rare enough not to be
// there by chance: a bound hit has that chance times kBoundChance. The probability is the smallest of
//  - the binomial tail of the best single class,
//  - the tail over all classes that hit together, with the mean chance (Hoeffding 1956: no smaller than the exact
//    Poisson binomial tail), times the number of ways to choose those classes among those seen (union bound),
//  - both for bound hits alone, doubled for having looked twice.
// One thread.
#pragma once

#include <cstdint>
#include <vector>

#include "fingerprint/record_tokens.h"

namespace spanwatch::fingerprint {

class RecordRatioTest {
 public:
  struct Result {
    double probability = 1;
    std::uint64_t tokens = 0;  // distinct, in the classes that hit
  };
  static constexpr std::uint32_t kFewestPlates = 3;
  // The chance that a rare value (a minute, a VIN, a picture's name) stands beside a registered plate without belonging
  // to it: the registered minutes of a plate are few of the 1,440 of a day.
  static constexpr double kBoundChance = 0.001;

  // `tokens`: what no register knows; outlives the test. `exact_tokens`: as its own.
  RecordRatioTest(RecordTokens& tokens, std::size_t exact_tokens) : tokens_(&tokens), known_elsewhere_(exact_tokens) {}

  // A token that is not registered here but in another register, by its tag; the same one counts once.
  void AddKnownElsewhere(std::uint16_t shape, TokenPlace place, std::uint64_t tag) {
    tokens_->Add(known_elsewhere_, shape, place, tag);
  }
  // A registered plate that did not count yet; returns its class. `chance` is that of the class.
  std::uint32_t AddHit(std::uint16_t shape, TokenPlace place, double chance, bool bound);
  // Hits of this class are `times` what chance gives.
  static constexpr double kStandsOut = 10;
  bool StandsOut(std::uint32_t number, double times = kStandsOut) const;
  Result Evaluate(std::uint32_t fewest_plates = kFewestPlates) const;
  void Clear();  // the tokens are cleared by whoever has them

 private:
  struct Class {
    std::uint64_t hits = 0;
    std::uint64_t bound = 0;
    double chance = 0;
  };
  std::uint64_t Tokens(std::size_t number) const {
    return classes_[number].hits + tokens_->Misses(number) + known_elsewhere_.Count(static_cast<std::uint16_t>(number));
  }
  double BestTail(std::uint64_t Class::* hits, double factor, std::uint32_t fewest_plates) const;

  RecordTokens* tokens_;
  std::vector<Class> classes_;  // by number, as far as some hit
  RecordTokenSample known_elsewhere_;
};

}  // namespace spanwatch::fingerprint
