#include "register/plate_cell.h"

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "base/ascii.h"
#include "fingerprint/record_time.h"

namespace spanwatch::enrolment {
namespace {

using Words = std::span<const std::string_view>;

constexpr auto kNothing = std::to_array<std::string_view>(
    {"", "NULL", "\\N", "None", "NaN", "NaT", "N/A", "NA", "#N/A", "#NV", "<NA>", "<null>", "(null)", "[NULL]", "-"});
// What readers and people write for a plate that nobody could read.
constexpr auto kFillers = std::to_array<std::string_view>(
    {"UNKNOWN", "UNKNWN",    "UNK",       "UNREAD",   "UNREADABLE", "NOREAD",   "NO READ", "NO_READ",
     "NOPLATE", "NO PLATE",  "NO_PLATE",  "NO-PLATE", "NO TAG",     "NOT READ", "NOTREAD", "NOT FOUND",
     "MISSING", "ILLEGIBLE", "UNDEFINED", "BLANK",    "EMPTY",      "TBD"});
// Besides `#REF!` and the like, which end in a mark.
constexpr auto kErrors = std::to_array<std::string_view>({"#GETTING_DATA", "#N/A N/A"});
// As spreadsheets shorten them in English, German, French, Spanish, Italian, Portuguese and Dutch, less those that are
// like the English ones.
constexpr auto kMonths = std::to_array<std::string_view>(
    {"jan", "feb", "mar", "apr",  "may",       "jun",  "jul", "aug",  "sep",  "oct",       "nov",  "dec",      "mrz",
     "mai", "okt", "dez", "janv", "f\u00E9vr", "mars", "avr", "juin", "juil", "ao\u00FBt", "sept", "d\u00E9c", "ene",
     "abr", "ago", "dic", "gen",  "mag",       "giu",  "lug", "set",  "ott",  "fev",       "out",  "mrt",      "mei"});
constexpr auto kTruths = std::to_array<std::string_view>({"TRUE", "FALSE"});
constexpr std::size_t kFillerCharacters = 3;  // of one kind

bool IsOneOf(std::string_view cell, Words words) {
  return std::ranges::any_of(words, [&](std::string_view word) { return EqualsIgnoringCase(cell, word); });
}
bool AreDigits(std::string_view text) { return !text.empty() && std::ranges::all_of(text, IsDigit); }

bool IsFiller(std::string_view cell) {
  const bool one_kind = cell.size() >= kFillerCharacters && std::string_view("xX0?").contains(cell.front()) &&
                        std::ranges::all_of(cell, [&](char c) { return Lower(c) == Lower(cell.front()); });
  return one_kind || IsOneOf(cell, kFillers);
}

bool IsError(std::string_view cell) {
  if (IsOneOf(cell, kErrors)) return true;
  if (cell.starts_with("Err:")) return AreDigits(cell.substr(4));
  if (!cell.starts_with('#')) return false;
  return cell.ends_with('!') || cell.ends_with('?') || std::ranges::all_of(cell, [](char c) { return c == '#'; });
}

// 1.23E+09 and 1.0E5: what it was cannot be known. 1E5 may be a plate.
bool IsRoundedNumber(std::string_view cell) {
  const std::size_t e = cell.find_first_of("Ee");
  if (e == std::string_view::npos || e == 0) return false;
  const std::string_view number = cell.substr(0, e);
  std::string_view power = cell.substr(e + 1);
  const bool fraction = number.find_first_of(".,") != std::string_view::npos;
  const bool sign = power.starts_with('+');
  if (sign) power.remove_prefix(1);
  const auto is_number = [](char c) { return IsDigit(c) || c == '.' || c == ','; };
  return (sign || fraction) && std::ranges::all_of(number, is_number) && AreDigits(power);
}

// In small letters but for the first: in capitals it may be of a plate.
bool IsMonth(std::string_view word) {
  if (word.empty() || word.substr(1) != Lower(word.substr(1))) return false;
  return std::ranges::find(kMonths, Lower(word)) != kMonths.end();
}

// 1-Mar, 01. Mrz, 1-Mar-26 and Mar-26, as a spreadsheet shows what it took for a date.
bool IsShortDate(std::string_view cell) {
  std::vector<std::string_view> words;
  for (std::size_t at = 0; at < cell.size() && words.size() < 4;) {
    const std::size_t end = std::min(cell.find_first_of("-/. ", at), cell.size());
    if (end > at) words.push_back(cell.substr(at, end - at));
    at = end + 1;
  }
  const auto digits = [&](std::size_t i, std::size_t least, std::size_t most) {
    return AreDigits(words[i]) && words[i].size() >= least && words[i].size() <= most;
  };
  if (words.size() == 2) return (digits(0, 1, 2) && IsMonth(words[1])) || (IsMonth(words[0]) && digits(1, 2, 2));
  return words.size() == 3 && digits(0, 1, 2) && IsMonth(words[1]) && digits(2, 2, 4);
}

// A short date, or a whole one: 2026-03-01, 3/1/2026, 01.03.2026.
bool IsDateCell(std::string_view cell) {
  if (IsShortDate(cell)) return true;
  const bool like_date = cell.contains('-') ? cell.size() == 10 : cell.size() >= 8 && cell.find_first_of("/.") < 5;
  return like_date && fingerprint::IsDateAlone(cell);
}

// (2 rows): behind a table of psql.
bool IsCountOfRows(std::string_view cell) {
  if (!cell.starts_with('(') || (!cell.ends_with(" rows)") && !cell.ends_with(" row)"))) return false;
  return AreDigits(cell.substr(1, cell.find(' ') - 1));
}

// 1234567.0, which pandas makes of whole numbers when one of the column is missing: 1234567.
std::string_view WithoutFraction(std::string_view cell) {
  const std::size_t dot = cell.find('.');
  if (dot == std::string_view::npos || !AreDigits(cell.substr(0, dot))) return cell;
  const std::string_view fraction = cell.substr(dot + 1);
  const bool whole = !fraction.empty() && std::ranges::all_of(fraction, [](char c) { return c == '0'; });
  return whole ? cell.substr(0, dot) : cell;
}

}  // namespace

std::string ReadCell(std::string_view cell) {
  std::string_view text = Trim(cell);
  if (IsOneOf(text, kNothing)) return {};
  const bool formula = text.starts_with("=\"") && text.ends_with('"') && text.size() > 2;
  if (formula) text = text.substr(2, text.size() - 3);
  const bool guarded = text.starts_with('\'');
  if (guarded) text.remove_prefix(1);
  return std::string(formula || guarded ? text : cell);
}

PlateCell ReadPlateCell(std::string_view cell) {
  std::string read = ReadCell(cell);
  const std::string_view text = Trim(read);
  if (text.empty()) return {.notice = "the plate's cell is empty (or NULL, or the like); not registered"};
  if (IsFiller(text))
    return {.notice = "the plate's cell says that no plate was read (UNKNOWN or the like); not registered"};
  if (IsError(text)) return {.problem = "a spreadsheet's error stands in place of the plate; not registered"};
  if (IsRoundedNumber(text)) return {.problem = "a spreadsheet has made a rounded number of the plate; not registered"};
  if (IsDateCell(text)) return {.problem = "there is a date in place of the plate; not registered"};
  if (IsOneOf(text, kTruths)) return {.problem = "TRUE or FALSE stands in place of the plate; not registered"};
  if (IsCountOfRows(text)) return {.problem = "this is how many rows a database has shown, and no row; not registered"};
  if (const std::string_view whole = WithoutFraction(text); whole.size() < text.size()) read = std::string(whole);
  return {.text = std::move(read)};
}

bool IsImpossibleDate(std::string_view cell) {
  cell = Trim(cell);
  const std::string_view date = cell.substr(0, cell.find_first_of(" T"));
  if (date.size() < 8 || date.size() > 10) return false;
  if (date.size() < cell.size() && date.size() == 8 && AreDigits(date)) {
    return fingerprint::ReadRecordTimes(date).count == 0;
  }
  std::array<std::size_t, 3> digits{};
  std::size_t part = 0;
  for (const char c : date) {
    if (IsDigit(c)) {
      ++digits[part];
    } else if ((c != '/' && c != '-' && c != '.') || ++part == digits.size()) {
      return false;
    }
  }
  const bool year_first = digits[0] == 4 && digits[2] >= 1 && digits[2] <= 2;
  const bool year_last = digits[2] == 4 && digits[0] >= 1 && digits[0] <= 2;
  const bool like_date = part == 2 && digits[1] >= 1 && digits[1] <= 2 && (year_first || year_last);
  return like_date && fingerprint::ReadRecordTimes(date).count == 0;
}

}  // namespace spanwatch::enrolment
