#include "fingerprint/record_row.h"

#include <algorithm>
#include <array>

namespace spanwatch::fingerprint {
namespace {

constexpr std::size_t kLongestField = 96;
constexpr std::string_view kFieldEnds = ",;\t|\n\r\"'`(){}[]<>=&\\\x01";

struct Range {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// What lies between an opening bracket before `at` that is not closed before it, and its closing one. `outermost`: of
// several the first. False when there is none within `range`.
bool Within(std::string_view text, std::size_t at, char open, char close, bool outermost, Range& range) {
  std::size_t begin = std::string_view::npos;
  std::size_t depth = 0;  // closed before `at`
  std::size_t opened = 0;
  for (std::size_t i = at; i > range.begin && (outermost || opened == 0); --i) {
    const char c = text[i - 1];
    if (c == close) ++depth;
    if (c != open) continue;
    if (depth > 0) {
      --depth;
    } else {
      begin = i;
      ++opened;
    }
  }
  if (opened == 0) return false;
  range.begin = begin;
  for (std::size_t i = at; i < range.end; ++i) {
    if (text[i] == open) ++opened;
    if (text[i] == close && --opened == 0) range.end = i;
  }
  return true;
}

// `<plate>` before and behind, around the plate at `token`, bound the record of an XML element.
void BetweenElements(std::string_view text, const PlateToken& token, Range& range) {
  const std::size_t tag = text.rfind('<', token.begin);
  if (tag == std::string_view::npos || tag < range.begin) return;
  const std::string_view name = text.substr(tag, text.find_first_of("> ", tag) - tag);
  if (name.size() < 2 || tag + name.size() > token.begin) return;
  const std::size_t before = text.substr(0, tag).rfind(name);
  if (before != std::string_view::npos) range.begin = std::max(range.begin, before + name.size());
  range.end = std::min(range.end, text.find(name, token.end));
}

Range RowOf(std::string_view text, const PlateToken& token, std::size_t reach) {
  Range range{token.begin - std::min<std::size_t>(token.begin, reach), std::min(text.size(), token.end + reach)};
  if (token.extent == RecordExtent::kNearby) {
    if (!Within(text, token.begin, '{', '}', true, range)) BetweenElements(text, token, range);
    return range;
  }
  const std::size_t before = token.begin == 0 ? std::string_view::npos : text.rfind('\n', token.begin - 1);
  Range line = range;
  if (before != std::string_view::npos) line.begin = std::max(line.begin, before + 1);
  line.end = std::min(line.end, text.find('\n', token.end));
  // A tuple has columns; anything else in brackets is prose.
  Range tuple = token.extent == RecordExtent::kTuple ? range : line;
  const bool bracketed = Within(text, token.begin, '(', ')', false, tuple);
  const bool columns = bracketed && text.substr(tuple.begin, tuple.end - tuple.begin).contains(',');
  return columns ? tuple : line;
}

bool IsDate(std::string_view field) {
  return field.size() == 10 && field[4] == field[7] && std::string_view("-/:.").contains(field[4]) && field[0] >= '0' &&
         field[0] <= '9';
}

bool IsTimeOfDay(std::string_view field) {
  return field.size() >= 5 && field.size() <= 12 && field[2] == ':' && field[0] >= '0' && field[0] <= '9';
}

class RowReader {
 public:
  RowReader(std::string_view text, const PlateToken& token, std::size_t reach, std::vector<RecordValue>& values)
      : text_(text), token_(token), reach_(reach), values_(values) {}

  void Read() {
    const Range row = RowOf(text_, token_, reach_);
    std::size_t begin = row.begin;
    for (std::size_t i = row.begin; i <= row.end && values_.size() < kRowValues; ++i) {
      if (i < row.end && !EndsField(i)) continue;
      Field({begin, i});
      begin = i + 1;
    }
  }

 private:
  // A colon ends a key (`"state":`), not an hour.
  bool EndsField(std::size_t i) const {
    if (text_[i] == ':') return i > 0 && text_[i - 1] == '"';
    return kFieldEnds.contains(text_[i]);
  }

  void Field(Range range) {
    if (range.end <= range.begin || range.end - range.begin > kLongestField) return;
    std::string_view field = text_.substr(range.begin, range.end - range.begin);
    const std::size_t first = field.find_first_not_of(' ');
    if (first == std::string_view::npos) return;
    field = field.substr(first, field.find_last_not_of(' ') - first + 1);
    Add(field);
    JoinDateAndTime(field);
    const bool holds_plate = token_.begin >= range.begin && token_.end <= range.end;
    if (holds_plate && field.size() > token_.end - token_.begin) Words(field);
  }

  void Add(std::string_view field) {
    const RecordValue value = NormaliseValue(field);
    if (!value.empty() && values_.size() < kRowValues) values_.push_back(value);
  }

  void JoinDateAndTime(std::string_view field) {
    if (IsDate(field)) {
      std::ranges::copy(field, date_.begin());
      has_date_ = true;
    } else if (has_date_ && IsTimeOfDay(field)) {
      std::array<char, 32> both{};
      auto end = std::ranges::copy(date_, both.begin()).out;
      *end++ = ' ';
      end = std::ranges::copy(field, end).out;
      Add({both.data(), static_cast<std::size_t>(end - both.begin())});
    }
  }

  void Words(std::string_view field) {
    while (!field.empty() && values_.size() < kRowValues) {
      const std::size_t end = std::min(field.find_first_of(" _"), field.size());
      if (end > 0) {
        Add(field.substr(0, end));
        JoinDateAndTime(field.substr(0, end));
      }
      field.remove_prefix(std::min(end + 1, field.size()));
    }
  }

  std::string_view text_;
  const PlateToken& token_;
  std::size_t reach_;
  std::vector<RecordValue>& values_;
  std::array<char, 10> date_{};
  bool has_date_ = false;
};

}  // namespace

void ReadRow(std::string_view text, const PlateToken& token, std::size_t reach, std::vector<RecordValue>& values) {
  values.clear();
  RowReader(text, token, reach, values).Read();
}

}  // namespace spanwatch::fingerprint
