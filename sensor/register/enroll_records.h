// `register add records`: plate records of CSV or JSON-lines files into a collection, as keyed tags. Plates in clear
// live only while their row is read. Enrolling a file again adds nothing. One thread.
#pragma once

#include <functional>

#include "fingerprint/record_table.h"
#include "register/enrolment.h"

namespace spanwatch::enrolment {

struct RecordEnrolment {
  std::string collection;
  std::vector<std::string> inputs;
  fingerprint::RecordTableOptions table;
};

inline constexpr std::size_t kRowsAtOnce = std::size_t{1} << 20;  // of a table; about 200 bytes of memory each

// Adds rows of the table `source` in one transaction, in the order of their plates and not of their lines: the
// register's index over identities is in that order, and is walked once where it would be jumped over. `rows` comes
// back empty.
Status AddRows(RegisterDatabase& database, std::int64_t collection, const Source& source,
               std::vector<fingerprint::RecordRow>& rows, const std::function<void(AddResult)>& added);

Result<EnrolmentSummary> EnrollRecords(RegisterDatabase& database, const RecordEnrolment& enrolment,
                                       const fingerprint::RecordTagger& tagger, EnrolmentObserver& observer);

}  // namespace spanwatch::enrolment
