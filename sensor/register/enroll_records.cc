#include "register/enroll_records.h"

#include <fstream>

#include "register/enrolment.h"

namespace spanwatch::enrolment {
namespace {

// All rows of one file. What was committed before a failure stays; enrolling again adds the rest.
Status EnrollTable(RegisterDatabase& database, std::int64_t collection, Source source,
                   fingerprint::RecordTableReader& reader, EnrolmentObserver& observer, EnrolmentSummary& summary) {
  fingerprint::RecordRow row;
  std::uint64_t rows = 0;
  if (Status status = database.Begin(); !status) return status;
  while (true) {
    auto more = reader.Next(row);
    if (!more || !*more) {
      if (Status status = database.Commit(); !status) return status;
      return more ? Status() : Fail(more.error().In(source.path));
    }
    source.line = row.line;
    auto added = database.AddRecord(collection, source, row.fingerprints);
    if (!added) return Fail(added.error());
    summary.Count(*added);
    observer.OnProgress(++rows, 0);
    if (rows % kRowsPerBatch != 0) continue;
    Status status = database.Commit();
    if (status) status = database.Begin();
    if (!status) return status;
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
