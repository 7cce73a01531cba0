// `register add records`: plate records of tables (record_rows.h) into a collection, as keyed tags. Plates in clear
// live only while their row is read. Enrolling a file again adds nothing. One thread.
//
// Every row that is not registered, or not as it may have been meant, is told by its line and counts as a problem; only
// an empty cell in the plate's column does not, since readers write one where they read nothing. Where no
// order of dates is named, a file with supporting columns is read twice: first to see what its columns tell of theirs.
#pragma once

#include <functional>

#include "fingerprint/record_fingerprint.h"
#include "register/enrolment.h"

namespace spanwatch::enrolment {

struct RecordEnrolment {
  std::string collection;
  std::vector<std::string> inputs;
  std::string plate_column;
  std::vector<std::string> support_columns = {};
  std::optional<fingerprint::DateOrder> date_order = {};  // none: as each column shows, else every order
};

// Rows of one table on their way into the register. They are added many at once, in one transaction and in the order of
// their plates, not of their lines: the register's index over identities is in that order, and is walked once where it
// would be jumped over. `summary` counts what is committed, `on_row` is called for each row on its way; all outlive it.
class RowBatch {
 public:
  RowBatch(RegisterDatabase& database, std::int64_t collection, Source table, EnrolmentSummary& summary,
           std::function<void()> on_row)
      : database_(&database),
        collection_(collection),
        table_(std::move(table)),
        summary_(&summary),
        on_row_(std::move(on_row)) {}

  Status Add(fingerprint::RecordRow row);
  Status Flush();  // after the last row

 private:
  static constexpr std::size_t kBytesHeld = 128u << 20;  // about a million rows

  RegisterDatabase* database_;
  std::int64_t collection_;
  Source table_;
  EnrolmentSummary* summary_;
  std::function<void()> on_row_;
  std::vector<fingerprint::RecordRow> rows_;
  std::size_t bytes_ = 0;
};

Result<EnrolmentSummary> EnrollRecords(RegisterDatabase& database, const RecordEnrolment& enrolment,
                                       const fingerprint::RecordTagger& tagger, EnrolmentObserver& observer);

}  // namespace spanwatch::enrolment
