#include "register/record_rows.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/ranges.h>

#include "base/ascii.h"

namespace spanwatch::enrolment {
namespace {

constexpr std::size_t kLinesBeforeHeader = 32;
constexpr std::size_t kLinesOfHeader = 16;
constexpr std::string_view kNameEdges = " \t\r\n\"'#";

// Names of columns hold no digit mostly, and rows of data mostly one: what may be data is not shown.
bool MayBeData(const std::vector<std::string>& cells) {
  return std::ranges::any_of(cells, [](const std::string& cell) { return std::ranges::any_of(cell, IsDigit); });
}

bool IsSql(std::string_view line) {
  const std::string lower = Lower(Trim(line));
  for (const std::string_view begins : {"insert into", "create table", "drop table", "copy ", "-- ", "--\t", "/*",
                                        "begin;", "begin transaction", "pragma ", "set ", "lock tables"}) {
    if (lower.starts_with(begins)) return true;
  }
  return false;
}

class DelimitedRows final : public RecordRows {
 public:
  DelimitedRows(std::istream& text, const RowsWish& wish) : wish_(wish), lines_(text) {}

  Status ReadHeader();
  Result<bool> Next(WantedRow& row) override {
    CellRow cells;
    do {
      if (!rows_->Next(cells)) return false;
      TakeCells(cells, header_, columns_, row);
      before_row_ += cells.text;
    } while (IsBlankRow(cells.cells) || IsHeaderAgain(row, wish_));
    row.text = std::exchange(before_row_, {});
    return true;
  }

 private:
  void SplitHeader(const TextLine& line, char delimiter, std::vector<std::string>& cells, std::vector<TextLine>& taken);
  bool TakeHeader(const TextLine& line, Error& error);
  void PutBack(std::vector<TextLine>& taken) {
    for (; !taken.empty(); taken.pop_back()) lines_.PutBack(std::move(taken.back()));
  }
  void Begin() {
    rows_.emplace(lines_, delimiter_, [this](const std::vector<std::string>& cells) {
      return cells.size() == header_.size() && wish_.is_plate(cells[columns_.front()]);
    });
  }

