// ValuePattern: one value of a Sigma detection item, compiled: what a field's value is compared with (Sigma
// specification 2.1, appendix modifiers). Compiled once when rules load, then only read.
//
// Strings compare without case unless `cased`; * and ? are wildcards, \ escapes them. Regular expressions are PCRE2
// with a match limit, so that no rule hangs the supervisor.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/event.h"
#include "model/ip_address.h"
#include "policy/event_key.h"

namespace spanwatch::policy {

enum class Comparison : std::uint8_t {
  kEqual,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
  kNetwork,
  kExpression,
  kNull
};

class ValuePattern {
 public:
  // `pattern` may hold wildcards. Open ends are those of contains, startswith and endswith.
  struct TextOptions {
    bool cased = false;
    bool open_start = false;
    bool open_end = false;
  };
  static ValuePattern Text(std::string_view pattern, TextOptions options);
  static ValuePattern Number(double number, Comparison comparison);
  static ValuePattern Boolean(bool value);
  static ValuePattern Null();
  static Result<ValuePattern> InNetwork(std::string_view network);
  // `flags` as in the modifiers re|i|m|s.
  static Result<ValuePattern> Expression(std::string_view expression, std::string_view flags);

  bool Matches(const EventValue& value) const;
  // Keys that a field has, all of them, when one of its values matches; none: a field that is not there matches too.
  // An empty `field` is any field of the event.
  std::vector<EventKey> Keys(std::string_view field) const;

 private:
  struct CompiledExpression;
  ValuePattern() = default;
  bool MatchesText(std::string_view text) const;
  std::vector<EventKey> KeysOfText(std::string_view field) const;

  Comparison comparison_ = Comparison::kEqual;
  std::u32string glob_;  // kEqual on text: code points, folded; wildcards as kAny and kOne
  bool cased_ = false;
  std::optional<double> number_;
  std::optional<bool> boolean_;
  Network network_;
  std::shared_ptr<const CompiledExpression> expression_;
};

// Text of a value as rules see it: numbers in decimal, true/false.
std::string TextOf(const EventValue& value);
// The number that a value is, or that its text says.
std::optional<double> NumberOf(const EventValue& value);
// Code points without case, as patterns compare them; an invalid byte stands for itself, so that nothing is lost.
std::u32string FoldedCodePoints(std::string_view text);

}  // namespace spanwatch::policy
