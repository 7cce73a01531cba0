#include "fingerprint/record_row.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/ascii.h"
#include "fingerprint/record_time.h"

namespace spanwatch::fingerprint {
namespace {

constexpr std::size_t kLongestField = 96;
constexpr std::size_t kLongestDate = 12;
constexpr std::size_t kLongestTimeOfDay = 18;
constexpr std::size_t kShortestMoment = 8;  // beside other words
constexpr std::string_view kFieldEnds = ",;\t|\n\r\"'`(){}[]<>=&\\\x01";

struct Range {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// Where what was opened before `at` is closed; range.end when it is not.
std::size_t CloseOf(std::string_view text, std::size_t at, std::size_t end, char open, char close) {
  std::size_t opened = 1;
  for (std::size_t i = at; i < end; ++i) {
    if (text[i] == open) ++opened;
    if (text[i] == close && --opened == 0) return i;
  }
  return end;
}

// The bracket that is open at `at` and was opened last; 0 when there is none behind `begin`.
std::size_t OpenBracket(std::string_view text, std::size_t begin, std::size_t at, char open, char close) {
  std::size_t closed = 0;
  for (std::size_t i = at; i > begin; --i) {
    if (text[i - 1] == close) ++closed;
    if (text[i - 1] == open && closed-- == 0) return i;
  }
  return 0;
}

bool NamesOnce(std::string_view text, const Range& range, std::string_view name) {
  const std::string_view record = text.substr(range.begin, range.end - range.begin);
  const std::size_t first = record.find(name);
  return first == std::string_view::npos || record.find(name, first + 1) == std::string_view::npos;
}

// The objects around a plate in JSON, from within, as long as they hold one value of its name. False: not in an object.
bool WithinObject(std::string_view text, const PlateToken& token, Range& range) {
  const std::size_t colon = text.rfind(':', token.begin);
  const std::size_t quote = colon == std::string_view::npos ? colon : text.rfind('"', colon);
  const std::size_t first = quote == std::string_view::npos || quote == 0 ? quote : text.rfind('"', quote - 1);
  const std::string_view name =
      first == std::string_view::npos || first >= quote ? std::string_view() : text.substr(first, quote - first + 1);
  if (name.empty()) return false;
  const Range reach = range;
  bool found = false;
  for (std::size_t at = OpenBracket(text, reach.begin, token.begin, '{', '}'); at > reach.begin;
       at = OpenBracket(text, reach.begin, at - 1, '{', '}')) {
    const Range object{at, CloseOf(text, at, reach.end, '{', '}')};
    if (found && !NamesOnce(text, object, name)) break;
    range = object;
    found = true;
  }
  return found;
}

struct Tag {
  std::size_t begin = 0;  // its `<`
  std::size_t end = 0;    // behind its `>`
  bool opens = false;
  bool closes = false;
};

// The tag before `at`; nothing when there is none behind `begin`.
std::optional<Tag> TagBefore(std::string_view text, std::size_t begin, std::size_t at) {
  const std::size_t less = at == 0 ? std::string_view::npos : text.rfind('<', at - 1);
  const std::size_t greater = less == std::string_view::npos ? less : text.find('>', less);
  if (greater == std::string_view::npos || less < begin || greater == less + 1) return std::nullopt;
  const char kind = text[less + 1];
  const bool closes = kind == '/';
  return Tag{less, greater + 1, !closes && kind != '?' && kind != '!' && text[greater - 1] != '/', closes};
}

std::size_t EndOfElement(std::string_view text, std::size_t begin, std::size_t end) {
  std::size_t opened = 1;
  for (std::size_t at = text.find('<', begin); at < end; at = text.find('<', at + 1)) {
    const std::size_t greater = text.find('>', at);
    if (greater == std::string_view::npos) return end;
    if (text[at + 1] == '/') {
      if (--opened == 0) return at;
    } else if (text[greater - 1] != '/' && text[at + 1] != '!' && text[at + 1] != '?') {
      ++opened;
    }
  }
  return end;
}

// The elements around the one that holds a plate in XML, from within, as long as they hold one element of its name.
void WithinElement(std::string_view text, const PlateToken& token, Range& range) {
  const Range reach = range;
  const auto own = TagBefore(text, reach.begin, token.begin);
  if (!own || !own->opens) return;
  const std::string_view tag = text.substr(own->begin, own->end - own->begin);
  const std::string_view name = tag.substr(0, tag.find_first_of(" />"));
  std::size_t closed = 0;
  bool found = false;
  for (auto before = TagBefore(text, reach.begin, own->begin); before;
       before = TagBefore(text, reach.begin, before->begin)) {
    if (before->closes) ++closed;
    if (!before->opens || (closed > 0 && closed-- > 0)) continue;
    const Range element{before->end, EndOfElement(text, before->end, reach.end)};
    if (found && !NamesOnce(text, element, name)) return;
    range = element;
    found = true;
  }
}

Range RowOf(std::string_view text, const PlateToken& token, std::size_t reach) {
  Range range{token.begin - std::min<std::size_t>(token.begin, reach), std::min(text.size(), token.end + reach)};
  if (token.extent == RecordExtent::kNearby) {
    if (!WithinObject(text, token, range)) WithinElement(text, token, range);
    return range;
  }
  const std::size_t before = token.begin == 0 ? std::string_view::npos : text.rfind('\n', token.begin - 1);
  Range line = range;
  if (before != std::string_view::npos) line.begin = std::max(line.begin, before + 1);
  line.end = std::min(line.end, text.find('\n', token.end));
  // A tuple has columns; anything else in brackets is prose.
  const Range& around = token.extent == RecordExtent::kTuple ? range : line;
  const std::size_t open = OpenBracket(text, around.begin, token.begin, '(', ')');
  if (open == 0) return line;
  const Range tuple{open, CloseOf(text, token.end, around.end, '(', ')')};
  const bool columns = text.substr(tuple.begin, tuple.end - tuple.begin).contains(',');
  return columns ? tuple : line;
}

bool IsDateField(std::string_view field) { return field.size() <= kLongestDate && IsDateAlone(field); }

class RowReader {
 public:
  RowReader(std::string_view text, const PlateToken& token, std::size_t reach, std::vector<RecordValue>& values)
      : text_(text), token_(token), reach_(reach), values_(values) {}

