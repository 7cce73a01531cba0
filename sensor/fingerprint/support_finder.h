// FindsBeside: whether detection reads a supporting value as it was registered, from the row it was written in. Called
// by enrolment, so that a column that could never support anything is told. Pure; any thread.
#pragma once

#include <optional>
#include <string_view>

#include "fingerprint/record_time.h"

namespace spanwatch::fingerprint {

// `value` beside a plate, in quotes as tables and JSON write it. `order` is the one that its date is registered in.
bool FindsBeside(std::string_view value, std::optional<DateOrder> order);

}  // namespace spanwatch::fingerprint
