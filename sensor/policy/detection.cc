#include "policy/detection.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>

namespace spanwatch::policy {
namespace {

std::unexpected<Error> Refuse(const std::string& where, const YAML::Node& node, const std::string& reason) {
  return Fail(ErrorCode::kInvalid, "{}:{}: {}", where, node.Mark().line + 1, reason);
}

std::string Base64(std::string_view bytes) {
  std::string text(sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  text.resize(text.size() - 1);
  return text;
}

// The three encodings of `bytes` inside longer base64, without the characters that depend on what stands around it.
std::vector<std::string> Base64Offsets(const std::string& bytes) {
  constexpr std::array<std::size_t, 3> kSkip{0, 2, 3};
  constexpr std::array<std::size_t, 3> kCut{0, 3, 2};
  std::vector<std::string> encodings;
  for (std::size_t offset = 0; offset < 3; ++offset) {
    const std::string text = Base64(std::string(offset, ' ') + bytes);
    const std::size_t cut = kCut[(offset + bytes.size()) % 3];
    encodings.push_back(text.substr(kSkip[offset], text.size() - kSkip[offset] - cut));
  }
  return encodings;
}

std::string Utf16(std::string_view text, bool big_endian, bool mark) {
  std::string wide;
  if (mark) wide += big_endian ? "\xfe\xff" : "\xff\xfe";
  for (const char c : text) {
    if (big_endian) wide.push_back('\0');
    wide.push_back(c);
    if (!big_endian) wide.push_back('\0');
  }
  return wide;
}

// Every spelling of a command line's switches: - / and the dashes that word processors make.
std::vector<std::string> WindowsDashes(const std::string& text) {
  std::vector<std::string> spellings;
  for (const char* dash : {"-", "/", "\u2013", "\u2014", "\u2015"}) {
    std::string spelling;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const bool begins_switch = (text[i] == '-' || text[i] == '/') && (i == 0 || text[i - 1] == ' ');
      if (begins_switch) {
        spelling += dash;
      } else {
        spelling.push_back(text[i]);
      }
    }
    if (std::ranges::find(spellings, spelling) == spellings.end()) spellings.push_back(spelling);
  }
  return spellings;
}

// A literal in which nothing is a wildcard any more.
std::string Escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '*' || c == '?' || c == '\\') escaped.push_back('\\');
    escaped.push_back(c);
  }
  return escaped;
}

// What the modifiers of one field name ask for.
struct Modifiers {
  bool prefix_open = false, suffix_open = false;  // contains, endswith / contains, startswith
  bool cased = false, network = false, expression = false, windash = false, expand = false;
  bool field_reference = false, exists = false;
  std::string flags;
  std::optional<Comparison> comparison;
  std::vector<std::string> encodings;  // wide, base64, ... in order

  ValuePattern::TextOptions text_options() const { return {cased, prefix_open, suffix_open}; }
};

Status Apply(Modifiers& modifiers, DetectionItem& item, const std::string& name) {
  const std::pair<const char*, std::function<void()>> known[] = {
      {"contains", [&] { modifiers.prefix_open = modifiers.suffix_open = true; }},
      {"startswith", [&] { modifiers.suffix_open = true; }},
      {"endswith", [&] { modifiers.prefix_open = true; }},
      {"all", [&] { item.all = true; }},
      {"neq", [&] { item.negated = true; }},
      {"cased", [&] { modifiers.cased = true; }},
      {"cidr", [&] { modifiers.network = true; }},
      {"re", [&] { modifiers.expression = true; }},
      {"windash", [&] { modifiers.windash = true; }},
      {"expand", [&] { modifiers.expand = true; }},
      {"exists", [&] { modifiers.exists = true; }},
      {"fieldref", [&] { modifiers.field_reference = true; }},
      {"lt", [&] { modifiers.comparison = Comparison::kLess; }},
      {"lte", [&] { modifiers.comparison = Comparison::kLessOrEqual; }},
      {"gt", [&] { modifiers.comparison = Comparison::kGreater; }},
      {"gte", [&] { modifiers.comparison = Comparison::kGreaterOrEqual; }},
  };
  for (const auto& [word, apply] : known) {
    if (name == word) {
      apply();
      return {};
    }
  }
  if (name == "i" || name == "m" || name == "s") {
    modifiers.flags += name;
    return {};
  }
  for (const char* encoding : {"wide", "utf16", "utf16le", "utf16be", "base64", "base64offset"}) {
    if (name == encoding) {
      modifiers.encodings.push_back(name);
      return {};
    }
  }
  return Fail(ErrorCode::kInvalid, "the modifier '{}' is not one of Sigma's", name);
}