  RowsWish wish_;
  TextLines lines_;
  char delimiter_ = '\0';
  std::vector<std::string> header_;
  std::vector<std::size_t> columns_;
  std::string before_row_;  // the header, and lines that are no rows
  std::optional<CsvRows> rows_;
};

// The cells of a header, whose names may have several lines inside quotes; `taken` are the lines after the first.
void DelimitedRows::SplitHeader(const TextLine& line, char delimiter, std::vector<std::string>& cells,
                                std::vector<TextLine>& taken) {
  SplitWish wish{.delimiter = delimiter};
  SplitResult split = SplitCells(line.text, wish, cells);
  std::string text = line.text;
  TextLine next;
  while (split.open && taken.size() < kLinesOfHeader && lines_.Next(next)) {
    text += '\n' + next.text;
    taken.push_back(std::move(next));
    split = SplitCells(text, wish, cells);
  }
  if (!split.open) return;
  PutBack(taken);
  for (split = SplitCells(line.text, wish, cells); split.open; split = SplitCells(line.text, wish, cells)) {
    wish.plain_quotes.push_back(split.quoted_cell);
  }
}

bool DelimitedRows::TakeHeader(const TextLine& line, Error& error) {
  std::size_t most = 0;
  for (const char delimiter : delimiter_ != '\0' ? std::string(1, delimiter_) : std::string(kCellDelimiters)) {
    std::vector<std::string> cells;
    std::vector<TextLine> taken;
    SplitHeader(line, delimiter, cells, taken);
    auto columns = FindColumns(cells, wish_);
    if (columns) {
      delimiter_ = delimiter;
      header_ = std::move(cells);
      columns_ = std::move(*columns);
      before_row_ = line.text + '\n';
      for (const TextLine& more : taken) before_row_ += more.text + '\n';
      Begin();
      return true;
    }
    PutBack(taken);
    if (cells.size() <= most) continue;
    most = cells.size();
    error = columns.error();
  }
  return false;
}

Status DelimitedRows::ReadHeader() {
  Error first_error{ErrorCode::kInvalid, "the file is empty"};
  bool sql = false;
  TextLine line;
  for (std::size_t i = 0; i < kLinesBeforeHeader && lines_.Next(line); ++i) {
    if (Trim(line.text).empty()) continue;
    if (const auto named = Lower(Trim(line.text, " \"\t")); named.starts_with("sep=") && named.size() == 5) {
      delimiter_ = named.back();
      continue;
    }
    if (Lower(Trim(line.text, " \"")) == "sep=") {  // the tabulator was trimmed
      delimiter_ = '\t';
      continue;
    }
    sql |= IsSql(line.text);
    Error error = first_error;
    if (TakeHeader(line, error)) return {};
    std::vector<std::string> cells;
    SplitCells(line.text, {.delimiter = delimiter_ != '\0' ? delimiter_ : ','}, cells);
    const bool is_title = line.text.starts_with('#') ||
                          std::ranges::none_of(kCellDelimiters, [&](char c) { return line.text.contains(c); }) ||
                          std::ranges::count_if(cells, [](const auto& cell) { return !cell.empty(); }) < 2;
    if (first_error.code != ErrorCode::kNotFound) first_error = error.In(fmt::format("line {}", line.number));
    if (!is_title) break;
  }
  if (sql) return Fail(ErrorCode::kInvalid, "this is SQL, which is not read; export the table as CSV");
  return Fail(first_error);
}

}  // namespace

Result<std::vector<std::size_t>> FindColumns(const std::vector<std::string>& header, const RowsWish& wish) {
  std::vector<std::size_t> columns;
  for (const std::string& name : wish.columns) {
    const auto is_it = [&](const std::string& cell) {
      return EqualsIgnoringCase(Trim(cell, kNameEdges), Trim(name, kNameEdges));
    };
    const auto found = std::ranges::find_if(header, is_it);
    if (found == header.end()) {
      if (MayBeData(header)) {
        return Fail(ErrorCode::kNotFound, "no column \"{}\" among {}; the first row must name the columns", name,
                    header.size());
      }
      return Fail(ErrorCode::kNotFound, "no column \"{}\" in the header; it has: {}", name, fmt::join(header, ", "));
    }
    if (std::find_if(std::next(found), header.end(), is_it) != header.end()) {
      return Fail(ErrorCode::kNotFound, "column \"{}\" stands in the header twice; rename one", name);
    }
    columns.push_back(static_cast<std::size_t>(found - header.begin()));
  }
  return columns;
}

void TakeCells(const CellRow& from, const std::vector<std::string>& header, const std::vector<std::size_t>& columns,
               WantedRow& row) {
  row.line = from.line;
  row.problem = from.problem;
  row.cells.clear();
  for (const std::size_t column : columns) {
    row.cells.push_back(column < from.cells.size() ? from.cells[column] : std::string());
  }
  const bool longer = from.cells.size() > header.size() && !IsBlankRow(std::span(from.cells).subspan(header.size()));
  if (row.problem.empty() && longer) {
    row.problem = "has more cells than the header; is a delimiter or a quote in a cell?";
  }
  if (row.problem.empty() && columns.front() >= from.cells.size() && !IsBlankRow(from.cells)) {
    row.problem = "ends before the plate's column";
  }
}

bool IsHeaderAgain(const WantedRow& row, const RowsWish& wish) {
  return std::ranges::equal(row.cells, wish.columns, [](const std::string& cell, const std::string& name) {
    return EqualsIgnoringCase(Trim(cell, kNameEdges), Trim(name, kNameEdges));
  });
}

Result<std::unique_ptr<RecordRows>> OpenDelimitedRows(std::istream& text, const RowsWish& wish) {
  auto rows = std::make_unique<DelimitedRows>(text, wish);
  if (Status status = rows->ReadHeader(); !status) return Fail(status.error());
  return rows;
}

Result<std::unique_ptr<RecordRows>> OpenTextRows(std::istream& text, const RowsWish& wish) {
  constexpr auto kEnd = std::char_traits<char>::eof();
  std::streambuf& buffer = *text.rdbuf();
  int c = buffer.sgetc();
  while (c == ' ' || c == '\x1e') c = buffer.snextc();  // RFC 7464 begins each text with a record separator
  if (c == kEnd) return Fail(ErrorCode::kInvalid, "the file is empty");
  return c == '{' || c == '[' ? OpenJsonRows(text, wish) : OpenDelimitedRows(text, wish);
}

Result<std::unique_ptr<RecordTable>> RecordTable::Open(const std::string& path, const RowsWish& wish) {
  auto table = std::make_unique<RecordTable>();
  auto file = TableFile::Open(path);
  if (!file) return Fail(file.error());
  table->file_ = std::move(*file);
  auto rows = table->file_->is_workbook() ? OpenWorkbookRows(path, wish) : OpenTextRows(table->file_->text(), wish);
  if (!rows) {
    const Status whole = table->file_->status();
    return Fail(whole ? rows.error() : whole.error());
  }
  table->rows_ = std::move(*rows);
  return table;
}

Result<bool> RecordTable::Next(WantedRow& row) {
  auto more = rows_->Next(row);
  if (more && !*more) {
    if (Status whole = file_->status(); !whole) return Fail(whole.error());
  }
  return more;
}

}  // namespace spanwatch::enrolment
