#include "register/enroll_records.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "base/utf8.h"
#include "fingerprint/plate_finder.h"
#include "fingerprint/plate_normaliser.h"
#include "register/date_orders.h"
#include "register/record_rows.h"
#include "register/row_problems.h"

namespace spanwatch::enrolment {
namespace {

// Where a plate stands among the identities: these are compared as bytes.
std::uint64_t PlaceOf(const fingerprint::RecordRow& row) {
  return __builtin_bswap64(row.fingerprints.front().plate_tag);
}

std::size_t HeldBy(const fingerprint::RecordRow& row) {
  std::size_t bytes = sizeof row;
  for (const RecordFingerprint& variant : row.fingerprints) {
    bytes += sizeof variant + variant.pair_tags.capacity() * sizeof variant.pair_tags.front();
  }
  return bytes;
}

RowsWish WishOf(const RecordEnrolment& enrolment) {
  RowsWish wish{.columns = {enrolment.plate_column},
                .is_plate = [](std::string_view text) { return !fingerprint::PlateVariants(text).empty(); }};
  wish.columns.insert(wish.columns.end(), enrolment.support_columns.begin(), enrolment.support_columns.end());
  return wish;
}

// A cell of a spreadsheet that made a number of a plate (1.23E+09): what it was cannot be known.
bool IsRoundedNumber(std::string_view cell) {
  cell = Trim(cell);
  const std::size_t e = cell.find_first_of("Ee");
  if (e == std::string_view::npos || !cell.substr(e + 1).starts_with('+')) return false;
  const auto is_number = [](char c) { return IsDigit(c) || c == '.' || c == ','; };
  return e > 0 && std::ranges::all_of(cell.substr(0, e), is_number) && e + 2 < cell.size() &&
         std::ranges::all_of(cell.substr(e + 2), IsDigit);
}

bool IsUtf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const Utf8Character character = DecodeUtf8(text, i);
    if (character.length == 1 && static_cast<unsigned char>(text[i]) >= 0x80) return false;
    i += character.length;
  }
  return true;
}

// What databases and pandas write where there is nothing.
bool IsNothing(std::string_view cell) {
  cell = Trim(cell);
  constexpr std::array<std::string_view, 8> kNothing = {"", "NULL", "\\N", "None", "NaN", "N/A", "#N/A", "-"};
  return std::ranges::any_of(kNothing, [&](std::string_view word) { return EqualsIgnoringCase(cell, word); });
}

// As spreadsheets keep text from being taken for a number: '0123 and ="0123".
void TakeOffGuard(std::string& cell) {
  std::string_view text = Trim(cell);
  if (text.starts_with("=\"") && text.ends_with('"') && text.size() > 2) text = text.substr(2, text.size() - 3);
  if (text.starts_with('\'')) text.remove_prefix(1);
  if (text.size() != cell.size()) cell = std::string(text);
}

// One file on its way into the register.
class TableEnrolment {
 public:
  TableEnrolment(const RecordEnrolment& enrolment, std::string path, const fingerprint::RecordTagger& tagger,
                 EnrolmentObserver& observer, EnrolmentSummary& summary)
      : enrolment_(enrolment),
        path_(std::move(path)),
        wish_(WishOf(enrolment)),
        tagger_(tagger),
        finder_(enrolment.plate_column),
        observer_(observer),
        summary_(summary),
        told_(path_, observer),
        date_orders_(enrolment.support_columns),
        orders_(enrolment.support_columns.size(), enrolment.date_order) {}

