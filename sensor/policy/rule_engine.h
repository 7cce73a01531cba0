// RuleEngine: Policy over rule documents and authorisations that are already read. Supervisor thread only.
#pragma once

#include <deque>
#include <map>
#include <optional>

#include "policy/authorisation.h"
#include "policy/policy.h"
#include "policy/rule_document.h"
#include "policy/rule_index.h"

namespace spanwatch::policy {

// What an engine is made of. Of the facts only what concerns signatures and content is to be given.
struct RuleSet {
  std::vector<RuleDocument> documents;
  std::vector<Authorisation> authorisations;
  bool allow_unsigned_authorisations = false;
  PolicyFacts facts;
};

class RuleEngine : public Policy {
 public:
  // Links correlations and filters to the rules they name; refuses a name that is not there, a circle, two rules of one
  // id, and correlation types that are read but not evaluated.
  static Result<std::unique_ptr<Policy>> Make(RuleSet rules, CorrelationStore& store);

  Result<Verdict> Evaluate(FlatEvent& event) override;
  Verdict Authorise(FlatEvent& event) const override;
  PolicyFacts facts() const override { return facts_; }

 private:
  struct Rule {
    RuleDocument document;
    std::vector<std::size_t> feeds;    // correlations that count this rule
    std::vector<std::size_t> filters;  // of this detection: an event that meets one is left alone
    std::vector<std::size_t> counts;   // correlation: the rules it counts
    bool muted = false;                // signed, and an unsigned correlation that counts it wants it silent
  };
  // A rule that an event met, on its way to the correlations that count it.
  struct Met {
    std::size_t rule = 0;
    std::uint64_t count = 0;
    bool muted = false;
  };

  explicit RuleEngine(CorrelationStore& store) : store_(store) {}
  using RulesByName = std::map<std::string, std::size_t>;  // ids are names, too
  Status Link();
  Status LinkOne(std::size_t index, const std::vector<std::string>& names, bool is_filter, const RulesByName& known);
  Status RefuseCircles();
  void CountRules();
  std::optional<Met> Meet(std::size_t index, const FlatEvent& event,
                          const std::vector<std::uint32_t>& candidates) const;
  Status Feed(const Met& met, const FlatEvent& event, std::deque<Met>& next);
  Result<bool> Correlate(std::size_t index, std::size_t cause, const FlatEvent& event, std::uint64_t& count);
  RuleMatch MatchOf(const Met& met, const FlatEvent& event, const Verdict& verdict) const;

  CorrelationStore& store_;
  std::vector<Rule> rules_;
  RuleIndex index_;  // of detections and filters, by their place in rules_
  std::vector<Authorisation> authorisations_;
  bool allow_unsigned_authorisations_ = false;
  PolicyFacts facts_;
};

}  // namespace spanwatch::policy
