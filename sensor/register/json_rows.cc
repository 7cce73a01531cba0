// The JSON forms of record_rows.h.
#include <algorithm>
#include <cmath>
#include <deque>

#include <fmt/format.h>

#include "base/ascii.h"
#include "register/json_values.h"
#include "register/record_rows.h"

namespace spanwatch::enrolment {
namespace {

constexpr std::size_t kLongestPiece = 256u << 20;  // one object with all that it holds
constexpr std::size_t kNestedValues = 32;          // one in the other, as deep as rows are looked for
constexpr std::size_t kLinesThatTell = 3;
constexpr double kWholeNumbers = 1e15;  // every whole number below has a floating point value of its own
// Other readings of the same plate, with their confidence: OpenALPR's.
constexpr std::string_view kCandidates = "candidates";

// MongoDB's extended JSON writes {"$date": "..."} and {"$numberLong": "..."} for values of these types.
const nlohmann::json& Untyped(const nlohmann::json& value) {
  const nlohmann::json* untyped = &value;
  while (untyped->is_object() && untyped->size() == 1 && untyped->begin().key().starts_with('$')) {
    untyped = &untyped->front();
  }
  return *untyped;
}

std::string TextOf(const nlohmann::json& typed) {
  const nlohmann::json& value = Untyped(typed);
  if (value.is_null()) return {};
  if (value.is_string()) return value.get<std::string>();
  return value.is_structured() ? "{}" : value.dump();
}

// pandas makes floating point numbers of a column of whole ones as soon as one is missing: 1234567.0, 3.456789e6.
std::string PlateOf(const nlohmann::json& value) {
  const double number = value.is_number_float() ? value.get<double>() : 0.5;
  const bool whole = std::abs(number) < kWholeNumbers && std::trunc(number) == number;
  return whole ? fmt::format("{:.0f}", number) : TextOf(value);
}

// What one element of a document is to those that look for rows in it.
struct Element {
  const nlohmann::json* value = nullptr;
  std::size_t around = 0;  // the object it stands in, by its place among the objects
  std::size_t depth = 0;
  bool in_row = false;      // of an object that is a row itself
  bool among_rows = false;  // an element of an array that has rows
};

class JsonRecordRows final : public RecordRows {
 public:
  JsonRecordRows(std::istream& text, const RowsWish& wish)
      : wish_(wish), text_(text), lines_(text, kLongestPiece), seen_(wish.columns.size(), false) {
    for (const std::string& column : wish.columns) names_.push_back(column.substr(column.rfind('.') + 1));
  }

  // One object a line, when one of the first lines is an object by itself; an array is read as one document.
  void TellForm() {
    if (text_.rdbuf()->sgetc() == '[') return;
    std::vector<TextLine> first;
    TextLine line;
    while (first.size() < kLinesThatTell && lines_.Next(line)) {
      by_line_ |= ReadJsonValue(WithoutMarks(Trim(line.text)), {}).value.is_object();
      first.push_back(std::move(line));
    }
    for (const TextLine& read : first) ahead_ += read.text + "\n";
    for (; by_line_ && !first.empty(); first.pop_back()) lines_.PutBack(std::move(first.back()));
  }

  Result<bool> Next(WantedRow& row) override {
    while (waiting_.empty()) {
      auto more = by_line_ ? ReadLine() : ReadPiece();
      if (!more) return more;
      if (!*more && waiting_.empty()) return false;
    }
    row = std::move(waiting_.front());
    waiting_.pop_front();
    return true;
  }
  std::vector<std::string> AbsentColumns() const override {
    std::vector<std::string> absent;
    for (std::size_t i = 0; i < seen_.size(); ++i) {
      if (!seen_[i]) absent.push_back(wish_.columns[i]);
    }
    return absent;
  }

 private:
  static std::string_view WithoutMarks(std::string_view text) {
    while (text.ends_with(',') || text.starts_with('\x1e')) {
      text.ends_with(',') ? text.remove_suffix(1) : text.remove_prefix(1);
    }
    return text;
  }
  void Parse(std::string_view text, std::uint64_t line) {
    const std::size_t before = waiting_.size();
    ParseRows(text, line);
    if (waiting_.size() > before) waiting_[before].text = fmt::format("{}{}\n", text, by_line_ ? "" : ",");
  }
  void ParseRows(std::string_view text, std::uint64_t line) {
    const JsonValue read = ReadJsonValue(text, names_);
    if (!read.doubled_name.empty()) {
      waiting_.push_back(
          {.line = line, .problem = fmt::format("has '{}' twice in one object; the last is taken", read.doubled_name)});
    }
    TakeValue(read.value, line);
  }

  Result<bool> ReadLine() {
    TextLine line;
    if (!lines_.Next(line)) return false;
    const std::string_view text = Trim(line.text);
    if (text.empty() || text == "\x1e") return true;
    if (line.cut) {
      waiting_.push_back({.line = line.number, .problem = "is longer than an object may be; not registered"});
    } else {
      Parse(WithoutMarks(text), line.number);
    }
    return true;
  }