  Status Run(RegisterDatabase& database, std::int64_t collection) {
    auto source = SourceOf(path_);
    if (!source) return Fail(source.error());
    if (!enrolment_.date_order && !enrolment_.support_columns.empty() && CanBeReadTwice()) LearnDateOrders();
    auto table = RecordTable::Open(path_, wish_);
    if (!table) return Fail(table.error().In(path_));
    // The cells of a workbook stand in its XML without the names of their columns.
    if ((*table)->is_workbook()) finder_ = fingerprint::PlateFinder("cell");
    std::uint64_t done = 0;
    RowBatch batch(database, collection, *source, summary_, [&] { observer_.OnProgress(++done, 0); });
    const Status read = Rows(**table, batch);
    // What was read before a damaged place stays; enrolling again adds the rest.
    if (Status status = batch.Flush(); !status) return status;
    TellAtEnd(**table);
    return read ? EndRotation(database, collection, source->path) : read;
  }

 private:
  // Rows that were under the record key before are under that of now.
  Status EndRotation(RegisterDatabase& database, std::int64_t collection, const std::string& path) {
    const auto before = database.RecordsUnderEarlierKeys();
    if (!before) return Fail(before.error());
    if (*before == 0) return {};
    const auto dropped = database.DropReenrolled(collection, path);
    if (!dropped) return Fail(dropped.error());
    observer_.OnNotice(
        fmt::format("{}: {} records are under the new record key only now; {} of the register are still "
                    "under the key before",
                    path_, *dropped, *before - *dropped));
    return {};
  }
  Status Rows(RecordTable& table, RowBatch& batch) {
    WantedRow row;
    while (true) {
      const auto more = table.Next(row);
      if (!more) return Fail(more.error().In(path_));
      if (!*more) return {};
      ++rows_;
      fingerprint::RecordRow record{.line = row.line, .fingerprints = Fingerprints(row)};
      if (record.fingerprints.empty()) continue;
      ++registered_;
      if (Status status = batch.Add(std::move(record)); !status) return status;
    }
  }

  // Of a row that can be registered; tells what is wrong with it.
  std::vector<RecordFingerprint> Fingerprints(WantedRow& row) {
    if (!row.problem.empty()) Problem(row, row.problem);
    if (row.cells.empty()) return {};
    for (std::string& cell : row.cells) IsNothing(cell) ? cell.clear() : TakeOffGuard(cell);
    const std::string plate = std::move(row.cells.front());
    row.cells.erase(row.cells.begin());
    if (plate.empty()) {
      if (row.problem.empty()) told_.AddNotice("the plate's cell is empty (or NULL, or the like); not registered", row);
      return {};
    }
    if (IsRoundedNumber(plate)) {
      Problem(row, "a spreadsheet has made a rounded number of the plate; not registered");
      return {};
    }
    auto fingerprints = fingerprint::FingerprintRecord(tagger_, plate, row.cells, orders_);
    if (fingerprints.empty()) {
      Problem(row, "no plate in the plate's column (3 to 8 letters and digits); not registered");
    } else if (!finder_.Finds(plate)) {
      Problem(row, "the plate is registered, but the sensor does not look for it as it is written here");
    }
    const bool text = IsUtf8(plate) && std::ranges::all_of(row.cells, IsUtf8);
    if (!text) Problem(row, "some of it is no UTF-8; save the table as UTF-8");
    for (std::size_t i = 0; i < row.cells.size(); ++i) CheckDate(row, i);
    if (!row.notice.empty()) told_.AddNotice(row.notice, row);
    if (!enrolment_.date_order && !learnt_) NoteDates(row.cells, row.line);
    return fingerprints;
  }
  // A date that the order asked for cannot be.
  void CheckDate(const WantedRow& row, std::size_t i) {
    if (!enrolment_.date_order) return;
    const auto times = fingerprint::ReadRecordTimes(row.cells[i], enrolment_.date_order);
    if (times.count == 0 || times.order_told || times.Allows(*enrolment_.date_order)) return;
    Problem(row,
            fmt::format("column '{}' is no date in the order that --date-order says; read in the one that it can be",
                        enrolment_.support_columns[i]));
  }

