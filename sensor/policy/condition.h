// Condition: the `condition` of a Sigma detection, parsed once to a postfix program (no recursion, at parse or
// evaluation).
//
//   condition = term { ("and" | "or") term }, "not" binding tightest, then "and", then "or"; parentheses;
//   term      = identifier | ("1" | "any" | "all" | number) "of" ("them" | pattern with *)
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "policy/event_key.h"

namespace spanwatch::policy {

class Condition {
 public:
  // `names` are the search identifiers of the detection, in order; `them` leaves out those that begin with _.
  static Result<Condition> Parse(std::string_view text, const std::vector<std::string>& names);
  // `truths[i]` says whether search identifier i holds.
  bool Holds(const std::vector<bool>& truths) const;
  // What an event must have for it, when `required[i]` is what it must have for search identifier i to hold.
  Requirement Requires(const std::vector<Requirement>& required) const;

 private:
  enum class Operation : std::uint8_t { kTerm, kAtLeast, kNot, kAnd, kOr };
  struct Step {
    Operation operation = Operation::kTerm;
    std::vector<std::size_t> names;  // kTerm: one; kAtLeast: the candidates
    std::size_t least = 0;
  };
  class Parser;

  std::vector<Step> program_;
};

}  // namespace spanwatch::policy
