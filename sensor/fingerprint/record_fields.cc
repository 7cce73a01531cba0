#include "fingerprint/record_fields.h"

#include <algorithm>
#include <span>

#include "fingerprint/text_masks.h"

namespace spanwatch::fingerprint {
namespace {

struct NamedField {
  std::string_view name;
  FieldName kind;
};

constexpr auto kNames = std::to_array<NamedField>({
#define FIELD_NAME(name, kind) {#name, FieldName::kind},
#include "fingerprint/record_field_names.def"
#undef FIELD_NAME
});
static_assert(std::ranges::is_sorted(kNames, {}, &NamedField::name));

constexpr std::size_t kLongestName = 48;
static_assert(kLongestName < TextMasks::kKnown, "RecordFieldFinder sees a name whole");
constexpr std::uint8_t kNeighbourReach = 64;
constexpr std::size_t kLetters = 26;

// The names that begin with each letter are kNames[first] to kNames[first of the next letter].
constexpr auto kFirstNames = [] {
  std::array<std::uint8_t, kLetters + 1> first{};
  for (std::size_t letter = 0; letter <= kLetters; ++letter) {
    const auto found = std::ranges::find_if(
        kNames, [&](const NamedField& field) { return static_cast<std::size_t>(field.name[0] - 'a') >= letter; });
    first[letter] = static_cast<std::uint8_t>(found - kNames.begin());
  }
  return first;
}();

// The second letters of the names that begin with each letter, one bit a letter.
constexpr auto kSecondLetters = [] {
  std::array<std::uint32_t, kLetters> letters{};
  for (const auto& [name, kind] : kNames) letters[static_cast<std::size_t>(name[0] - 'a')] |= 1u << (name[1] - 'a');
  return letters;
}();

std::span<const NamedField> NamesFrom(char initial) {
  const auto letter = static_cast<std::size_t>(initial - 'a');
  return std::span(kNames).subspan(kFirstNames[letter], kFirstNames[letter + 1] - kFirstNames[letter]);
}

// For each mark the letters that stand before and after it in some name, one bit a letter.
struct Neighbours {
  std::uint32_t before = 0;
  std::uint32_t after = 0;
};
constexpr auto kNeighbours = [] {
  std::array<Neighbours, std::size(kPlateNameMarks)> all{};
  for (const auto& [name, kind] : kNames) {
    if (kind < FieldName::kAmbiguous) continue;
    bool marked = false;
    for (std::size_t mark = 0; mark < all.size(); ++mark) {
      for (std::size_t at = name.find(kPlateNameMarks[mark]); at != std::string_view::npos;
           at = name.find(kPlateNameMarks[mark], at + 1)) {
        marked = true;
        if (at > 0) all[mark].before |= 1u << (name[at - 1] - 'a');
        if (at + 3 < name.size()) all[mark].after |= 1u << (name[at + 3] - 'a');
      }
    }
    if (!marked) throw "a name of a plate field that the scan does not look for";
  }
  return all;
}();

// Not a letter, or one of `letters`.
bool IsAbsentOrOf(std::uint32_t letters, char c) {
  const auto letter = static_cast<unsigned>((c | 0x20) - 'a');
  return letter >= kLetters || (letters >> letter & 1) != 0;
}

bool IsQuote(char c) { return c == '"' || c == '\'' || c == '`'; }
// `Events[0].TrafficCar.PlateNumber` and `read plate` end in the name that is assigned to.
std::string_view LastWord(std::string_view text) {
  std::size_t begin = text.size();
  while (begin > 0 && text[begin - 1] != ' ' && text[begin - 1] != '.') --begin;
  return text.substr(begin);
}

// `plate text` of CREATE TABLE: a name and a type.
std::string_view WithoutType(std::string_view text) {
  text = text.substr(std::min(text.find_first_not_of(" \r"), text.size()));
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos) return text;
  constexpr std::string_view kTypes[] = {"text", "char", "varchar", "nvarchar", "int", "bigint", "date", "timestamp"};
  const std::string_view type = text.substr(space + 1);
  const bool typed = std::ranges::any_of(kTypes, [&](std::string_view known) { return type.starts_with(known); });
  return typed ? text.substr(0, space) : text;
}

void Age(std::uint8_t& age) {
  if (age > 0) --age;
}

}  // namespace

