#include "telemetry/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "base/printable.h"
#include "base/time.h"

namespace spanwatch {
namespace {

spdlog::logger& Logger() {
  // The pattern is the bare message: spdlog's own time formatting would open the time zone inside the sandbox.
  static const auto logger = [] {
    auto made = std::make_shared<spdlog::logger>("spanwatch", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v", spdlog::pattern_time_type::utc);
    made->set_level(spdlog::level::info);
    return made;
  }();
  return *logger;
}

std::string& Role() {
  static std::string role = "spanwatch";
  return role;
}

spdlog::level::level_enum LevelOf(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

}  // namespace

void SetLogLevel(LogLevel level) { Logger().set_level(LevelOf(level)); }
void SetLogRole(std::string_view role) { Role() = role; }

void WriteLog(LogLevel level, std::string_view message, std::string_view fields) {
  const auto name = spdlog::level::to_string_view(LevelOf(level));
  Logger().log(LevelOf(level), "{} {} {}: {}{}{}", FormatRfc3339(WallClockNow()),
               std::string_view(name.data(), name.size()), Role(), message, fields.empty() ? "" : " ",
               Printable(fields));
}

}  // namespace spanwatch
