#include "register/enroll_records.h"

#include <algorithm>
#include <fstream>

#include "register/enrolment.h"

namespace spanwatch::enrolment {
namespace {

// Where a plate stands among the identities: these are compared as bytes.
std::uint64_t PlaceOf(const fingerprint::RecordRow& row) {
  return __builtin_bswap64(row.fingerprints.front().plate_tag);
}

// All rows of one file. What was committed before a failure stays; enrolling again adds the rest.
Status EnrollTable(RegisterDatabase& database, std::int64_t collection, const Source& source,
                   fingerprint::RecordTableReader& reader, EnrolmentObserver& observer, EnrolmentSummary& summary) {
  std::uint64_t done = 0;
  const auto added = [&](AddResult result) {
    summary.Count(result);
    observer.OnProgress(++done, 0);
  };
  std::vector<fingerprint::RecordRow> rows;
  while (true) {
    auto more = reader.Next(rows.emplace_back());
    const bool ended = !more || !*more;
    if (ended) rows.pop_back();
    if (!ended && rows.size() < kRowsAtOnce) continue;
    if (Status status = AddRows(database, collection, source, rows, added); !status) return status;
    if (ended) return more ? Status() : Fail(more.error().In(source.path));
  }
}

Status EnrollFile(RegisterDatabase& database, std::int64_t collection, const std::string& path,
                  const RecordEnrolment& enrolment, const fingerprint::RecordTagger& tagger,
                  EnrolmentObserver& observer, EnrolmentSummary& summary) {
  auto source = SourceOf(path);
  if (!source) return Fail(source.error());
  std::ifstream input(path, std::ios::binary);
  if (!input) return FailErrno("cannot open " + path);
  auto reader = fingerprint::RecordTableReader::Open(input, enrolment.table, tagger);
  if (!reader) return Fail(reader.error().In(path));
  if (Status status = EnrollTable(database, collection, *source, *reader, observer, summary); !status) return status;
  if (reader->rows_without_plate() > 0) {
    // Some rows without one are usual (unread plates); a table without any was read by the wrong column.
    if (reader->rows_without_plate() == reader->rows_read()) ++summary.problems;
    observer.OnProblem(fmt::format("{}: {} of {} rows have no plate in column '{}'; not registered", path,
                                   reader->rows_without_plate(), reader->rows_read(), enrolment.table.plate_column));
  }
  return {};
}

}  // namespace

Status AddRows(RegisterDatabase& database, std::int64_t collection, const Source& source,
               std::vector<fingerprint::RecordRow>& rows, const std::function<void(AddResult)>& added) {
  std::ranges::stable_sort(rows, {}, PlaceOf);
  if (Status status = database.Begin(); !status) return status;
  Source of_row = source;
  for (const fingerprint::RecordRow& row : rows) {
    of_row.line = row.line;
    const auto result = database.AddRecord(collection, of_row, row.fingerprints);
    if (!result) return Fail(result.error());
    added(*result);
  }
  rows.clear();
  return database.Commit();
}

Result<EnrolmentSummary> EnrollRecords(RegisterDatabase& database, const RecordEnrolment& enrolment,
                                       const fingerprint::RecordTagger& tagger, EnrolmentObserver& observer) {
  EnrolmentSummary summary;
  const auto collection = database.CollectionRow(enrolment.collection);
  if (!collection) return Fail(collection.error());
  for (const std::string& path : enrolment.inputs) {
    Status status = EnrollFile(database, *collection, path, enrolment, tagger, observer, summary);
    if (status) continue;
    ++summary.problems;
    observer.OnProblem(status.error().message);
  }
  return summary;
}

}  // namespace spanwatch::enrolment
