// EventKey: something that a field of an event has, as one number: that it is there, a whole value, a number, or four
// characters in a row. Rules name keys that they need (Requirement); RuleIndex asks which rules need those of an event.
// Equal properties have equal keys; unequal ones may, which costs a look more and changes nothing. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/event.h"

namespace spanwatch::policy {

enum class EventKeyKind : std::uint8_t { kPresent, kEqual, kNumber, kGram };

struct EventKey {
  std::string_view field;  // of the rule, which outlives the key; empty: any field
  EventKeyKind kind = EventKeyKind::kPresent;
  std::uint64_t hash = 0;
};

inline constexpr std::size_t kGramCharacters = 4;
// Stand before and behind a text, so that beginnings and ends have grams of their own.
inline constexpr char32_t kTextBegins = 0xffff'fff2;
inline constexpr char32_t kTextEnds = 0xffff'fff3;

EventKey PresentKey(std::string_view field);
// `text`: code points, folded (FoldedCodePoints).
EventKey EqualKey(std::string_view field, std::u32string_view text);
EventKey NumberKey(std::string_view field, double number);
// REQUIRES: kGramCharacters characters
EventKey GramKey(std::string_view field, std::u32string_view characters);

// How many patterns of all rules ask for each key: a key that many ask for tells rules badly apart.
class EventKeyCounts {
 public:
  void Add(const EventKey& key) { ++counts_[key.hash]; }
  // What it costs to be found by this key: rules that ask for it, the more so the more events have it.
  std::uint64_t Cost(const EventKey& key) const;

 private:
  std::unordered_map<std::uint64_t, std::uint64_t> counts_;
};

// What an event must have to meet a rule: one of the keys; or nothing, when `any` event may meet it.
struct Requirement {
  static Requirement AnyEvent() { return {true, {}, UINT64_MAX}; }
  static Requirement NoEvent() { return {false, {}, 0}; }
  static Requirement Of(const EventKey& key, const EventKeyCounts& counts) { return {false, {key}, counts.Cost(key)}; }

  // Both are required: the cheaper one is enough to ask for.
  const Requirement& And(const Requirement& other) const { return other.cost < cost ? other : *this; }
  Requirement Or(Requirement other) const;

  bool any = true;
  std::vector<EventKey> keys;
  std::uint64_t cost = UINT64_MAX;
};

}  // namespace spanwatch::policy
