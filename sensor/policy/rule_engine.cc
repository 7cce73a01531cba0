#include "policy/rule_engine.h"

#include <algorithm>
#include <set>

namespace spanwatch::policy {
namespace {

std::unexpected<Error> Refuse(const RuleDocument& document, const std::string& reason) {
  return Fail(ErrorCode::kInvalid, "{}:{}: '{}': {}", document.file, document.line, document.title, reason);
}

bool IsNamed(const RuleDocument& document, const std::string& name) {
  return (!document.id.empty() && document.id == name) || (!document.name.empty() && document.name == name);
}

// What events are compared with; null: of a correlation.
const Detection* DetectionOf(const RuleDocument& document) {
  if (const auto* rule = std::get_if<DetectionRule>(&document.body)) return &rule->detection;
  const auto* filter = std::get_if<FilterRule>(&document.body);
  return filter != nullptr ? &filter->detection : nullptr;
}

// What a correlation counts is kept under this.
const std::string& WindowKey(const RuleDocument& document) {
  return document.id.empty() ? document.title : document.id;
}

// The values of the fields that make a group; an absent field is an empty value of its own.
std::string GroupOf(const CorrelationRule& rule, const RuleDocument& cause, const FlatEvent& event) {
  std::string key;
  for (const std::string& field : rule.group_by) {
    std::string name = field;
    if (const auto alias = rule.aliases.find(field); alias != rule.aliases.end()) {
      for (const auto& [of, target] : alias->second) {
        if (IsNamed(cause, of)) name = target;
      }
    }
    const auto* values = event.Find(name);
    const std::string text = values == nullptr || values->empty() ? "" : TextOf(values->front());
    key += fmt::format("{}:{};", text.size(), text);
  }
  return key;
}

std::vector<std::string> ValuesOf(const CorrelationRule& rule, const RuleDocument& cause, const FlatEvent& event) {
  if (rule.type == CorrelationType::kEventCount) return {event.id};
  if (rule.type == CorrelationType::kTemporal) return {cause.id.empty() ? cause.name : cause.id};
  std::vector<std::string> values;
  for (const std::string& field : rule.fields) {
    if (const auto* found = event.Find(field)) {
      for (const EventValue& value : *found) values.push_back(TextOf(value));
    }
  }
  return values;
}

}  // namespace

Result<std::unique_ptr<Policy>> RuleEngine::Make(RuleSet rules, CorrelationStore& store) {
  std::unique_ptr<RuleEngine> engine(new RuleEngine(store));
  for (RuleDocument& document : rules.documents) {
    Rule& rule = engine->rules_.emplace_back();
    rule.document = std::move(document);
  }
  engine->authorisations_ = std::move(rules.authorisations);
  engine->allow_unsigned_authorisations_ = rules.allow_unsigned_authorisations;
  engine->facts_ = std::move(rules.facts);
  engine->CountRules();
  if (Status status = engine->Link(); !status) return Fail(status.error());
  std::vector<const Detection*> detections;
  for (const Rule& rule : engine->rules_) detections.push_back(DetectionOf(rule.document));
  engine->index_ = RuleIndex(detections);
  return engine;
}

Status RuleEngine::Link() {
  RulesByName known;
  std::set<std::string> windows;
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const Rule& rule = rules_[i];
    for (const std::string& id : {rule.document.id, rule.document.name}) {
      if (!id.empty() && !known.emplace(id, i).second)
        return Refuse(rule.document, fmt::format("the id or name '{}' is taken", id));
    }
    // Two that counted under one key would count in one another's windows, a signed one in those of an unsigned one.
    const bool counts = std::holds_alternative<CorrelationRule>(rule.document.body);
    if (counts && !windows.insert(WindowKey(rule.document)).second)
      return Refuse(rule.document, "another correlation has its id, or its title where there is no id");
  }
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const RuleDocument& document = rules_[i].document;
    if (const auto* correlation = std::get_if<CorrelationRule>(&document.body)) {
      const CorrelationType type = correlation->type;
      if (type != CorrelationType::kEventCount && type != CorrelationType::kValueCount &&
          type != CorrelationType::kTemporal) {
        return Refuse(document,
                      "this correlation type is read but not evaluated; use event_count, value_count or temporal");
      }
      if (Status status = LinkOne(i, correlation->rules, false, known); !status) return status;
    } else if (const auto* filter = std::get_if<FilterRule>(&document.body)) {
      if (Status status = LinkOne(i, filter->rules, true, known); !status) return status;
    }
  }
  return RefuseCircles();
}

