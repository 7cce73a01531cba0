#include "policy/event_key.h"

#include <xxhash.h>

#include <algorithm>
#include <iterator>

namespace spanwatch::policy {
namespace {

EventKey KeyOf(std::string_view field, EventKeyKind kind, const void* data, std::size_t size) {
  const std::uint64_t of_field = XXH3_64bits(field.data(), field.size());
  return {field, kind, XXH3_64bits_withSeed(data, size, of_field + static_cast<std::uint64_t>(kind))};
}

}  // namespace

EventKey PresentKey(std::string_view field) { return KeyOf(field, EventKeyKind::kPresent, nullptr, 0); }

EventKey EqualKey(std::string_view field, std::u32string_view text) {
  return KeyOf(field, EventKeyKind::kEqual, text.data(), text.size() * sizeof(char32_t));
}

EventKey NumberKey(std::string_view field, double number) {
  number += 0.0;  // the negative zero is zero
  return KeyOf(field, EventKeyKind::kNumber, &number, sizeof(number));
}

EventKey GramKey(std::string_view field, std::u32string_view characters) {
  return KeyOf(field, EventKeyKind::kGram, characters.data(), kGramCharacters * sizeof(char32_t));
}

std::uint64_t EventKeyCounts::Cost(const EventKey& key) const {
  // A field is there in most events, whatever it holds; a number is often one of a few.
  constexpr std::uint64_t kPresentCost = 64, kNumberCost = 4;
  const auto found = counts_.find(key.hash);
  const std::uint64_t count = found == counts_.end() ? 1 : found->second;
  if (key.kind == EventKeyKind::kPresent) return count * kPresentCost;
  return key.kind == EventKeyKind::kNumber ? count * kNumberCost : count;
}

Requirement Requirement::Or(Requirement other) const {
  if (any || other.any) return AnyEvent();
  std::ranges::copy(keys, std::back_inserter(other.keys));
  other.cost += cost;
  return other;
}

}  // namespace spanwatch::policy
