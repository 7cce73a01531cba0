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

std::size_t HeldBy(const fingerprint::RecordRow& row) {
  std::size_t bytes = sizeof row;
  for (const RecordFingerprint& variant : row.fingerprints) {
    bytes += sizeof variant + variant.pair_tags.capacity() * sizeof variant.pair_tags.front();
  }
  return bytes;
}

// All rows of one file. What was committed before a failure stays; enrolling again adds the rest.
Status EnrollTable(RegisterDatabase& database, std::int64_t collection, const Source& source,
                   fingerprint::RecordTableReader& reader, EnrolmentObserver& observer, EnrolmentSummary& summary) {
  std::uint64_t done = 0;
  RowBatch batch(database, collection, source, summary, [&] { observer.OnProgress(++done, 0); });
  while (true) {
    fingerprint::RecordRow row;
    const auto more = reader.Next(row);
    if (!more || !*more) {
      if (Status status = batch.Flush(); !status) return status;
      return more ? Status() : Fail(more.error().In(source.path));
    }
    if (Status status = batch.Add(std::move(row)); !status) return status;
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
  for (const std::string& path : enrolment.inputs) {
    Status status = EnrollFile(database, *collection, path, enrolment, tagger, observer, summary);
    if (status) continue;
    ++summary.problems;
    observer.OnProblem(status.error().message);
  }
  return summary;
}

}  // namespace spanwatch::enrolment
