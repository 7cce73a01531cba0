#include "base/time.h"

#include <charconv>

namespace spanwatch {
namespace {

using std::chrono::day;
using std::chrono::floor;
using std::chrono::month;
using std::chrono::year;
using std::chrono::year_month_day;

// Reads exactly `digits` decimal digits at the front of `text` and removes them; false when they are not there.
bool TakeNumber(std::string_view& text, std::size_t digits, int& value) {
  if (text.size() < digits) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + digits, value);
  if (error != std::errc() || end != text.data() + digits || text[0] == '-') return false;
  text.remove_prefix(digits);
  return true;
}

bool TakeLetter(std::string_view& text, std::string_view allowed) {
  if (text.empty() || allowed.find(text[0]) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

std::unexpected<Error> BadTime(std::string_view text) {
  return Fail(ErrorCode::kInvalid, "'{}' is not a time; write it like 2019-05-13T02:11:40Z", text);
}

}  // namespace

std::string FormatRfc3339(PacketTime time) {
  const auto days = floor<std::chrono::days>(time);
  const year_month_day date(days);
  const auto in_day = floor<std::chrono::milliseconds>(time - days);
  const auto total = in_day.count();
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", int(date.year()), unsigned(date.month()),
                     unsigned(date.day()), total / 3'600'000, total / 60'000 % 60, total / 1000 % 60, total % 1000);
}

Result<PacketTime> ParseRfc3339(std::string_view text) {
  const std::string_view whole = text;
  int y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0;
  if (!TakeNumber(text, 4, y) || !TakeLetter(text, "-") || !TakeNumber(text, 2, mo) || !TakeLetter(text, "-") ||
      !TakeNumber(text, 2, d)) {
    return BadTime(whole);
  }
  const year_month_day date(year(y), month(static_cast<unsigned>(mo)), day(static_cast<unsigned>(d)));
  if (!date.ok() || y < 1678 || y > 2261) return BadTime(whole);  // what 64-bit nanoseconds hold
  PacketTime time = std::chrono::sys_days(date);
  if (text.empty()) return time;
  if (!TakeLetter(text, "Tt ") || !TakeNumber(text, 2, h) || !TakeLetter(text, ":") || !TakeNumber(text, 2, mi) ||
      !TakeLetter(text, ":") || !TakeNumber(text, 2, s) || h > 23 || mi > 59 || s > 60) {
    return BadTime(whole);
  }
  time += std::chrono::hours(h) + std::chrono::minutes(mi) + std::chrono::seconds(s);
  if (TakeLetter(text, ".")) {
    std::int64_t scale = 100'000'000;
    bool any = false;
    while (!text.empty() && text[0] >= '0' && text[0] <= '9') {
      time += Duration((text[0] - '0') * scale);
      scale /= 10;
      any = true;
      text.remove_prefix(1);
    }
    if (!any) return BadTime(whole);
  }
  if (TakeLetter(text, "Zz")) return text.empty() ? Result<PacketTime>(time) : BadTime(whole);
  const int sign = !text.empty() && text[0] == '-' ? -1 : 1;
  int oh = 0, om = 0;
  if (!TakeLetter(text, "+-") || !TakeNumber(text, 2, oh) || !TakeLetter(text, ":") || !TakeNumber(text, 2, om) ||
      !text.empty()) {
    return BadTime(whole);
  }
  return time - sign * (std::chrono::hours(oh) + std::chrono::minutes(om));
}

PacketTime WallClockNow() { return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()); }

}  // namespace spanwatch