bool IsBlankField(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) { return c == ' ' || c == '\r' || c == '\\'; });
}

FieldName LookUpFieldName(std::string_view name) noexcept {
  if (name.size() > kLongestName) return FieldName::kNone;
  std::array<char, kLongestName> folded;
  std::size_t size = 0;
  std::span<const NamedField> names;
  for (const char c : name) {
    const char lower = static_cast<char>(c | 0x20);
    if (lower >= 'a' && lower <= 'z') {
      if (size == 0) {
        names = NamesFrom(lower);
        if (names.empty()) return FieldName::kNone;
      } else if (size == 1 && (kSecondLetters[static_cast<std::size_t>(folded[0] - 'a')] >> (lower - 'a') & 1) == 0) {
        return FieldName::kNone;
      }
      folded[size++] = lower;
    } else if (c >= '0' && c <= '9') {
      return FieldName::kNone;
    }
  }
  const std::string_view key(folded.data(), size);
  const auto found = std::ranges::find(names, key, &NamedField::name);
  return found != names.end() ? found->kind : FieldName::kNone;
}

bool MayNamePlate(std::string_view text, std::size_t position) noexcept {
  const char before = position == 0 ? '\0' : text[position - 1];
  const char after = position + 3 < text.size() ? text[position + 3] : '\0';
  const auto is = [&](std::string_view mark) {
    return std::ranges::equal(text.substr(position, 3), mark, {}, [](char c) { return static_cast<char>(c | 0x20); });
  };
  for (std::size_t mark = 0; mark < std::size(kPlateNameMarks); ++mark) {
    if (is(kPlateNameMarks[mark])) {
      return IsAbsentOrOf(kNeighbours[mark].before, before) && IsAbsentOrOf(kNeighbours[mark].after, after);
    }
  }
  return false;
}

bool NamesPlate(std::string_view text) noexcept {
  if (LookUpFieldName(text) >= FieldName::kAmbiguous) return true;
  return std::ranges::any_of(std::array{LastWord(text), WithoutType(text)}, [&](std::string_view part) {
    return part.size() < text.size() && LookUpFieldName(part) >= FieldName::kAmbiguous;
  });
}

void RecordFields::OnStructural(char c, std::string_view text) noexcept {
  const bool blank = IsBlankField(text);
  Age(companion_age_);
  Age(reader_age_);
  Age(plate_age_);
  if (quoted_name_ != FieldName::kNone) {
    if (blank) JudgeName(quoted_name_, c, true);
    quoted_name_ = FieldName::kNone;
  }
  EndValue(c, blank);
  if (!blank) {
    if (IsQuote(c) && c == previous_) {
      quoted_name_ = LookUpFieldName(text);
      quoted_cell_ = BeginsCell(before_previous_);
    } else {
      const FieldName name = c == '='                               ? LookUpFieldName(LastWord(text))
                             : EndsCell(c) && BeginsCell(previous_) ? LookUpFieldName(WithoutType(text))
                                                                    : LookUpFieldName(text);
      if (name != FieldName::kNone) JudgeName(name, c, false);
    }
  }
  CountColumns(c, blank);
  before_previous_ = previous_;
  previous_ = c;
}

void RecordFields::OnCellInFull(char c, std::string_view text) noexcept {
  const bool blank = IsQuote(c) && IsBlankField(text);
  quoted_name_ = FieldName::kNone;
  EndValue(c, blank);
  CountColumns(c, blank);
  before_previous_ = previous_;
  previous_ = c;
}

bool RecordFields::idle() const {
  const bool waits = value_ != Value::kNone || quoted_name_ != FieldName::kNone || header_.name != FieldName::kNone;
  return !waits && !table_ && (plate_age_ == 0 || structure_seen_);
}

RecordExtent RecordFields::extent() const {
  if (value_ != Value::kNone) return RecordExtent::kNearby;
  return tuples_ ? RecordExtent::kTuple : RecordExtent::kLine;
}

