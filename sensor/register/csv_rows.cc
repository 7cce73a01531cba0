#include "register/csv_rows.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/ascii.h"

namespace spanwatch::enrolment {
namespace {

constexpr std::size_t kLinesOfCell = 10'000;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";  // also where files were joined

// The cells of one row, character by character.
class CellSplitter {
 public:
  CellSplitter(const SplitWish& wish, bool spaces_before_quotes, std::vector<std::string>& cells)
      : wish_(wish), spaces_before_quotes_(spaces_before_quotes), cells_(cells) {
    cells_.assign(1, {});
  }

  SplitResult Run(std::string_view text) {
    for (const char c : text) Take(c);
    if (state_ == State::kQuoted) result_ = {.open = true, .quoted_cell = cells_.size() - 1};
    return result_;
  }
  bool spaced_quote() const { return spaced_quote_; }

 private:
  enum class State : std::uint8_t { kBegin, kPlain, kQuoted, kQuoteInQuoted };

  void Take(char c) {
    std::string& cell = cells_.back();
    if (state_ == State::kQuoted) {
      if (c == '"') {
        state_ = State::kQuoteInQuoted;
      } else {
        several_lines_ |= c == '\n';
        cell += c;
      }
    } else if (state_ == State::kQuoteInQuoted && c == '"') {
      cell += c;
      state_ = State::kQuoted;
    } else if (c == wish_.delimiter) {
      cells_.emplace_back();
      state_ = State::kBegin;
      several_lines_ = false;
    } else if (state_ == State::kBegin && c == '"' && Opens(cell)) {
      spaced_quote_ |= !cell.empty();
      cell.clear();
      state_ = State::kQuoted;
    } else {
      if (state_ == State::kQuoteInQuoted && several_lines_ && c != ' ') {
        result_ = {.closed_oddly = true, .quoted_cell = cells_.size() - 1};
      }
      cell += c;
      if (state_ != State::kBegin || c != ' ') state_ = State::kPlain;
    }
  }
  bool Opens(const std::string& cell) const {
    const bool plain = std::ranges::find(wish_.plain_quotes, cells_.size() - 1) != wish_.plain_quotes.end();
    return !plain && (cell.empty() || spaces_before_quotes_);
  }

  const SplitWish& wish_;
  bool spaces_before_quotes_;
  std::vector<std::string>& cells_;
  State state_ = State::kBegin;
  bool several_lines_ = false;  // of the cell under way
  bool spaced_quote_ = false;
  SplitResult result_;
};

}  // namespace

bool TextLines::Next(TextLine& line) {
  if (!waiting_.empty()) {
    line = std::move(waiting_.front());
    waiting_.pop_front();
    return true;
  }
  line = {.number = number_ + 1};
  std::streambuf& buffer = *input_->rdbuf();
  constexpr auto kEnd = std::char_traits<char>::eof();
  int c = buffer.sbumpc();
  if (c == kEnd) return false;
  ++number_;
  for (; c != kEnd && c != '\n' && c != '\r' && (c != '\0' || !zero_ends_); c = buffer.sbumpc()) {
    if (c == '\0') {
      line.had_zero_bytes = true;
    } else if (line.text.size() < longest_) {
      line.text += static_cast<char>(c);
    } else {
      line.cut = true;
    }
  }
  if (c == '\r' && buffer.sgetc() == '\n') buffer.sbumpc();
  if (line.text.starts_with(kByteOrderMark)) line.text.erase(0, kByteOrderMark.size());
  return true;
}

SplitResult SplitCells(std::string_view text, const SplitWish& wish, std::vector<std::string>& cells) {
  CellSplitter splitter(wish, true, cells);
  SplitResult result = splitter.Run(text);
  // Only a quote that is closed again is taken for one behind spaces.
  if (splitter.spaced_quote() && (result.open || result.closed_oddly)) {
    result = CellSplitter(wish, false, cells).Run(text);
  }
  return result;
}

bool IsBlankRow(std::span<const std::string> cells) {
  return std::ranges::all_of(cells, [](const std::string& cell) { return Trim(cell).empty(); });
}

bool CsvRows::StandsAlone(std::string_view text) const {
  std::vector<std::string> cells;
  SplitWish wish{.delimiter = delimiter_};
  for (SplitResult split = SplitCells(text, wish, cells); split.open; split = SplitCells(text, wish, cells)) {
    wish.plain_quotes.push_back(split.quoted_cell);
  }
  return looks_like_row_ && looks_like_row_(cells);
}

// Reads on while a quote is open. False when the quote is none: then nothing was read.
bool CsvRows::JoinLines(const TextLine& first, CellRow& row, SplitResult& split, const SplitWish& wish) {
  const bool stands_alone = StandsAlone(first.text);
  const std::size_t cell = split.quoted_cell;
  std::string text = first.text;
  std::vector<TextLine> taken;
  TextLine next;
  bool whole = false;
  while (!whole && taken.size() < kLinesOfCell && text.size() < TextLines::kLongestLine && lines_->Next(next)) {
    const bool is_row = taken.empty() && stands_alone && StandsAlone(next.text);
    text += '\n';
    text += next.text;
    taken.push_back(std::move(next));
    if (is_row) break;
    // Without a quote in the line, the quote that is open stays so.
    if (!taken.back().text.contains('"')) continue;
    split = SplitCells(text, wish, row.cells);
    if (split.closed_oddly && split.quoted_cell == cell) break;
    whole = !split.open;
  }
  if (whole) {
    row.text = std::move(text) + '\n';
    return true;
  }
  for (; !taken.empty(); taken.pop_back()) lines_->PutBack(std::move(taken.back()));
  return false;
}

bool CsvRows::Next(CellRow& row) {
  TextLine first;
  if (!lines_->Next(first)) return false;
  row.line = first.number;
  row.text = first.text + '\n';
  row.problem.clear();
  if (first.cut) row.problem = fmt::format("is longer than {} bytes; the rest was not read", TextLines::kLongestLine);
  if (first.had_zero_bytes) row.problem = "holds zero bytes, which were left out";
  SplitWish wish{.delimiter = delimiter_};
  SplitResult split = SplitCells(first.text, wish, row.cells);
  while (split.open) {
    const std::size_t cell = split.quoted_cell;
    if (!first.cut && JoinLines(first, row, split, wish)) return true;
    if (!first.cut) {
      row.problem =
          fmt::format("opens a quote in cell {} that nothing closes; read as an ordinary character", cell + 1);
    }
    wish.plain_quotes.push_back(cell);
    split = SplitCells(first.text, wish, row.cells);
  }
  return true;
}

}  // namespace spanwatch::enrolment
