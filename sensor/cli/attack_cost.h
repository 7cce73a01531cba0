// Attack cost: what somebody who stole a hash set must spend to learn plates from it, with its record key and without.
// Used by `spanwatch hashset attack-cost`. Pure, but for the rate that is measured on this machine.
#pragma once

#include <string>
#include <vector>

#include "hashset/hashset_format.h"

namespace spanwatch::cli {

struct ShapeAttackCost {
  std::uint16_t shape = 0;
  std::uint64_t registered = 0;
  double possible = 0;      // plates that have this shape
  double false_plates = 0;  // expected to have the tag of a registered one by chance
};

struct AttackCost {
  std::vector<ShapeAttackCost> shapes;
  std::uint64_t registered = 0;
  double possible = 0;
  double key_guesses = 0;  // expected, without the key
};

AttackCost CostOfAttack(const hashset::Manifest& manifest);
// Tags a second of one core of this machine, in batches; takes a tenth of a second.
double MeasureTagRate();
// The report. `gpu_rate`: tags a second of the attacker's device.
std::string DescribeAttackCost(const AttackCost& cost, double tag_rate, double gpu_rate);

}  // namespace spanwatch::cli
