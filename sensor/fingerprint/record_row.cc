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

Range RowOf(std::string_view text, const PlateToken& token) {
  Range range{token.begin - std::min<std::size_t>(token.begin, kRowReach),
              std::min(text.size(), token.end + kRowReach)};
  if (token.extent == RecordExtent::kNearby) return range;
  const bool tuple = token.extent == RecordExtent::kTuple;
  const std::size_t before =
      token.begin == 0 ? std::string_view::npos : text.rfind(tuple ? '(' : '\n', token.begin - 1);
  if (before != std::string_view::npos) range.begin = std::max(range.begin, before + 1);
  range.end = std::min(range.end, text.find(tuple ? ')' : '\n', token.end));
  return range;
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
  RowReader(std::string_view text, const PlateToken& token, std::vector<RecordValue>& values)
      : text_(text), token_(token), values_(values) {}

  void Read() {
    const Range row = RowOf(text_, token_);
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
  std::vector<RecordValue>& values_;
  std::array<char, 10> date_{};
  bool has_date_ = false;
};

}  // namespace

void ReadRow(std::string_view text, const PlateToken& token, std::vector<RecordValue>& values) {
  values.clear();
  RowReader(text, token, values).Read();
}

}  // namespace spanwatch::fingerprint
