// RecordRows: the wanted cells of a table of plate records, row by row, whatever its form. Used by enroll_records; one
// thread. Cells in clear live only until the next call.
//
//   text       comma, tab, semicolon or bar between cells (csv_rows.h); the first line that has the wanted columns
//              is the header; comments (#), a title and Excel's `sep=;` may stand before it
//   JSON       one object a line, one behind another, an array of objects, or objects that hold such arrays; a column
//              is a field's name, `a.b` a nested one
//   workbook   every worksheet of an .xlsx (workbook_rows.cc)
//
// Problems name line and column, never what stands there.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "register/csv_rows.h"
#include "register/table_file.h"

namespace spanwatch::enrolment {

struct WantedRow {
  std::uint64_t line = 0;
  std::string place;               // of a workbook: the worksheet
  std::vector<std::string> cells;  // in the order of the wanted columns; empty: the row cannot be read
  std::string text;                // as it stands in the table, behind that of the row before; empty: it stands in that
  std::string problem;             // the row is damaged or doubtful
  std::string notice;              // worth knowing of a row that is registered
};

class RecordRows {
 public:
  virtual ~RecordRows() = default;
  // False at the end. An error ends the table.
  virtual Result<bool> Next(WantedRow& row) = 0;
  // Columns that no row had so far: of forms without a header.
  virtual std::vector<std::string> AbsentColumns() const { return {}; }
};

struct RowsWish {
  std::vector<std::string> columns;  // the first is the plate's
  // Whether a text holds a plate.
  std::function<bool(std::string_view)> is_plate;
};

// Where the wanted columns stand among the cells of a header; fails when one is not there, or twice.
Result<std::vector<std::size_t>> FindColumns(const std::vector<std::string>& header, const RowsWish& wish);
// Takes the wanted cells; says what is wrong with the row.
void TakeCells(const CellRow& from, const std::vector<std::string>& header, const std::vector<std::size_t>& columns,
               WantedRow& row);
// The header's own names again, as where several exports were joined.
bool IsHeaderAgain(const WantedRow& row, const RowsWish& wish);

Result<std::unique_ptr<RecordRows>> OpenDelimitedRows(std::istream& text, const RowsWish& wish);
Result<std::unique_ptr<RecordRows>> OpenJsonRows(std::istream& text, const RowsWish& wish);
Result<std::unique_ptr<RecordRows>> OpenWorkbookRows(const std::string& path, const RowsWish& wish);
// Of either form of text.
Result<std::unique_ptr<RecordRows>> OpenTextRows(std::istream& text, const RowsWish& wish);

// A file with its rows; the file's damage is told as an error at the end.
class RecordTable {
 public:
  static Result<std::unique_ptr<RecordTable>> Open(const std::string& path, const RowsWish& wish);
  Result<bool> Next(WantedRow& row);
  std::vector<std::string> AbsentColumns() const { return rows_->AbsentColumns(); }

 private:
  std::unique_ptr<TableFile> file_;
  std::unique_ptr<RecordRows> rows_;
};

}  // namespace spanwatch::enrolment