Status RuleEngine::LinkOne(std::size_t index, const std::vector<std::string>& names, bool is_filter,
                           const RulesByName& known) {
  if (is_filter && names.empty()) {
    for (Rule& rule : rules_) {
      if (std::holds_alternative<DetectionRule>(rule.document.body)) rule.filters.push_back(index);
    }
  }
  for (const std::string& name : names) {
    const auto place = known.find(name);
    if (place == known.end())
      return Refuse(rules_[index].document, fmt::format("no rule has the id or name '{}'", name));
    Rule* const found = &rules_[place->second];
    const bool is_detection = std::holds_alternative<DetectionRule>(found->document.body);
    if (std::holds_alternative<FilterRule>(found->document.body)) {
      return Refuse(rules_[index].document, fmt::format("'{}' is a filter; name a detection or a correlation", name));
    }
    if (is_filter && !is_detection) {
      return Refuse(rules_[index].document,
                    fmt::format("'{}' is a correlation; a filter works on the rules it counts", name));
    }
    (is_filter ? found->filters : found->feeds).push_back(index);
    const auto* correlation = std::get_if<CorrelationRule>(&rules_[index].document.body);
    if (correlation != nullptr && correlation->silences_rules) {
      // What nobody has signed silences a signed rule for the operator alone.
      const bool only_mutes = found->document.document_signed && !rules_[index].document.document_signed;
      if (only_mutes)
        found->muted = true;
      else
        found->document.generates_alert = false;
    }
    rules_[index].counts.push_back(place->second);
  }
  return {};
}

Status RuleEngine::RefuseCircles() {
  // A rule is settled once everything it counts is; what never settles stands in a circle.
  std::vector<bool> settled(rules_.size(), false);
  for (bool progress = true; progress;) {
    progress = false;
    for (std::size_t i = 0; i < rules_.size(); ++i) {
      if (settled[i]) continue;
      if (!std::ranges::all_of(rules_[i].counts, [&](std::size_t other) { return settled[other]; })) continue;
      settled[i] = progress = true;
    }
  }
  const auto stuck = std::ranges::find(settled, false);
  if (stuck == settled.end()) return {};
  return Refuse(rules_[static_cast<std::size_t>(stuck - settled.begin())].document,
                "the correlation counts itself, by a circle");
}

Verdict RuleEngine::Authorise(FlatEvent& event) const {
  Verdict verdict;
  for (const Authorisation& authorisation : authorisations_) {
    if (!authorisation.authorisation_signed && !allow_unsigned_authorisations_) continue;
    const auto disagreement = authorisation.Disagrees(event);
    if (!disagreement) {
      verdict.authorised = true;
      verdict.authorisations.push_back(
          {authorisation.reference, authorisation.name, authorisation.authorisation_signed});
    } else if (*disagreement != "collection" && *disagreement != "destination" && verdict.near_miss.empty()) {
      const bool of_time = *disagreement == "expired" || *disagreement == "not-yet-valid";
      verdict.near_miss = of_time ? *disagreement : "wrong-" + *disagreement;
    }
  }
  if (verdict.authorised) verdict.near_miss.clear();
  event.fields["spanwatch.authorized"] = {verdict.authorised};
  if (verdict.authorised) {
    event.fields["spanwatch.authorization.name"] = {verdict.authorisations.front().name};
    event.fields["spanwatch.authorization.reference"] = {verdict.authorisations.front().reference};
    event.fields["spanwatch.authorization.signed"] = {verdict.authorisations.front().authorisation_signed};
  }
  if (!verdict.near_miss.empty()) event.fields["spanwatch.authorization_near_miss"] = {verdict.near_miss};
  return verdict;
}