  void Read() {
    const Range row = RowOf(text_, token_, reach_);
    std::size_t begin = row.begin;
    std::size_t whole = row.begin;  // behind the last end of a field that is no comma
    for (std::size_t i = row.begin; i <= row.end && values_.size() < kRowValues; ++i) {
      if (i < row.end && !EndsField(i)) continue;
      Field({begin, i});
      const bool has_commas = begin > whole;
      begin = i + 1;
      if (i < row.end && text_[i] == ',') continue;
      if (has_commas && IsOneField(row, {whole, i})) WithCommas({whole, i});
      whole = begin;
    }
  }

 private:
  // A colon ends a key (`"state":`), not an hour.
  bool EndsField(std::size_t i) const {
    if (text_[i] == ':') return i > 0 && text_[i - 1] == '"';
    return kFieldEnds.contains(text_[i]);
  }

  // Between two quotes, or two delimiters that are no commas, at an end of the row between one and that end.
  bool IsOneField(const Range& row, Range field) const {
    const char before = field.begin > row.begin ? text_[field.begin - 1] : '\0';
    const char after = field.end < row.end ? text_[field.end] : '\0';
    if (before != '\0' && after != '\0') return before == after;
    return before != after && !std::string_view("\"'`").contains(before == '\0' ? after : before);
  }
  // "51,3" and "McAllen, TX": a comma ends no field in quotes, or between other delimiters.
  void WithCommas(Range range) {
    if (range.end - range.begin <= kLongestField) Add(text_.substr(range.begin, range.end - range.begin));
  }

  void Field(Range range) {
    if (range.end <= range.begin || range.end - range.begin > kLongestField) return;
    std::string_view field = text_.substr(range.begin, range.end - range.begin);
    const std::size_t first = field.find_first_not_of(' ');
    if (first == std::string_view::npos) return;
    field = field.substr(first, field.find_last_not_of(' ') - first + 1);
    Add(field);
    JoinDateAndTime(field);
    TimesWithin(field);
    const bool holds_plate = token_.begin >= range.begin && token_.end <= range.end;
    if (holds_plate && field.size() > token_.end - token_.begin) Words(field);
  }

  void Add(std::string_view field) {
    for (const RecordValue& value : NormaliseValues(field)) {
      if (values_.size() < kRowValues) values_.push_back(value);
    }
  }

  void JoinDateAndTime(std::string_view field) {
    if (IsDateField(field)) {
      std::ranges::copy(field, date_.begin());
      date_size_ = field.size();
    } else if (date_size_ > 0 && field.size() <= kLongestTimeOfDay && IsTimeOfDay(field)) {
      std::array<char, 32> both{};
      auto end = std::copy_n(date_.begin(), date_size_, both.begin());
      *end++ = ' ';
      end = std::ranges::copy(field, end).out;
      Add({both.data(), static_cast<std::size_t>(end - both.begin())});
    }
  }

  // Moments beside other words: ABC1234_20260305T081101Z.jpg, 20260305_081101_ABC1234, 2026-03-05T08:11:01Z plate.
  void TimesWithin(std::string_view field) {
    for (std::size_t at = 0; at < field.size();) {
      const bool begins = IsDigit(field[at]) && (at == 0 || !IsLetterOrDigit(field[at - 1]));
      at = begins ? TimeAt(field, at) : at + 1;
    }
  }
  // Adds the moment that begins at `at`; where the next may begin.
  std::size_t TimeAt(std::string_view field, std::size_t at) {
    constexpr std::string_view kInTime = "0123456789-:.+TZ";
    const auto end_of = [&](std::size_t from) {
      return std::min(field.find_first_not_of(kInTime, from), field.size());
    };
    const std::size_t first = end_of(at);
    const bool joins = first + 1 < field.size() && std::string_view(" _").contains(field[first]) &&
                       IsDigit(field[first - 1]) && IsDigit(field[first + 1]);
    for (const std::size_t end : {joins ? end_of(first + 1) : first, first}) {
      const std::size_t last = field.find_last_of("0123456789Z", end - 1);
      const std::string_view time = field.substr(at, last + 1 - at);
      if (time.size() < kShortestMoment || time.size() == field.size()) continue;
      if (ReadRecordTimes(time).count == 0) continue;
      Add(time);
      return end;
    }
    return first;
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
  std::array<char, kLongestDate> date_{};
  std::size_t date_size_ = 0;
};

}  // namespace

void ReadRow(std::string_view text, const PlateToken& token, std::size_t reach, std::vector<RecordValue>& values) {
  values.clear();
  RowReader(text, token, reach, values).Read();
}

}  // namespace spanwatch::fingerprint
