#include "register/enroll_records.h"

#include <algorithm>

#include "base/file.h"
#include "base/utf8.h"
#include "fingerprint/plate_finder.h"
#include "fingerprint/plate_normaliser.h"
#include "register/date_orders.h"
#include "register/plate_cell.h"
#include "register/record_rows.h"
#include "register/row_problems.h"
#include "register/support_check.h"

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

bool IsUtf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const Utf8Character character = DecodeUtf8(text, i);
    if (character.length == 1 && static_cast<unsigned char>(text[i]) >= 0x80) return false;
    i += character.length;
  }
  return true;
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
        observer_(observer),
        summary_(summary),
        told_(path_, observer),
        date_orders_(enrolment.support_columns),
        support_(enrolment.support_columns),
        orders_(enrolment.support_columns.size(), enrolment.date_order) {}

  Status Run(RegisterDatabase& database, std::int64_t collection) {
    auto source = SourceOf(path_);
    if (!source) return Fail(source.error());
    TellWhenPipe();
    if (!enrolment_.date_order && !enrolment_.support_columns.empty() && CanBeReadTwice()) LearnDateOrders();
    auto table = RecordTable::Open(path_, wish_);
    if (!table) return Fail(table.error().In(path_));
    std::uint64_t done = 0;
    RowBatch batch(database, collection, *source, summary_, [&] { observer_.OnProgress(++done, 0); });
    const Status read = Rows(**table, batch);
    // What was read before a damaged place stays; enrolling again adds the rest.
    if (Status status = batch.Flush(); !status) return status;
    TellAtEnd(**table);
    if (Status status = TellExpiredItems(database, collection, path_, WallClockNow(), observer_, summary_); !status)
      return status;
    return read && !summary_.interrupted ? EndRotation(database, collection, source->path) : read;
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
      summary_.interrupted = observer_.WantsEnd();
      if (summary_.interrupted) return {};
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
    if (!row.text.empty()) finder_.Read(row.text);
    if (row.cells.empty()) return {};
    const std::string written = std::move(row.cells.front());
    const PlateCell read = ReadPlateCell(written);
    row.cells.erase(row.cells.begin());
    for (std::string& cell : row.cells) cell = ReadCell(cell);
    if (!read.notice.empty() && row.problem.empty()) told_.AddNotice(std::string(read.notice), row);
    if (!read.problem.empty()) Problem(row, std::string(read.problem));
    if (read.text.empty()) return {};
    const std::vector<std::string> plates = fingerprint::PlateVariants(read.text);
    auto fingerprints = fingerprint::FingerprintRecord(tagger_, plates, row.cells, orders_);
    if (fingerprints.empty()) {
      Problem(row, "no plate in the plate's column (3 to 8 letters and digits); not registered");
    } else if (!finder_.Finds(plates)) {
      Problem(row, "the plate is registered, but the sensor does not look for it as it is written here");
    }
    const bool text = IsUtf8(written) && std::ranges::all_of(row.cells, IsUtf8);
    if (!text) Problem(row, "some of it is no UTF-8; save the table as UTF-8");
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      CheckDate(row, i);
      if (!fingerprints.empty()) support_.Add(i, row.cells[i], orders_[i], row.line);
    }
    if (!row.notice.empty()) told_.AddNotice(row.notice, row);
    if (!enrolment_.date_order && !learnt_) NoteDates(row.cells, row.line);
    return fingerprints;
  }
  // A date that no calendar has, or that the order asked for cannot be.
  void CheckDate(const WantedRow& row, std::size_t i) {
    if (IsImpossibleDate(row.cells[i])) {
      Problem(row, fmt::format("column '{}' has a date that no calendar has; it is registered as text",
                               enrolment_.support_columns[i]));
    }
    if (!enrolment_.date_order) return;
    const auto times = fingerprint::ReadRecordTimes(row.cells[i], enrolment_.date_order);
    if (times.count == 0 || times.order_told || times.Allows(*enrolment_.date_order)) return;
    Problem(row,
            fmt::format("column '{}' is no date in the order that --date-order says; read in the one that it can be",
                        enrolment_.support_columns[i]));
  }

  // A shell's pattern may name one where nobody writes.
  void TellWhenPipe() {
    if (IsNamedPipe(path_)) observer_.OnNotice(fmt::format("{} is a pipe; waiting for what is written into it", path_));
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
    for (const std::string& what : support_.Notices()) observer_.OnNotice(fmt::format("{}: {}", path_, what));
    if (rows_ == 0) return problem("there are no rows in it");
    for (const std::string& what : support_.Problems()) problem(what);
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
  SupportCheck support_;
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
    if (!status) {
      ++summary.problems;
      observer.OnProblem(status.error().message);
    }
    if (summary.interrupted) break;
  }
  return summary;
}

}  // namespace spanwatch::enrolment