  // The next object of the document, or of its outer array.
  Result<bool> ReadPiece() {
    for (int c = NextCharacter(); c != kEnd; c = NextCharacter()) {
      if (c == '\n') ++line_;
      const bool complete = TakeCharacter(static_cast<char>(c));
      if (piece_.size() > kLongestPiece) {
        return Fail(ErrorCode::kLimit, "line {}: one JSON object of more than {} bytes; give one object a line",
                    piece_line_, kLongestPiece);
      }
      if (!complete) continue;
      Parse(piece_, piece_line_);
      piece_.clear();
      return true;
    }
    const bool whole = piece_.empty() && depth_ == 0;
    depth_ = 0;
    piece_.clear();
    if (whole) return false;
    return Fail(ErrorCode::kCorrupt,
                "line {}: the JSON document breaks off or does not close; what stood before was taken", piece_line_);
  }
  int NextCharacter() {
    if (ahead_at_ < ahead_.size()) return static_cast<unsigned char>(ahead_[ahead_at_++]);
    return text_.rdbuf()->sbumpc();
  }
  // Whether a piece is complete with this character.
  bool TakeCharacter(char c) {
    const bool in_piece = !piece_.empty();
    if (in_piece) piece_ += c;
    if (in_text_) {
      if (escaped_) {
        escaped_ = false;
      } else if (c == '\\') {
        escaped_ = true;
      } else if (c == '"') {
        in_text_ = false;
      }
      return false;
    }
    if (c == '"') in_text_ = true;
    if (c == '{' || c == '[') {
      ++depth_;
      if (!in_piece && (c == '{' || depth_ > 1)) {
        piece_depth_ = depth_;
        piece_line_ = line_;
        piece_ = c;
      }
    }
    if ((c == '}' || c == ']') && depth_ > 0) return --depth_ < piece_depth_ && in_piece;
    return false;
  }

  // A row, or all rows in the arrays and objects below it.
  void TakeValue(const nlohmann::json& top, std::uint64_t line) {
    if (!top.is_structured()) return waiting_.push_back({.line = line, .problem = "is not a JSON object"});
    const std::size_t before = waiting_.size();
    objects_.assign(1, {&top, 0});
    std::vector<Element> left{{.value = &top}};
    while (!left.empty()) {
      const Element element = left.back();
      left.pop_back();
      if (element.depth == kNestedValues) {
        waiting_.push_back({.line = line, .problem = "nests values deeper than rows are looked for"});
      } else {
        element.value->is_object() ? TakeObject(element, line, left) : TakeArray(element, line, left);
      }
    }
    if (waiting_.size() > before) return;
    const bool object = top.is_object();
    waiting_.push_back({.line = line, .problem = object ? LacksPlate() : "is not a JSON object"});
  }
  bool IsRow(const nlohmann::json& value) const {
    return value.is_object() && FieldOf(value, wish_.columns.front()) != nullptr;
  }
  std::string LacksPlate() const { return fmt::format("has no field '{}'; not registered", wish_.columns.front()); }

  void TakeArray(const Element& array, std::uint64_t line, std::vector<Element>& left) {
    const bool rows = std::ranges::any_of(*array.value, [&](const auto& value) { return IsRow(value); });
    for (auto value = array.value->rbegin(); value != array.value->rend(); ++value) {
      if (value->is_structured()) {
        left.push_back({&*value, array.around, array.depth + 1, array.in_row, rows && value->is_object()});
      } else if (rows) {
        waiting_.push_back({.line = line, .problem = "is not a JSON object"});
      }
    }
  }
  void TakeObject(const Element& element, std::uint64_t line, std::vector<Element>& left) {
    const nlohmann::json& object = *element.value;
    const bool row = IsRow(object);
    if (row && element.in_row) {
      waiting_.push_back({.line = line, .problem = "holds further rows inside of a row; they are not registered"});
    } else if (row) {
      TakeRow(object, element.around, line);
    } else if (element.among_rows) {
      waiting_.push_back({.line = line, .problem = LacksPlate()});
    }
    objects_.push_back({&object, element.around});
    const std::size_t around = objects_.size() - 1;
    const auto& members = object.get_ref<const nlohmann::json::object_t&>();
    for (auto member = members.rbegin(); member != members.rend(); ++member) {
      if (!member->second.is_structured() || (row && member->first == kCandidates)) continue;
      left.push_back({&member->second, around, element.depth + 1, element.in_row || row, false});
    }
  }
  // `around` is where the objects around it begin: what they have holds for all rows in them.
  void TakeRow(const nlohmann::json& object, std::size_t around, std::uint64_t line) {
    WantedRow row{.line = line};
    for (std::size_t i = 0; i < wish_.columns.size(); ++i) {
      const nlohmann::json* field = FieldOf(object, wish_.columns[i]);
      for (std::size_t at = around; field == nullptr; at = objects_[at].second) {
        if (objects_[at].first->is_object()) field = FieldOf(*objects_[at].first, wish_.columns[i]);
        if (at == 0) break;
      }
      if (field != nullptr) {
        seen_[i] = true;
      } else if (row.notice.empty()) {
        row.notice = fmt::format("has no field '{}'; registered without", wish_.columns[i]);
      }
      row.cells.push_back(field == nullptr ? "" : i == 0 ? PlateOf(*field) : TextOf(*field));
    }
    waiting_.push_back(std::move(row));
  }

  static constexpr auto kEnd = std::char_traits<char>::eof();

  RowsWish wish_;
  std::istream& text_;
  TextLines lines_;
  bool by_line_ = false;
  std::vector<bool> seen_;
  std::vector<std::string> names_;                                      // the last of each column's
  std::vector<std::pair<const nlohmann::json*, std::size_t>> objects_;  // of the document, with those around them
  std::deque<WantedRow> waiting_;
  // The document as far as it was read.
  std::string ahead_;  // what was read to tell the form
  std::size_t ahead_at_ = 0;
  std::uint64_t line_ = 1;
  std::string piece_;
  std::uint64_t piece_line_ = 0;
  std::size_t piece_depth_ = 0;
  std::size_t depth_ = 0;
  bool in_text_ = false;
  bool escaped_ = false;
};

}  // namespace

Result<std::unique_ptr<RecordRows>> OpenJsonRows(std::istream& text, const RowsWish& wish) {
  auto rows = std::make_unique<JsonRecordRows>(text, wish);
  rows->TellForm();
  return rows;
}

}  // namespace spanwatch::enrolment
