// How likely chance alone gives so many hits among so many trials: what the evidence of plates, of archive entries and
// of pictures is weighed by (design.md section 10, Evidence). Pure; any thread.
#pragma once

#include <cstdint>

namespace spanwatch::fingerprint {

// ln of the number of ways to choose k of n.
double LogChoose(double n, double k);

// ln P(X >= hits) for X binomial(trials, chance); 0 when hits is not above the mean.
double LogBinomialTail(std::uint64_t hits, std::uint64_t trials, double chance);

}  // namespace spanwatch::fingerprint