  bool CanBeReadTwice() const {
    std::error_code error;
    return std::filesystem::is_regular_file(path_, error);
  }
  void NoteDates(std::span<const std::string> cells, std::uint64_t line) {
    for (std::size_t i = 0; i < cells.size(); ++i) date_orders_.Add(i, cells[i], line);
  }
  // What each column shows of the order of its dates, before they are registered.
  void LearnDateOrders() {
    auto table = RecordTable::Open(path_, wish_);
    if (!table) return;  // it is told when it is read
    WantedRow row;
    while ((*table)->Next(row).value_or(false)) {
      if (!row.cells.empty()) NoteDates(std::span(row.cells).subspan(1), row.line);
    }
    learnt_ = true;
    orders_ = date_orders_.Inferred();
    for (const std::string& what : date_orders_.Describe()) observer_.OnNotice(fmt::format("{}: {}", path_, what));
  }

  void Problem(const WantedRow& row, const std::string& what) {
    ++summary_.problems;
    told_.Add(what, row);
  }
  void TellAtEnd(const RecordTable& table) {
    told_.Tell();
    for (const std::string& what : learnt_ ? std::vector<std::string>() : date_orders_.DescribeOpen()) {
      observer_.OnNotice(fmt::format("{}: {}", path_, what));
    }
    const auto problem = [&](const std::string& what) {
      ++summary_.problems;
      observer_.OnProblem(fmt::format("{}: {}", path_, what));
    };
    if (rows_ == 0) return problem("there are no rows in it");
    for (const std::string& column : table.AbsentColumns()) problem(fmt::format("no row has a field '{}'", column));
    if (registered_ == 0) problem(fmt::format("no row has a plate in column '{}'", enrolment_.plate_column));
  }

  const RecordEnrolment& enrolment_;
  std::string path_;
  RowsWish wish_;
  const fingerprint::RecordTagger& tagger_;
  fingerprint::PlateFinder finder_;
  EnrolmentObserver& observer_;
  EnrolmentSummary& summary_;
  RowProblems told_;
  DateOrders date_orders_;
  bool learnt_ = false;  // date_orders_ was filled before the first row was registered
  std::vector<std::optional<fingerprint::DateOrder>> orders_;
  std::uint64_t rows_ = 0;
  std::uint64_t registered_ = 0;
};

}  // namespace

Status RowBatch::Add(fingerprint::RecordRow row) {
  bytes_ += HeldBy(row);
  rows_.push_back(std::move(row));
  return bytes_ < kBytesHeld ? Status() : Flush();
}

Status RowBatch::Flush() {
  std::ranges::stable_sort(rows_, {}, PlaceOf);
  if (Status status = database_->Begin(); !status) return status;
  EnrolmentSummary added = *summary_;
  for (const fingerprint::RecordRow& row : rows_) {
    table_.line = row.line;
    const auto result = database_->AddRecord(collection_, table_, row.fingerprints);
    if (!result) return Fail(result.error());
    added.Count(*result);
    on_row_();
  }
  if (Status status = database_->Commit(); !status) return status;
  *summary_ = added;
  rows_.clear();
  bytes_ = 0;
  return {};
}

Result<EnrolmentSummary> EnrollRecords(RegisterDatabase& database, const RecordEnrolment& enrolment,
                                       const fingerprint::RecordTagger& tagger, EnrolmentObserver& observer) {
  EnrolmentSummary summary;
  const auto collection = database.CollectionRow(enrolment.collection);
  if (!collection) return Fail(collection.error());
  if (Status status = TellWhenExpired(database, enrolment.collection, observer, summary); !status) {
    return Fail(status.error());
  }
  for (const std::string& path : enrolment.inputs) {
    Status status = TableEnrolment(enrolment, path, tagger, observer, summary).Run(database, *collection);
    if (status) continue;
    ++summary.problems;
    observer.OnProblem(status.error().message);
  }
  return summary;
}

}  // namespace spanwatch::enrolment
