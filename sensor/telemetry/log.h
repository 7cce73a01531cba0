// The log of the control plane, on standard error: `2019-05-13T02:11:40.120Z warning supervisor inspector_died
// index=1`.
//
// The message is a constant sentence; what varies are key=value fields. No payload, name of a person, plate or secret.
// The data plane does not log: it counts. Safe from any thread; usable after the sandbox closed.
#pragma once

#include <string_view>

#include <fmt/format.h>

namespace spanwatch {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

void SetLogLevel(LogLevel level);
// Which process writes: "launcher", "supervisor", "inspector-1".
void SetLogRole(std::string_view role);
void WriteLog(LogLevel level, std::string_view message, std::string_view fields);

template <typename... Args>
void Log(LogLevel level, std::string_view message, fmt::format_string<Args...> fields, Args&&... args) {
  WriteLog(level, message, fmt::format(fields, std::forward<Args>(args)...));
}
inline void Log(LogLevel level, std::string_view message) { WriteLog(level, message, ""); }

}  // namespace spanwatch
