#include "fingerprint/record_time.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <span>

#include "base/ascii.h"

namespace spanwatch::fingerprint {
namespace {

constexpr std::int64_t kFirstEpoch = 978307200;  // 2001-01-01
constexpr std::int64_t kLastEpoch = 2997993600;  // 2065-01-01
constexpr double kFirstSerial = 36526;           // 2000-01-01
constexpr double kLastSerial = 73050;            // 2099-12-31
constexpr int kSerialOfEpoch = 25569;            // 1970-01-01
constexpr std::int64_t kMinutesOfDay = 1440;
constexpr std::size_t kLongestTime = 44;
constexpr std::size_t kShortestTime = 5;  // an Excel serial
constexpr std::string_view kTimeEdges = " \t\r\n\"'`";

// Reads a time field by field; failure is sticky.
class TimeReader {
 public:
  explicit TimeReader(std::string_view text) : text_(text) {}

  bool ok() const { return ok_; }
  bool at_end() const { return at_ == text_.size(); }
  bool complete() const { return ok_ && at_end(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  std::size_t at() const { return at_; }
  void Skip() { at_ += at_end() ? 0 : 1; }
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
  // Spaces, also those that do not break (U+00A0, U+202F: how ICU writes `2:11 PM`).
  void Spaces() {
    while (true) {
      const std::string_view rest = text_.substr(at_);
      const std::size_t length = rest.starts_with(' ')              ? 1
                                 : rest.starts_with("\xC2\xA0")     ? 2
                                 : rest.starts_with("\xE2\x80\xAF") ? 3
                                                                    : 0;
      if (length == 0) return;
      at_ += length;
    }
  }
  void Fail() { ok_ = false; }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

struct CalendarDate {
  int year = 0;
  int month = 0;
  int day = 0;
};

// Up to three ways to read the numbers of a date.
struct DateReadings {
  std::array<CalendarDate, kDateOrders> dates{};
  std::array<DateOrder, kDateOrders> orders{};
  std::size_t count = 0;
  bool order_told = true;

  void Add(CalendarDate date, DateOrder order) {
    dates[count] = date;
    orders[count++] = order;
  }
};

std::optional<std::int64_t> Day(const CalendarDate& date) {
  using namespace std::chrono;
  const year_month_day day{year(date.year), month(static_cast<unsigned>(date.month)),
                           std::chrono::day(static_cast<unsigned>(date.day))};
  if (!day.ok() || date.year < 1990 || date.year > 2100) return std::nullopt;
  return sys_days(day).time_since_epoch().count();
}

int FullYear(int year) { return year > 99 ? year : year >= 90 ? 1900 + year : 2000 + year; }

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

// `13 May 2019` (RFC 5322), `13-May-19`, `May 13 2019`, `May 13, 2019`.
DateReadings MonthNamed(TimeReader& reader) {
  CalendarDate date;
  const bool month_first = !IsDigit(reader.peek());
  if (month_first) date.month = MonthByName(reader);
  if (month_first) reader.OneOf(" ");
  reader.Spaces();
  date.day = reader.Number(1, 2);
  if (reader.peek() == ',') reader.Skip();
  reader.OneOf(" -");
  if (!month_first) date.month = MonthByName(reader);
  if (!month_first) reader.OneOf(" -");
  date.year = FullYear(reader.Number(2, 4));
  if (date.month == 0) reader.Fail();
  DateReadings readings;
  readings.Add(date, DateOrder::kDayFirst);
  return readings;
}

// Three numbers. Four digits are the year; with dots the day is first; else the numbers alone do not tell.
DateReadings Numbers(TimeReader& reader) {
  const std::size_t begin = reader.at();
  const int a = reader.Number(1, 4);
  const std::size_t digits = reader.at() - begin;
  const bool year_first = digits == 4;
  const char separator = reader.OneOf(year_first ? "-/:." : "-/.");
  const int b = reader.Number(1, 2);
  reader.OneOf({&separator, 1});
  const std::size_t last = reader.at();
  const int c = reader.Number(year_first ? 1 : 2, year_first ? 2 : 4);
  const std::size_t last_digits = reader.at() - last;
  if (digits == 3 || last_digits == 3) reader.Fail();
  DateReadings readings;
  if (year_first) {
    readings.Add({a, b, c}, DateOrder::kYearFirst);
  } else if (separator == '.') {
    readings.Add({FullYear(c), b, a}, DateOrder::kDayFirst);
  } else {
    readings.order_told = false;
    readings.Add({FullYear(c), a, b}, DateOrder::kMonthFirst);
    readings.Add({FullYear(c), b, a}, DateOrder::kDayFirst);
    if (last_digits == 2) readings.Add({FullYear(a), b, c}, DateOrder::kYearFirst);
  }
  return readings;
}

// 20190513.
DateReadings Compact(TimeReader& reader) {
  DateReadings readings;
  CalendarDate date;
  date.year = reader.Number(4, 4);
  date.month = reader.Number(2, 2);
  date.day = reader.Number(2, 2);
  readings.Add(date, DateOrder::kYearFirst);
  return readings;
}

// `[ ]AM`, `p.m.`: the hour of the day.
int TwelveHours(TimeReader& reader, int hour) {
  const char half = reader.OneOf("AaPp");
  const bool dotted = reader.peek() == '.';
  if (dotted) reader.Skip();
  reader.OneOf("Mm");
  if (dotted) reader.OneOf(".");
  if (hour < 1 || hour > 12) reader.Fail();
  return hour % 12 + (half == 'P' || half == 'p' ? 12 : 0);
}

// The zone behind a time: its offset in minutes.
int Zone(TimeReader& reader) {
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

// The minute of the day, less the offset of a zone.
std::int64_t TimeOfDay(TimeReader& reader) {
  const std::size_t begin = reader.at();
  int hour = reader.Number(1, 2);
  const bool compact = reader.at() - begin == 2 && IsDigit(reader.peek());
  if (!compact) reader.OneOf(":");
  const int minute = reader.Number(2, 2);
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
  reader.Spaces();
  if (const char half = static_cast<char>(reader.peek() | 0x20); half == 'a' || half == 'p') {
    hour = TwelveHours(reader, hour);
    reader.Spaces();
  }
  if (hour > 23 || minute > 59) reader.Fail();
  return hour * 60 + minute - Zone(reader);
}

using ReadDate = DateReadings (*)(TimeReader&);

// A date in one notation, and a time of day behind it if there is one.
bool ReadAs(ReadDate read, std::string_view text, std::optional<DateOrder> order, RecordTimes& times) {
  TimeReader reader(text);
  const bool compact = read == Compact;
  const DateReadings dates = read(reader);
  std::optional<std::int64_t> minute;
  if (reader.ok() && !reader.at_end()) {
    const bool apart = !compact || !IsDigit(reader.peek());
    if (apart && reader.peek() == ',') reader.Skip();
    if (apart) reader.OneOf(compact ? "Tt -_" : "Tt _");
    reader.Spaces();
    minute = TimeOfDay(reader);
  }
  if (!reader.complete()) return false;
  RecordTimes found{.order_told = dates.order_told};
  for (std::size_t i = 0; i < dates.count; ++i) {
    const auto day = Day(dates.dates[i]);
    if (day) found.Add({!minute, minute ? *day * kMinutesOfDay + *minute : *day}, dates.orders[i]);
  }
  if (found.count == 0) return false;
  times = found;
  if (found.order_told || !order) return true;
  for (std::size_t i = 0; i < found.count; ++i) {
    if (found.orders[i] != *order) continue;
    times = {.readings = {found.readings[i]},
             .orders = {*order},
             .count = 1,
             .order_told = false,
             .orders_allowed = found.orders_allowed};
  }
  return true;
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

// Days since 1899-12-30, of a workbook's cell: whole ones are a date.
std::optional<RecordTime> ExcelSerial(std::string_view text) {
  if (text.size() < 5 || text.size() > 24 || (text.size() > 5 && (text.size() < 7 || text[5] != '.'))) {
    return std::nullopt;
  }
  double serial = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), serial, std::chars_format::fixed);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!(serial >= kFirstSerial && serial < kLastSerial)) return std::nullopt;
  if (text.size() == 5) return RecordTime{true, static_cast<std::int64_t>(serial) - kSerialOfEpoch};
  // To the second first: 12 digits of a serial do not hold a minute exactly.
  return RecordTime{false, static_cast<std::int64_t>(std::llround((serial - kSerialOfEpoch) * 86400)) / 60};
}

RecordTimes One(RecordTime time) {
  RecordTimes times;
  times.Add(time, DateOrder::kYearFirst);
  return times;
}

}  // namespace

void RecordTimes::Add(RecordTime time, DateOrder order) {
  orders_allowed |= static_cast<std::uint8_t>(1u << static_cast<unsigned>(order));
  const auto known = std::span(readings).first(count);
  if (std::ranges::find(known, time) != known.end()) return;
  readings[count] = time;
  orders[count++] = order;
}

RecordTimes ReadRecordTimes(std::string_view value, std::optional<DateOrder> order) {
  value = Trim(value, kTimeEdges);
  RecordTimes times;
  if (value.size() < kShortestTime || value.size() > kLongestTime) return times;
  if (!IsDigit(value[0])) {
    constexpr std::string_view kWeekday = "Mon, ";
    if (value.substr(3, 2) == ", ") value.remove_prefix(kWeekday.size());
    ReadAs(MonthNamed, value, order, times);
    return times;
  }
  if (const auto minute = Epoch(value)) return One({false, *minute});
  if (const auto serial = ExcelSerial(value)) return One(*serial);
  for (const ReadDate read : {Compact, Numbers, MonthNamed}) {
    if (ReadAs(read, value, order, times)) break;
  }
  return times;
}

bool IsDateAlone(std::string_view value) {
  const RecordTimes times = ReadRecordTimes(value);
  return times.count > 0 && times.readings[0].is_day;
}

bool IsTimeOfDay(std::string_view value) {
  value = Trim(value, kTimeEdges);
  if (value.size() < 4 || (value[1] != ':' && value[2] != ':')) return false;
  TimeReader reader(value);
  TimeOfDay(reader);
  return reader.complete();
}

}  // namespace spanwatch::fingerprint