Result<bool> RuleEngine::Correlate(std::size_t index, std::size_t cause, const FlatEvent& event, std::uint64_t& count) {
  const RuleDocument& document = rules_[index].document;
  const auto& rule = std::get<CorrelationRule>(document.body);
  const std::vector<std::string> values = ValuesOf(rule, rules_[cause].document, event);
  if (values.empty()) return false;
  const auto counted = store_.Observe(WindowKey(document), GroupOf(rule, rules_[cause].document, event), values,
                                      event.time, rule.timespan);
  if (!counted) return Fail(counted.error());
  count = *counted;
  return rule.Meets(count);
}

RuleMatch RuleEngine::MatchOf(const Met& met, const FlatEvent& event, const Verdict& verdict) const {
  const RuleDocument& document = rules_[met.rule].document;
  RuleMatch match{document.id,
                  document.title,
                  document.severity,
                  document.document_signed,
                  met.count,
                  document.tags,
                  {},
                  met.muted || rules_[met.rule].muted};
  // A transfer that is nearly authorised is a breach of policy, one level below a theft (domain.md section 5.3).
  if (!verdict.near_miss.empty() && match.severity > Severity::kLow) {
    match.severity = static_cast<Severity>(static_cast<int>(match.severity) - 1);
  }
  for (const std::string& field : document.alert_group_by) {
    const auto* values = event.Find(field);
    match.group.emplace_back(field, values == nullptr || values->empty() ? "" : TextOf(values->front()));
  }
  return match;
}

// Whether the event meets a detection, and no filter takes it away. Of a signed rule an unsigned filter only mutes.
std::optional<RuleEngine::Met> RuleEngine::Meet(std::size_t index, const FlatEvent& event,
                                                const std::vector<std::uint32_t>& candidates) const {
  const Rule& rule = rules_[index];
  const auto* detection = std::get_if<DetectionRule>(&rule.document.body);
  if (detection == nullptr || !detection->detection.Holds(event)) return std::nullopt;
  Met met{index, 0, false};
  for (const std::size_t filter : rule.filters) {
    if (!std::ranges::binary_search(candidates, filter)) continue;
    if (!std::get<FilterRule>(rules_[filter].document.body).detection.Holds(event)) continue;
    if (rules_[filter].document.document_signed || !rule.document.document_signed) return std::nullopt;
    met.muted = true;
  }
  return met;
}

// Counts a met rule in the correlations over it. An unsigned one does not see what was muted.
Status RuleEngine::Feed(const Met& met, const FlatEvent& event, std::deque<Met>& next) {
  for (const std::size_t correlation : rules_[met.rule].feeds) {
    if (met.muted && !rules_[correlation].document.document_signed) continue;
    std::uint64_t counted = 0;
    const auto meets = Correlate(correlation, met.rule, event, counted);
    if (!meets) return Fail(meets.error());
    if (*meets) next.push_back({correlation, counted, met.muted});
  }
  return {};
}

Result<Verdict> RuleEngine::Evaluate(FlatEvent& event) {
  Verdict verdict = Authorise(event);
  std::deque<Met> met;
  const std::vector<std::uint32_t> candidates = index_.Candidates(event);
  for (const std::uint32_t i : candidates) {
    if (const auto one = Meet(i, event, candidates)) met.push_back(*one);
  }
  std::map<std::size_t, Met> told;  // a correlation that two rules feed is one match, with its latest count
  while (!met.empty()) {
    const Met one = met.front();
    met.pop_front();
    const auto [place, first] = told.emplace(one.rule, one);
    if (!first) {
      place->second.count = one.count;
      place->second.muted = place->second.muted && one.muted;
    } else if (Status status = Feed(one, event, met); !status) {
      return Fail(status.error());
    }
  }
  for (const auto& [index, one] : told) {
    if (rules_[index].document.generates_alert) verdict.matches.push_back(MatchOf(one, event, verdict));
  }
  return verdict;
}

void RuleEngine::CountRules() {
  facts_.authorisations = authorisations_.size();
  for (const Rule& rule : rules_) {
    if (std::holds_alternative<DetectionRule>(rule.document.body)) ++facts_.detections;
    if (std::holds_alternative<CorrelationRule>(rule.document.body)) ++facts_.correlations;
    if (std::holds_alternative<FilterRule>(rule.document.body)) ++facts_.filters;
  }
}

}  // namespace spanwatch::policy
