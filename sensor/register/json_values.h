// ReadJsonValue: one JSON value as exporters write it. Part of record_rows; pure; any thread.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

namespace spanwatch::enrolment {

struct JsonValue {
  nlohmann::json value;      // discarded when the text is no JSON
  std::string doubled_name;  // one of the wanted names, when an object has it twice: the last is in `value`
};

// NaN and Infinity, which are no JSON but which Python and pandas write, are null. `names` are the members that must
// not stand in one object twice.
JsonValue ReadJsonValue(std::string_view text, std::span<const std::string> names);

// The value of a column in an object, whose name is found whatever its case; `a.b` goes into a nested one. Null when
// there is none.
const nlohmann::json* FieldOf(const nlohmann::json& object, std::string_view column);

}  // namespace spanwatch::enrolment
