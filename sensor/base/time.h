// PacketTime and Duration: nanoseconds, signed. PacketTime counts from the Unix epoch and is what a capture says;
// wall-clock time is the same type, and names say which one is meant (design.md section 9.1).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/result.h"

namespace spanwatch {

using Duration = std::chrono::nanoseconds;
using PacketTime = std::chrono::sys_time<std::chrono::nanoseconds>;

constexpr PacketTime PacketTimeFromNanoseconds(std::int64_t nanoseconds) { return PacketTime(Duration(nanoseconds)); }
constexpr std::int64_t Nanoseconds(PacketTime time) { return time.time_since_epoch().count(); }

// RFC 3339 in UTC with milliseconds, as ECS @timestamp wants it: 2019-05-13T02:11:40.120Z.
std::string FormatRfc3339(PacketTime time);
// Accepts RFC 3339 with Z or an offset, with or without a fraction, and a bare date (midnight UTC).
Result<PacketTime> ParseRfc3339(std::string_view text);
PacketTime WallClockNow();

}  // namespace spanwatch
