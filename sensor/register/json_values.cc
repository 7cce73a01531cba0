#include "register/json_values.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/ascii.h"

namespace spanwatch::enrolment {
namespace {

using nlohmann::json;

json Parse(std::string_view text, std::span<const std::string> names, std::string& doubled) {
  std::vector<std::vector<bool>> open;  // of each object that is: which of the names it has
  const auto note = [&](int, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start) open.emplace_back(names.size(), false);
    if (event == json::parse_event_t::object_end && !open.empty()) open.pop_back();
    if (event != json::parse_event_t::key || open.empty()) return true;
    const auto found = std::ranges::find(names, parsed.get_ref<const std::string&>());
    if (found == names.end()) return true;
    const auto place = static_cast<std::size_t>(found - names.begin());
    if (open.back()[place]) doubled = *found;
    open.back()[place] = true;
    return true;
  };
  return json::parse(text, note, false);
}

// With null in place of numbers that are none.
std::string WithNulls(std::string_view text) {
  constexpr std::array<std::string_view, 3> kNone = {"NaN", "-Infinity", "Infinity"};
  std::string made;
  bool in_text = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view rest = text.substr(i);
    const auto none = in_text ? kNone.end() : std::ranges::find_if(kNone, [&](auto n) { return rest.starts_with(n); });
    if (none != kNone.end()) {
      made += "null";
      i += none->size() - 1;
      continue;
    }
    made += text[i];
    if (text[i] == '"') in_text = !in_text;
    if (in_text && text[i] == '\\' && i + 1 < text.size()) made += text[++i];
  }
  return made;
}

const json* MemberOf(const json& object, std::string_view name) {
  const auto same = object.find(std::string(name));
  if (same != object.end()) return &*same;
  for (const auto& [other, value] : object.get_ref<const json::object_t&>()) {
    if (EqualsIgnoringCase(Trim(other), name)) return &value;
  }
  return nullptr;
}

}  // namespace

JsonValue ReadJsonValue(std::string_view text, std::span<const std::string> names) {
  JsonValue read;
  read.value = Parse(text, names, read.doubled_name);
  if (read.value.is_discarded() && (text.contains("NaN") || text.contains("Infinity"))) {
    read.value = Parse(WithNulls(text), names, read.doubled_name);
  }
  return read;
}

const json* FieldOf(const json& object, std::string_view column) {
  const json* value = &object;
  while (value != nullptr && value->is_object()) {
    if (const json* const whole = MemberOf(*value, column)) return whole;
    const std::size_t dot = column.find('.');
    if (dot == std::string_view::npos) return nullptr;
    value = MemberOf(*value, column.substr(0, dot));
    column.remove_prefix(dot + 1);
  }
  return nullptr;
}

}  // namespace spanwatch::enrolment
