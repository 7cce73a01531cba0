// MaskMessage: the one door by which text from the wire leaves an inspector. Called by RingSink with every message; no
// other code masks. One inspector thread.
#pragma once

#include <functional>
#include <string>

#include "model/sighting.h"

namespace spanwatch::inspector {

// What becomes of one text that a sender worded, as the configuration says (`names`). Never called with nothing.
using TextMask = std::function<std::string(const std::string&)>;

// Masks every string of `message` that a sender worded. Only the common names of protocols and media types stay.
void MaskMessage(InspectorMessage& message, const TextMask& mask);

}  // namespace spanwatch::inspector
