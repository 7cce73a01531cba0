// What is recognised by its first bytes and not opened: containers and pictures of a kind that is not read,
// and what is encrypted as a whole. Its bytes are searched as they are, and the reason is told (ObjectNode::Unread).
// Pure.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "telemetry/anomaly_codes.h"

namespace spanwatch::content {

// REQUIRES: the first 512 bytes of the object, or all.
std::optional<AnomalyCode> WhyUnopened(ByteView head);

}  // namespace spanwatch::content
