// The JSON forms of record_rows.h.
#include <algorithm>
#include <deque>
#include <nlohmann/json.hpp>

#include "base/ascii.h"
#include "register/record_rows.h"

namespace spanwatch::enrolment {
namespace {

constexpr std::size_t kLongestPiece = 256u << 20;  // one object with all that it holds
constexpr std::size_t kNestedLists = 4;
constexpr std::size_t kLinesThatTell = 3;

// The value of a column in an object; `a.b` goes into a nested one. Null when there is none.
const nlohmann::json* FieldOf(const nlohmann::json& object, std::string_view column) {
  const nlohmann::json* value = &object;
  while (value->is_object()) {
    const auto whole = value->find(std::string(column));
    if (whole != value->end()) return &*whole;
    const std::size_t dot = column.find('.');
    const auto outer = value->find(std::string(column.substr(0, dot)));
    if (dot == std::string_view::npos || outer == value->end()) return nullptr;
    value = &*outer;
    column.remove_prefix(dot + 1);
  }
  return nullptr;
}

std::string TextOf(const nlohmann::json& value) {
  if (value.is_null()) return {};
  if (value.is_string()) return value.get<std::string>();
  return value.is_structured() ? "{}" : value.dump();
}

class JsonRecordRows final : public RecordRows {
 public:
  JsonRecordRows(std::istream& text, const RowsWish& wish)
      : wish_(wish), text_(text), lines_(text, kLongestPiece), seen_(wish.columns.size(), false) {}

  // One object a line, when one of the first lines is an object by itself; an array is read as one document.
  void TellForm() {
    if (text_.rdbuf()->sgetc() == '[') return;
    std::vector<TextLine> first;
    TextLine line;
    while (first.size() < kLinesThatTell && lines_.Next(line)) {
      by_line_ |= ParseLine(Trim(line.text)).is_object();
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
  static nlohmann::json ParseLine(std::string_view text) {
    while (text.ends_with(',') || text.starts_with('\x1e')) {
      text.ends_with(',') ? text.remove_suffix(1) : text.remove_prefix(1);
    }
    return nlohmann::json::parse(text, nullptr, false);
  }

  Result<bool> ReadLine() {
    TextLine line;
    if (!lines_.Next(line)) return false;
    const std::string_view text = Trim(line.text);
    if (text.empty() || text == "\x1e") return true;
    if (line.cut) {
      waiting_.push_back({.line = line.number, .problem = "is longer than an object may be; not registered"});
    } else {
      TakeValue(ParseLine(text), line.number);
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
      TakeValue(nlohmann::json::parse(piece_, nullptr, false), piece_line_);
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

  void TakeValue(const nlohmann::json& value, std::uint64_t line) {
    if (!value.is_object()) {
      waiting_.push_back({.line = line, .problem = "is not a JSON object"});
    } else if (const auto [list, around] = ListIn(value); list != nullptr) {
      for (const nlohmann::json& object : *list) TakeObject(object, *around, line);
    } else {
      TakeObject(value, value, line);
    }
  }
  // The array of rows that an object holds, when it is no row itself; and the object that holds it.
  std::pair<const nlohmann::json*, const nlohmann::json*> ListIn(const nlohmann::json& outer) const {
    std::vector<const nlohmann::json*> level{&outer};
    for (std::size_t depth = 0; depth < kNestedLists && !level.empty(); ++depth) {
      std::vector<const nlohmann::json*> below;
      for (const nlohmann::json* object : level) {
        if (FieldOf(*object, wish_.columns.front()) != nullptr) return {};
        for (const nlohmann::json& member : *object) {
          if (member.is_object()) below.push_back(&member);
          const auto is_row = [&](const nlohmann::json& element) {
            return element.is_object() && FieldOf(element, wish_.columns.front()) != nullptr;
          };
          if (member.is_array() && std::ranges::any_of(member, is_row)) return {&member, object};
        }
      }
      level = std::move(below);
    }
    return {};
  }
  void TakeObject(const nlohmann::json& object, const nlohmann::json& around, std::uint64_t line) {
    WantedRow row{.line = line};
    if (!object.is_object()) row.problem = "is not a JSON object";
    for (std::size_t i = 0; i < wish_.columns.size() && object.is_object(); ++i) {
      const nlohmann::json* field = FieldOf(object, wish_.columns[i]);
      if (field == nullptr) field = FieldOf(around, wish_.columns[i]);  // what holds for all rows of a list
      if (field != nullptr) seen_[i] = true;
      row.cells.push_back(field == nullptr ? std::string() : TextOf(*field));
    }
    waiting_.push_back(std::move(row));
  }

  static constexpr auto kEnd = std::char_traits<char>::eof();

  RowsWish wish_;
  std::istream& text_;
  TextLines lines_;
  bool by_line_ = false;
  std::vector<bool> seen_;
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