std::vector<std::string> Encode(std::string value, const Modifiers& modifiers) {
  std::vector<std::string> values{std::move(value)};
  if (modifiers.windash) values = WindowsDashes(values.front());
  for (const std::string& encoding : modifiers.encodings) {
    std::vector<std::string> encoded;
    for (const std::string& one : values) {
      if (encoding == "base64") encoded.push_back(Base64(one));
      if (encoding == "base64offset") std::ranges::copy(Base64Offsets(one), std::back_inserter(encoded));
      if (encoding == "wide" || encoding == "utf16le") encoded.push_back(Utf16(one, false, false));
      if (encoding == "utf16be") encoded.push_back(Utf16(one, true, false));
      if (encoding == "utf16") encoded.push_back(Utf16(one, false, true));
    }
    values = std::move(encoded);
  }
  if (!modifiers.encodings.empty()) {
    for (std::string& one : values) one = Escaped(one);
  }
  return values;
}

bool IsPlain(const YAML::Node& node) { return node.Tag() != "!"; }  // "!" marks a quoted scalar

std::optional<double> NumberIn(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Status AddValue(DetectionItem& item, const Modifiers& modifiers, const YAML::Node& node) {
  if (node.IsNull()) {
    item.patterns.push_back(ValuePattern::Null());
    return {};
  }
  if (!node.IsScalar())
    return Fail(ErrorCode::kInvalid, "a value of '{}' is neither text, number nor null", item.field);
  const std::string& text = node.Scalar();
  if (modifiers.exists) {
    bool wanted = false;
    if (!YAML::convert<bool>::decode(node, wanted)) {
      return Fail(ErrorCode::kInvalid, "'exists' is asked with true or false, not '{}'", text);
    }
    item.exists = wanted;
    return {};
  }
  if (modifiers.field_reference) {
    item.other_fields.push_back(text);
    item.reference_options = modifiers.text_options();
    return {};
  }
  if (modifiers.network || modifiers.expression) {
    auto pattern = modifiers.network ? ValuePattern::InNetwork(text) : ValuePattern::Expression(text, modifiers.flags);
    if (!pattern) return Fail(pattern.error());
    item.patterns.push_back(std::move(*pattern));
    return {};
  }
  const auto number = NumberIn(node);
  if (modifiers.comparison) {
    if (!number) return Fail(ErrorCode::kInvalid, "'{}' is compared by size but is not a number", text);
    item.patterns.push_back(ValuePattern::Number(*number, *modifiers.comparison));
    return {};
  }
  const bool literal = !modifiers.prefix_open && !modifiers.suffix_open && modifiers.encodings.empty() && IsPlain(node);
  if (literal && number) {
    item.patterns.push_back(ValuePattern::Number(*number, Comparison::kEqual));
    return {};
  }
  if (literal && (text == "true" || text == "false")) {
    item.patterns.push_back(ValuePattern::Boolean(text == "true"));
    return {};
  }
  for (const std::string& value : Encode(text, modifiers)) {
    item.patterns.push_back(ValuePattern::Text(value, modifiers.text_options()));
  }
  return {};
}

Result<DetectionItem> ParseItem(const std::string& key, const YAML::Node& values, const std::string& where) {
  DetectionItem item;
  Modifiers modifiers;
  std::size_t begin = key.find('|');
  item.field = key.substr(0, begin);
  while (begin != std::string::npos) {
    const std::size_t end = key.find('|', begin + 1);
    const std::string name = key.substr(begin + 1, end == std::string::npos ? end : end - begin - 1);
    if (Status status = Apply(modifiers, item, name); !status) return Refuse(where, values, status.error().message);
    begin = end;
  }
  // A keyword may stand anywhere in a value.
  if (item.field.empty() && !modifiers.expression) modifiers.prefix_open = modifiers.suffix_open = true;
  if (values.IsSequence()) {
    for (const auto& value : values) {
      if (Status status = AddValue(item, modifiers, value); !status)
        return Refuse(where, value, status.error().message);
    }
  } else if (Status status = AddValue(item, modifiers, values); !status) {
    return Refuse(where, values, status.error().message);
  }
  return item;
}

Result<std::vector<DetectionItem>> ParseMapping(const YAML::Node& node, const std::string& where) {
  std::vector<DetectionItem> items;
  for (const auto& pair : node) {
    auto item = ParseItem(pair.first.Scalar(), pair.second, where);
    if (!item) return Fail(item.error());
    items.push_back(std::move(*item));
  }
  return items;
}

}  // namespace

