#include "fingerprint/record_value.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>

#include "base/ascii.h"
#include "base/utf8.h"
#include "fingerprint/plate_normaliser.h"
#include "fingerprint/text_fold.h"

namespace spanwatch::fingerprint {
namespace {

constexpr std::int64_t kFirstEpoch = 978307200;  // 2001-01-01
constexpr std::int64_t kLastEpoch = 2997993600;  // 2065-01-01
constexpr double kFirstSerial = 36526;           // 2000-01-01
constexpr double kLastSerial = 73050;            // 2099-12-31
constexpr double kSerialOfEpoch = 25569;         // 1970-01-01
constexpr std::size_t kLongestTime = 40;
constexpr std::string_view kValueEdges = " \t\r\n\"'`";

// Reads a time field by field; failure is sticky.
class TimeReader {
 public:
  explicit TimeReader(std::string_view text) : text_(text) {}

  bool ok() const { return ok_; }
  bool at_end() const { return at_ == text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  void Skip() { ++at_; }
  // A number of `least` to `most` digits.
  int Number(std::size_t least, std::size_t most) {
    int number = 0;
    std::size_t digits = 0;
    for (; digits < most && IsDigit(peek()); ++digits, ++at_) number = number * 10 + (text_[at_] - '0');
    if (digits < least) ok_ = false;
    return number;
  }
  // One of `allowed`; returns it.
  char OneOf(std::string_view allowed) {
    const char c = peek();
    if (c == '\0' || !allowed.contains(c)) {
      ok_ = false;
      return '\0';
    }
    ++at_;
    return c;
  }
  void Fail() { ok_ = false; }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

struct Date {
  int year = 0;
  int month = 0;
  int day = 0;
};

std::optional<std::int64_t> Minute(const Date& date, int hour, int minute) {
  using namespace std::chrono;
  const year_month_day day{year(date.year), month(static_cast<unsigned>(date.month)),
                           std::chrono::day(static_cast<unsigned>(date.day))};
  if (!day.ok() || date.year < 1990 || date.year > 2100 || hour > 23 || minute > 59) return std::nullopt;
  return sys_days(day).time_since_epoch().count() * std::int64_t{1440} + hour * 60 + minute;
}

// `[ ]AM` or `PM` after a US time: the hour of the day.
int TwelveHours(TimeReader& reader, int hour) {
  if (reader.peek() == ' ') reader.Skip();
  const char half = reader.OneOf("AaPp");
  reader.OneOf("Mm");
  if (hour < 1 || hour > 12) reader.Fail();
  return hour % 12 + (half == 'P' || half == 'p' ? 12 : 0);
}

// Seconds, fraction and zone after hour and minute; the zone's offset in minutes.
int Remainder(TimeReader& reader, bool compact) {
  if (compact ? IsDigit(reader.peek()) : reader.peek() == ':') {
    if (!compact) reader.Skip();
    if (reader.Number(2, 2) > 60) reader.Fail();
    if (reader.peek() == '.' || reader.peek() == ',') {
      reader.Skip();
      reader.Number(1, 9);
    } else if (compact && IsDigit(reader.peek())) {
      reader.Number(3, 3);  // yyyyMMddhhmmssSSS
    }
  }
  if (reader.peek() == ' ') reader.Skip();
  if (reader.peek() == 'Z' || reader.peek() == 'z') reader.Skip();
  for (const std::string_view zone : {"UTC", "GMT"}) {
    if (reader.peek() != zone[0]) continue;
    for (const char expected : zone) reader.OneOf({&expected, 1});
  }
  if (reader.peek() != '+' && reader.peek() != '-') return 0;
  const int sign = reader.OneOf("+-") == '-' ? -1 : 1;
  const int hours = reader.Number(2, 2);
  if (reader.peek() == ':') reader.Skip();
  const int minutes = reader.at_end() ? 0 : reader.Number(2, 2);
  return sign * (hours * 60 + minutes);
}

// yyyy-MM-dd, yyyy/MM/dd, yyyy:MM:dd or yyyyMMdd, then a time.
std::optional<std::int64_t> YearFirst(std::string_view text) {
  TimeReader reader(text);
  Date date;
  date.year = reader.Number(4, 4);
  const bool compact = IsDigit(reader.peek());
  if (!compact) reader.OneOf("-/:.");
  date.month = reader.Number(2, 2);
  if (!compact) reader.OneOf("-/:.");
  date.day = reader.Number(2, 2);
  if (!compact || !IsDigit(reader.peek())) reader.OneOf(compact ? "Tt -_" : "Tt _");
  const int hour = reader.Number(2, 2);
  const bool compact_time = IsDigit(reader.peek());
  if (!compact_time) reader.OneOf(":");
  const int minute = reader.Number(2, 2);
  const int offset = Remainder(reader, compact_time);
  if (!reader.ok() || !reader.at_end()) return std::nullopt;
  const auto local = Minute(date, hour, minute);
  return local ? std::optional(*local - offset) : std::nullopt;
}

// M/d/yyyy h:mm[:ss] [AM|PM].
std::optional<std::int64_t> MonthFirst(std::string_view text) {
  TimeReader reader(text);
  Date date;
  date.month = reader.Number(1, 2);
  reader.OneOf("/");
  date.day = reader.Number(1, 2);
  reader.OneOf("/");
  date.year = reader.Number(4, 4);
  if (reader.peek() == ',') reader.Skip();
  reader.OneOf(" ");
  int hour = reader.Number(1, 2);
  reader.OneOf(":");
  const int minute = reader.Number(2, 2);
  if (reader.peek() == ':') {
    reader.Skip();
    if (reader.Number(2, 2) > 60) reader.Fail();
  }
  if (!reader.at_end()) hour = TwelveHours(reader, hour);
  if (!reader.ok() || !reader.at_end()) return std::nullopt;
  return Minute(date, hour, minute);
}

// d.M.yyyy, then a time: with dots the day is always first.
std::optional<std::int64_t> DayFirst(std::string_view text) {
  TimeReader reader(text);
  Date date;
  date.day = reader.Number(1, 2);
  reader.OneOf(".");
  date.month = reader.Number(1, 2);
  reader.OneOf(".");
  date.year = reader.Number(4, 4);
  reader.OneOf(" T");
  const int hour = reader.Number(1, 2);
  reader.OneOf(":");
  const int minute = reader.Number(2, 2);
  const int offset = Remainder(reader, false);
  if (!reader.ok() || !reader.at_end()) return std::nullopt;
  const auto local = Minute(date, hour, minute);
  return local ? std::optional(*local - offset) : std::nullopt;
}

// The month by the first three letters of its English name; 0 when there is none.
int MonthByName(TimeReader& reader) {
  constexpr std::string_view kMonths = "janfebmaraprmayjunjulaugsepoctnovdec";
  std::array<char, 3> name{};
  for (char& c : name) {
    c = static_cast<char>(reader.peek() | 0x20);
    if (reader.at_end()) return 0;
    reader.Skip();
  }
  while ((reader.peek() | 0x20) >= 'a' && (reader.peek() | 0x20) <= 'z') reader.Skip();
  const std::size_t at = kMonths.find(std::string_view(name.data(), name.size()));
  return at == std::string_view::npos || at % 3 != 0 ? 0 : static_cast<int>(at / 3) + 1;
}

// `13 May 2019 02:11:40 GMT` (RFC 5322), `13-May-2019 02:11`, `May 13 2019  2:11AM` (SQL Server).
std::optional<std::int64_t> MonthNamed(std::string_view text) {
  TimeReader reader(text);
  Date date;
  const bool month_first = !IsDigit(reader.peek());
  if (month_first) date.month = MonthByName(reader);
  if (month_first) reader.OneOf(" ");
  if (reader.peek() == ' ') reader.Skip();
  date.day = reader.Number(1, 2);
  if (reader.peek() == ',') reader.Skip();
  reader.OneOf(" -");
  if (!month_first) date.month = MonthByName(reader);
  if (!month_first) reader.OneOf(" -");
  date.year = reader.Number(4, 4);
  reader.OneOf(" ");
  if (reader.peek() == ' ') reader.Skip();
  int hour = reader.Number(1, 2);
  reader.OneOf(":");
  const int minute = reader.Number(2, 2);
  const bool halved = (reader.peek() | 0x20) == 'a' || (reader.peek() | 0x20) == 'p';
  const int offset = halved ? 0 : Remainder(reader, false);
  if (halved) hour = TwelveHours(reader, hour);
  if (!reader.ok() || !reader.at_end() || date.month == 0) return std::nullopt;
  const auto local = Minute(date, hour, minute);
  return local ? std::optional(*local - offset) : std::nullopt;
}

// Seconds (10 digits, perhaps a fraction), milliseconds (13) or microseconds (16) since 1970.
std::optional<std::int64_t> Epoch(std::string_view text) {
  if (text.size() > 10 && text[10] == '.') {
    const bool fraction = text.size() > 11 && text.size() <= 20 && std::ranges::all_of(text.substr(11), IsDigit);
    return fraction ? Epoch(text.substr(0, 10)) : std::nullopt;
  }
  if (text.size() != 10 && text.size() != 13 && text.size() != 16) return std::nullopt;
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  for (std::size_t digits = text.size(); digits > 10; --digits) seconds /= 10;
  if (seconds < kFirstEpoch || seconds >= kLastEpoch) return std::nullopt;
  return seconds / 60;
}

std::optional<std::int64_t> ExcelSerial(std::string_view text) {
  if (text.size() < 7 || text.size() > 24 || text[5] != '.') return std::nullopt;
  double serial = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), serial, std::chars_format::fixed);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!(serial >= kFirstSerial && serial < kLastSerial)) return std::nullopt;
  // To the second first: 12 digits of a serial do not hold a minute exactly.
  return static_cast<std::int64_t>(std::llround((serial - kSerialOfEpoch) * 86400)) / 60;
}

// Letters and digits, folded.
struct FoldedValue {
  std::array<char, RecordValue::kMaximum> text{};
  std::size_t size = 0;
  std::size_t first_word = 0;  // characters before the first separator
};

FoldedValue Fold(std::string_view value) {
  FoldedValue folded;
  for (std::size_t i = 0; i < value.size() && folded.size + 1 < folded.text.size();) {
    const auto [character, length] = DecodeUtf8(value, i);
    i += length;
    const char c = FoldCharacter(character);
    if (IsFoldedLetter(c) || IsFoldedDigit(c)) {
      folded.text[folded.size++] = c;
    } else if (folded.first_word == 0) {
      folded.first_word = folded.size;
    }
  }
  return folded;
}

RecordValue TextValue(std::string_view value) {
  const std::size_t slash = value.find_last_of("/\\");
  if (slash != std::string_view::npos && slash + 1 < value.size()) value.remove_prefix(slash + 1);
  const FoldedValue folded = Fold(value);
  std::string_view text(folded.text.data(), folded.size);
  const std::string_view head = text.substr(0, folded.first_word);
  const std::string_view tail = text.substr(folded.first_word);
  if ((head == "US" || head == "CA" || head == "MX") && IsRegionCode(tail)) text = tail;
  if (std::ranges::all_of(text, IsDigit)) {
    while (text.size() > 1 && text.front() == '0') text.remove_prefix(1);
  }
  RecordValue result;
  if (text.empty()) return result;
  result.Append('x');
  for (const char c : text) result.Append(c);
  return result;
}

}  // namespace

std::optional<std::int64_t> ParseRecordMinute(std::string_view value) {
  value = Trim(value, kValueEdges);
  if (value.size() < 7 || value.size() > kLongestTime) return std::nullopt;
  if (!IsDigit(value[0])) {
    constexpr std::string_view kWeekday = "Mon, ";
    if (value.substr(3, 2) == ", ") value.remove_prefix(kWeekday.size());
    return MonthNamed(value);
  }
  if (const auto minute = Epoch(value)) return minute;
  if (const auto minute = ExcelSerial(value)) return minute;
  for (const auto parse : {YearFirst, MonthFirst, DayFirst, MonthNamed}) {
    if (const auto minute = parse(value)) return minute;
  }
  return std::nullopt;
}

RecordValue NormaliseValue(std::string_view value) {
  value = Trim(value, kValueEdges);
  const auto minute = ParseRecordMinute(value);
  if (!minute) return TextValue(value);
  std::array<char, 24> digits;
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), *minute);
  RecordValue result;
  result.Append('t');
  for (const char* c = digits.data(); c != end; ++c) result.Append(*c);
  return result;
}

}  // namespace spanwatch::fingerprint
