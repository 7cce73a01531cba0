// CsvRows: rows of delimited text as spreadsheets and Python's csv and pandas read them. Used by record_rows and
// import_rows; one thread; the stream outlives it.
//
// RFC 4180, and beyond it: a quote inside a cell that did not begin with one is an ordinary character, text behind a
// closing quote belongs to the cell, spaces may stand before an opening quote. Lines end with LF, CR LF or CR. What
// differs from those readers: a quote that is opened and closed nowhere, or only by the quote of a later row, swallows
// no rows. It is then an ordinary character, and the row says so.
#pragma once

#include <deque>
#include <functional>
#include <istream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace spanwatch::enrolment {

// What may stand between cells, the likeliest first.
inline constexpr std::string_view kCellDelimiters = ",;\t|";

struct TextLine {
  std::string text;  // without its end and a byte order mark before it; zero bytes are left out
  std::uint64_t number = 0;
  bool had_zero_bytes = false;
  bool cut = false;  // it is longer than the longest, and the rest was passed over
};

class TextLines {
 public:
  static constexpr std::size_t kLongestLine = 16u << 20;

  // `zero_ends`: a zero byte ends a line, as `sha256sum --zero` writes.
  explicit TextLines(std::istream& input, std::size_t longest = kLongestLine, bool zero_ends = false)
      : input_(&input), longest_(longest), zero_ends_(zero_ends) {}
  bool Next(TextLine& line);  // false at the end
  void PutBack(TextLine line) { waiting_.push_front(std::move(line)); }

 private:
  std::istream* input_;
  std::size_t longest_;
  bool zero_ends_;
  std::deque<TextLine> waiting_;
  std::uint64_t number_ = 0;
};

struct CellRow {
  std::uint64_t line = 0;  // where it begins, from 1
  std::vector<std::string> cells;
  std::string text;     // its lines, each with its end
  std::string problem;  // the row may have been read otherwise than it was meant; names no content
};

// One line, or several that were joined: false when a quote stays open. `plain_quote`: a quote that begins this cell is
// an ordinary character.
struct SplitWish {
  char delimiter = ',';
  std::vector<std::size_t> plain_quotes = {};
};
struct SplitResult {
  bool open = false;            // a quote is
  bool closed_oddly = false;    // the quote of a cell of several lines has text behind it
  std::size_t quoted_cell = 0;  // the one that is open, or was closed oddly
};
SplitResult SplitCells(std::string_view text, const SplitWish& wish, std::vector<std::string>& cells);
// Whether there is nothing but blanks in any of the cells.
bool IsBlankRow(std::span<const std::string> cells);

class CsvRows {
 public:
  // Whether cells look like a row of this table: what a quoted cell of several lines is held against.
  using RowTest = std::function<bool(const std::vector<std::string>&)>;

  CsvRows(TextLines& lines, char delimiter, RowTest looks_like_row)
      : lines_(&lines), delimiter_(delimiter), looks_like_row_(std::move(looks_like_row)) {}
  bool Next(CellRow& row);

 private:
  bool StandsAlone(std::string_view text) const;
  bool JoinLines(const TextLine& first, CellRow& row, SplitResult& split, const SplitWish& wish);

  TextLines* lines_;
  char delimiter_;
  RowTest looks_like_row_;
};

}  // namespace spanwatch::enrolment
