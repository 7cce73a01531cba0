#include "policy/rule_engine.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>

namespace spanwatch::policy {
namespace {

std::unexpected<Error> Refuse(const RuleDocument& document, const std::string& reason) {
  return Fail(ErrorCode::kInvalid, "{}:{}: '{}': {}", document.file, document.line, document.title, reason);
}

bool IsNamed(const RuleDocument& document, const std::string& name) {
  return (!document.id.empty() && document.id == name) || (!document.name.empty() && document.name == name);
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

Result<std::unique_ptr<Policy>> RuleEngine::Make(std::vector<RuleDocument> documents,
                                                 std::vector<Authorisation> authorisations,
                                                 bool allow_unsigned_authorisations, CorrelationStore& store) {
  std::unique_ptr<RuleEngine> engine(new RuleEngine(store));
  for (RuleDocument& document : documents) engine->rules_.push_back({std::move(document), {}, {}, {}});
  engine->authorisations_ = std::move(authorisations);
  engine->allow_unsigned_authorisations_ = allow_unsigned_authorisations;
  if (Status status = engine->Link(); !status) return Fail(status.error());
  return engine;
}

Status RuleEngine::Link() {
  std::set<std::string> ids;
  for (const Rule& rule : rules_) {
    for (const std::string& id : {rule.document.id, rule.document.name}) {
      if (!id.empty() && !ids.insert(id).second)
        return Refuse(rule.document, fmt::format("the id or name '{}' is taken", id));
    }
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
      if (Status status = LinkOne(i, correlation->rules, false); !status) return status;
    } else if (const auto* filter = std::get_if<FilterRule>(&document.body)) {
      if (Status status = LinkOne(i, filter->rules, true); !status) return status;
    }
  }
  return RefuseCircles();
}

Status RuleEngine::LinkOne(std::size_t index, const std::vector<std::string>& names, bool is_filter) {
  if (is_filter && names.empty()) {
    for (Rule& rule : rules_) {
      if (std::holds_alternative<DetectionRule>(rule.document.body)) rule.filters.push_back(index);
    }
  }
  for (const std::string& name : names) {
    const auto found = std::ranges::find_if(rules_, [&](const Rule& rule) { return IsNamed(rule.document, name); });
    if (found == rules_.end())
      return Refuse(rules_[index].document, fmt::format("no rule has the id or name '{}'", name));
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
    if (correlation != nullptr && correlation->silences_rules) found->document.generates_alert = false;
    rules_[index].counts.push_back(static_cast<std::size_t>(found - rules_.begin()));
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
  const std::string& id = document.id.empty() ? document.title : document.id;
  const auto counted =
      store_.Observe(id, GroupOf(rule, rules_[cause].document, event), values, event.time, rule.timespan);
  if (!counted) return Fail(counted.error());
  count = *counted;
  return rule.Meets(count);
}

RuleMatch RuleEngine::MatchOf(const RuleDocument& document, const FlatEvent& event, std::uint64_t count,
                              const Verdict& verdict) const {
  RuleMatch match{document.id, document.title, document.severity, document.document_signed, count, document.tags, {}};
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

Result<Verdict> RuleEngine::Evaluate(FlatEvent& event) {
  Verdict verdict = Authorise(event);
  std::deque<std::pair<std::size_t, std::uint64_t>> met;
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const auto* detection = std::get_if<DetectionRule>(&rules_[i].document.body);
    if (detection == nullptr || !detection->detection.Holds(event)) continue;
    const bool filtered = std::ranges::any_of(rules_[i].filters, [&](std::size_t filter) {
      return std::get<FilterRule>(rules_[filter].document.body).detection.Holds(event);
    });
    if (!filtered) met.emplace_back(i, 0);
  }
  std::map<std::size_t, std::uint64_t> told;  // a correlation that two rules feed is one match, with its latest count
  while (!met.empty()) {
    const auto [index, count] = met.front();
    met.pop_front();
    const Rule& rule = rules_[index];
    if (!told.insert_or_assign(index, count).second) continue;
    for (const std::size_t correlation : rule.feeds) {
      std::uint64_t counted = 0;
      const auto meets = Correlate(correlation, index, event, counted);
      if (!meets) return Fail(meets.error());
      if (*meets) met.emplace_back(correlation, counted);
    }
  }
  for (const auto& [index, count] : told) {
    const RuleDocument& document = rules_[index].document;
    if (document.generates_alert) verdict.matches.push_back(MatchOf(document, event, count, verdict));
  }
  return verdict;
}

PolicyFacts RuleEngine::facts() const {
  PolicyFacts facts;
  facts.authorisations = authorisations_.size();
  facts.all_signed = std::ranges::all_of(rules_, [](const Rule& rule) { return rule.document.document_signed; }) &&
                     std::ranges::all_of(authorisations_, &Authorisation::authorisation_signed);
  for (const Rule& rule : rules_) {
    if (std::holds_alternative<DetectionRule>(rule.document.body)) ++facts.detections;
    if (std::holds_alternative<CorrelationRule>(rule.document.body)) ++facts.correlations;
    if (std::holds_alternative<FilterRule>(rule.document.body)) ++facts.filters;
  }
  return facts;
}

}  // namespace spanwatch::policy
