// Doubt: why a TCP segment's receiver may drop it; OtherBytes: how bytes stand to those that were seen for their
// position before. Plain values.
#pragma once

#include "base/enumeration.h"

namespace spanwatch {
namespace flow {

enum class Doubt : std::uint8_t {
  kNoAcknowledgement,
  kAcknowledgement,
  kChecksum,
  kLength,
  kHopLimit,
  kIpOptions,
  kSignature,
  kTimestamp,
  kWindow,
};

enum class OtherBytes : std::uint8_t {
  kDecoy,        // one of the two came in a segment that the receiver may drop, and they differ
  kConflict,     // they differ
  kNotCompared,  // what was seen before is not remembered, or never came
  kUrgent,       // an urgent byte: the first reading goes without it, as most receivers' applications do
};

}  // namespace flow

template <>
inline constexpr std::size_t kCountOf<flow::Doubt> = 9;

}  // namespace spanwatch
