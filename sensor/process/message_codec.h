// The bytes of an InspectorMessage in a ring. Both sides are the same binary, so there is one version and no migration;
// the reader still trusts nothing: every length, enumeration and string is checked, and anything odd gives nothing at
// all.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "model/sighting.h"

namespace spanwatch::process {

Bytes EncodeMessage(const InspectorMessage& message);
// Nothing when the bytes are not exactly one message.
std::optional<InspectorMessage> DecodeMessage(ByteView bytes);

}  // namespace spanwatch::process