bool DetectionItem::Holds(const FlatEvent& event) const {
  if (exists) return (event.Find(field) != nullptr) == *exists;
  const auto value_holds = [&](const std::vector<EventValue>& values, const ValuePattern& pattern) {
    return std::ranges::any_of(values, [&](const EventValue& value) { return pattern.Matches(value); });
  };
  const auto pattern_holds = [&](const ValuePattern& pattern) {
    if (field.empty()) {
      return std::ranges::any_of(event.fields, [&](const auto& entry) { return value_holds(entry.second, pattern); });
    }
    const auto* values = event.Find(field);
    // A field that is not there is null.
    return values == nullptr || values->empty() ? pattern.Matches(std::monostate()) : value_holds(*values, pattern);
  };
  const auto reference_holds = [&](const std::string& other) {
    const auto* values = event.Find(field);
    const auto* others = event.Find(other);
    if (values == nullptr || others == nullptr) return false;
    return std::ranges::any_of(*others, [&](const EventValue& value) {
      return value_holds(*values, ValuePattern::Text(Escaped(TextOf(value)), reference_options));
    });
  };
  bool holds = all ? std::ranges::all_of(patterns, pattern_holds) : std::ranges::any_of(patterns, pattern_holds);
  if (!other_fields.empty()) holds = std::ranges::any_of(other_fields, reference_holds);
  return holds != negated;
}

bool Detection::SearchIdentifier::Holds(const FlatEvent& event) const {
  return std::ranges::any_of(alternatives, [&](const auto& items) {
    return std::ranges::all_of(items, [&](const DetectionItem& item) { return item.Holds(event); });
  });
}

