// RuleEngine: Policy over rule documents and authorisations that are already read. Supervisor thread only.
#pragma once

#include "policy/authorisation.h"
#include "policy/policy.h"
#include "policy/rule_document.h"

namespace spanwatch::policy {

class RuleEngine : public Policy {
 public:
  // Links correlations and filters to the rules they name; refuses a name that is not there, a circle, two rules of one
  // id, and correlation types that are read but not evaluated.
  static Result<std::unique_ptr<Policy>> Make(std::vector<RuleDocument> documents,
                                              std::vector<Authorisation> authorisations,
                                              bool allow_unsigned_authorisations, CorrelationStore& store);

  Result<Verdict> Evaluate(FlatEvent& event) override;
  Verdict Authorise(FlatEvent& event) const override;
  PolicyFacts facts() const override;

 private:
  struct Rule {
    RuleDocument document;
    std::vector<std::size_t> feeds;    // correlations that count this rule
    std::vector<std::size_t> filters;  // of this detection: an event that meets one is left alone
    std::vector<std::size_t> counts;   // correlation: the rules it counts
  };

  explicit RuleEngine(CorrelationStore& store) : store_(store) {}
  Status Link();
  Status LinkOne(std::size_t index, const std::vector<std::string>& names, bool is_filter);
  Status RefuseCircles();
  Result<bool> Correlate(std::size_t index, std::size_t cause, const FlatEvent& event, std::uint64_t& count);
  RuleMatch MatchOf(const RuleDocument& document, const FlatEvent& event, std::uint64_t count,
                    const Verdict& verdict) const;

  CorrelationStore& store_;
  std::vector<Rule> rules_;
  std::vector<Authorisation> authorisations_;
  bool allow_unsigned_authorisations_ = false;
};

}  // namespace spanwatch::policy