bool RecordFields::IsPlate(FieldName name) const noexcept {
  return name >= FieldName::kPlate || (name == FieldName::kAmbiguous && companion_age_ > 0);
}

void RecordFields::Begin(Value value, FieldName name) noexcept {
  value_ = value;
  plate_age_ = kNeighbourReach;
  structure_seen_ = structure_seen_ || name == FieldName::kProduct || reader_age_ > 0;
}

void RecordFields::NoteNeighbour(FieldName name) noexcept {
  companion_age_ = kNeighbourReach;
  if (name != FieldName::kReader) return;
  reader_age_ = kNeighbourReach;
  structure_seen_ = structure_seen_ || plate_age_ > 0;
}

void RecordFields::JudgeName(FieldName name, char c, bool quoted) noexcept {
  const bool neighbour = name == FieldName::kCompanion || name == FieldName::kReader;
  const bool cell = EndsCell(c) && (quoted ? quoted_cell_ : BeginsCell(previous_));
  if (cell) {
    NoteColumn(name);
  } else if (IsPlate(name)) {
    if (quoted && c == ':') Begin(Value::kJson, name);
    if (!quoted && c == '>' && (previous_ == '<' || previous_ == ':')) Begin(Value::kXml, name);
    if (!quoted && c == '=') Begin(Value::kAssigned, name);
  }
  // `"data_type":"alpr_group"` is a value, not a name.
  if (quoted && name == FieldName::kProduct) structure_seen_ = true;
  if (neighbour) NoteNeighbour(name);
}

void RecordFields::NoteColumn(FieldName name) noexcept {
  if (name == FieldName::kCompanion || name == FieldName::kReader) {
    ++header_.companions;
    if (name == FieldName::kReader) ++header_.readers;
  } else if (name > header_.name) {
    header_.name = name;
    header_.columns = counts_;
  }
}

// A header line (or the column list of an INSERT) has ended: does a table of plates follow?
void RecordFields::EndHeader() noexcept {
  const auto widest = static_cast<std::uint8_t>(std::ranges::max_element(counts_) - counts_.begin());
  const bool columns = counts_[widest] > 0;
  const bool believed = header_.name >= FieldName::kDistinctive || (header_.name == FieldName::kPlate && !columns) ||
                        (header_.name != FieldName::kNone && header_.companions > 0);
  if (believed) {
    table_ = true;
    structure_seen_ = structure_seen_ || header_.readers > 0 || header_.name == FieldName::kProduct;
    delimiter_ = columns ? widest : kDelimiters;
    column_ = columns ? header_.columns[widest] : 0;
  }
  header_ = Header();
}

void RecordFields::EndValue(char c, bool blank) noexcept {
  switch (value_) {
    case Value::kNone:
      return;
    case Value::kJson:
      if (c == ',' || c == '}' || c == ']') value_ = Value::kNone;
      return;
    case Value::kXml:
      if (c == '<') value_ = Value::kNone;
      return;
    case Value::kAssigned:
      if (!(IsQuote(c) && blank) && c != ':') value_ = Value::kNone;
      return;
  }
}

void RecordFields::CountColumns(char c, bool blank) noexcept {
  if (quote_ != 0 && c != '\n') {
    if (c == quote_) quote_ = 0;
    return;
  }
  if (IsQuote(c)) {
    if (blank && BeginsCell(previous_)) quote_ = c;
    return;
  }
  if (c == '\n' || c == ')') {
    if (header_.name != FieldName::kNone && (c == ')' || !tuples_)) {
      EndHeader();
      tuples_ = table_ && c == ')';
    }
    header_ = Header();
  }
  if (c == '\n' || c == '(') {
    quote_ = 0;
    counts_.fill(0);
  } else if (IsDelimiter(c)) {
    ++counts_[kCellKinds[static_cast<std::uint8_t>(c)]];
  } else {
    return;
  }
  in_column_ = table_ && (delimiter_ == kDelimiters ? c == '\n' : counts_[delimiter_] == column_);
}

}  // namespace spanwatch::fingerprint
