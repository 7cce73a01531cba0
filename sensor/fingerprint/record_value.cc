#include "fingerprint/record_value.h"

#include <algorithm>
#include <charconv>

#include "base/ascii.h"
#include "fingerprint/plate_normaliser.h"
#include "fingerprint/text_fold.h"

namespace spanwatch::fingerprint {
namespace {

constexpr std::string_view kValueEdges = " \t\r\n\"'`";

// Letters and digits, upper case.
struct FoldedValue {
  std::array<char, RecordValue::kMaximum> text{};
  std::size_t size = 0;
  std::size_t first_word = 0;  // characters before the first separator
};

FoldedValue Fold(std::string_view value) {
  FoldedValue folded;
  for (std::size_t i = 0; i < value.size() && folded.size + 1 < folded.text.size(); ++i) {
    const char c = IsOtherLetter(value[i]) ? value[i] : FoldCharacter(static_cast<std::uint8_t>(value[i]));
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

RecordValue TimeValue(const RecordTime& time) {
  std::array<char, 24> digits;
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), time.count);
  RecordValue result;
  result.Append(time.is_day ? 'd' : 't');
  for (const char* c = digits.data(); c != end; ++c) result.Append(*c);
  return result;
}

}  // namespace

RecordValues NormaliseValues(std::string_view value, std::optional<DateOrder> order) {
  value = Trim(value, kValueEdges);
  RecordValues values;
  const RecordTimes times = ReadRecordTimes(value, order);
  for (std::size_t i = 0; i < times.count; ++i) values.Add(TimeValue(times.readings[i]));
  if (times.count == 0) values.Add(TextValue(value));
  return values;
}

RecordValue NormaliseValue(std::string_view value) {
  const RecordValues values = NormaliseValues(value);
  return values.begin() == values.end() ? RecordValue() : *values.begin();
}

}  // namespace spanwatch::fingerprint
