// An alert as the state file keeps it: JSON, so that a later version may add a field and an operator may read it. Pure.
#pragma once

#include "model/alert.h"

namespace spanwatch::state {

std::string EncodeAlert(const Alert& alert);
Result<Alert> DecodeAlert(std::string_view text);

}  // namespace spanwatch::state