Result<Detection> Detection::Parse(const YAML::Node& node, const std::string& where) {
  if (!node.IsMap()) return Refuse(where, node, "a detection is a mapping of search identifiers and a condition");
  Detection detection;
  std::vector<std::string> names;
  for (const auto& pair : node) {
    const std::string name = pair.first.Scalar();
    const YAML::Node& body = pair.second;
    if (name == "condition" || name == "rules") continue;
    if (name == "timeframe")
      return Refuse(where, body, "'timeframe' was removed in Sigma 2; write a correlation with 'timespan'");
    SearchIdentifier identifier;
    if (body.IsMap()) {
      auto items = ParseMapping(body, where);
      if (!items) return Fail(items.error());
      identifier.alternatives.push_back(std::move(*items));
    } else if (body.IsSequence() || body.IsScalar()) {
      const YAML::Node list = body.IsSequence() ? body : YAML::Load("[]");
      for (const auto& entry : list) {
        auto items = entry.IsMap() ? ParseMapping(entry, where) : ParseMapping(YAML::Node(YAML::NodeType::Map), where);
        if (!items) return Fail(items.error());
        if (!entry.IsMap()) {
          auto keyword = ParseItem("|contains", entry, where);
          if (!keyword) return Fail(keyword.error());
          items->push_back(std::move(*keyword));
        }
        identifier.alternatives.push_back(std::move(*items));
      }
      if (body.IsScalar()) {
        auto keyword = ParseItem("|contains", body, where);
        if (!keyword) return Fail(keyword.error());
        identifier.alternatives.push_back({std::move(*keyword)});
      }
    } else {
      return Refuse(where, body, fmt::format("the search identifier '{}' is empty", name));
    }
    names.push_back(name);
    detection.identifiers_.push_back(std::move(identifier));
  }
  const YAML::Node condition = node["condition"];
  if (!condition) return Refuse(where, node, "the detection has no condition");
  const auto add = [&](const YAML::Node& text) -> Status {
    auto parsed = Condition::Parse(text.Scalar(), names);
    if (!parsed) return Refuse(where, text, parsed.error().message);
    detection.conditions_.push_back(std::move(*parsed));
    return {};
  };
  if (condition.IsSequence()) {
    for (const auto& text : condition) {
      if (Status status = add(text); !status) return Fail(status.error());
    }
  } else if (Status status = add(condition); !status) {
    return Fail(status.error());
  }
  return detection;
}

bool Detection::Holds(const FlatEvent& event) const {
  std::vector<bool> truths(identifiers_.size());
  for (std::size_t i = 0; i < identifiers_.size(); ++i) truths[i] = identifiers_[i].Holds(event);
  return std::ranges::any_of(conditions_, [&](const Condition& condition) { return condition.Holds(truths); });
}

void DetectionItem::CountKeys(EventKeyCounts& counts) const {
  if (exists || !other_fields.empty()) counts.Add(PresentKey(field));
  for (const ValuePattern& pattern : patterns) {
    for (const EventKey& key : pattern.Keys(field)) counts.Add(key);
  }
}

Requirement DetectionItem::Requires(const EventKeyCounts& counts) const {
  const bool is_there = exists ? *exists : !negated && !other_fields.empty();
  if (is_there && !field.empty()) return Requirement::Of(PresentKey(field), counts);
  if (exists || negated || !other_fields.empty()) return Requirement::AnyEvent();
  Requirement required = all ? Requirement::AnyEvent() : Requirement::NoEvent();
  for (const ValuePattern& pattern : patterns) {
    Requirement of_pattern = Requirement::AnyEvent();
    for (const EventKey& key : pattern.Keys(field))
      of_pattern = Requirement(of_pattern.And(Requirement::Of(key, counts)));
    required = all ? Requirement(required.And(of_pattern)) : required.Or(of_pattern);
  }
  return required;
}

Requirement Detection::SearchIdentifier::Requires(const EventKeyCounts& counts) const {
  Requirement required = Requirement::NoEvent();
  for (const std::vector<DetectionItem>& items : alternatives) {
    Requirement together = Requirement::AnyEvent();
    for (const DetectionItem& item : items) together = Requirement(together.And(item.Requires(counts)));
    required = required.Or(std::move(together));
  }
  return required;
}

void Detection::CountKeys(EventKeyCounts& counts) const {
  for (const SearchIdentifier& identifier : identifiers_) {
    for (const std::vector<DetectionItem>& items : identifier.alternatives) {
      for (const DetectionItem& item : items) item.CountKeys(counts);
    }
  }
}

Requirement Detection::Requires(const EventKeyCounts& counts) const {
  std::vector<Requirement> of_identifiers;
  for (const SearchIdentifier& identifier : identifiers_) of_identifiers.push_back(identifier.Requires(counts));
  Requirement required = Requirement::NoEvent();
  for (const Condition& condition : conditions_) required = required.Or(condition.Requires(of_identifiers));
  return required;
}

}  // namespace spanwatch::policy
