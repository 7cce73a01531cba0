#include "policy/rule_index.h"

#include <algorithm>
#include <iterator>

namespace spanwatch::policy {

RuleIndex::RuleIndex(const std::vector<const Detection*>& detections) {
  EventKeyCounts counts;
  for (const Detection* detection : detections) {
    if (detection != nullptr) detection->CountKeys(counts);
  }
  for (std::uint32_t number = 0; number < detections.size(); ++number) {
    if (detections[number] == nullptr) continue;
    const Requirement required = detections[number]->Requires(counts);
    if (required.any) always_.push_back(number);
    for (const EventKey& key : required.keys) Add(key, number);
  }
}

void RuleIndex::Add(const EventKey& key, std::uint32_t number) {
  Field& field = key.field.empty() ? any_field_ : fields_[key.field];
  field.asks[static_cast<std::size_t>(key.kind)] = true;
  Numbers& numbers = numbers_[key.hash];
  if (numbers.empty() || numbers.back() != number) numbers.push_back(number);
}

void RuleIndex::Collect(const EventKey& key, Numbers& found) const {
  if (const auto numbers = numbers_.find(key.hash); numbers != numbers_.end())
    std::ranges::copy(numbers->second, std::back_inserter(found));
}

void RuleIndex::CollectValue(const Field& field, std::string_view name, const EventValue& value, Numbers& found) const {
  if (field.Asks(EventKeyKind::kNumber)) {
    if (const auto number = NumberOf(value)) Collect(NumberKey(name, *number), found);
  }
  const bool grams = field.Asks(EventKeyKind::kGram);
  if (std::holds_alternative<std::monostate>(value) || (!grams && !field.Asks(EventKeyKind::kEqual))) return;
  std::u32string text = FoldedCodePoints(TextOf(value));
  if (field.Asks(EventKeyKind::kEqual)) Collect(EqualKey(name, text), found);
  if (!grams) return;
  text.insert(text.begin(), kTextBegins);
  text.push_back(kTextEnds);
  for (std::size_t at = 0; at + kGramCharacters <= text.size(); ++at)
    Collect(GramKey(name, std::u32string_view(text).substr(at)), found);
}

std::vector<std::uint32_t> RuleIndex::Candidates(const FlatEvent& event) const {
  Numbers found = always_;
  const bool any_field = std::ranges::any_of(any_field_.asks, [](bool asks) { return asks; });
  for (const auto& [name, values] : event.fields) {
    if (any_field) {
      for (const EventValue& value : values) CollectValue(any_field_, {}, value, found);
    }
    const auto field = fields_.find(name);
    if (field == fields_.end()) continue;
    if (field->second.Asks(EventKeyKind::kPresent)) Collect(PresentKey(name), found);
    for (const EventValue& value : values) CollectValue(field->second, name, value, found);
  }
  std::ranges::sort(found);
  found.erase(std::ranges::unique(found).begin(), found.end());
  return found;
}

}  // namespace spanwatch::policy
