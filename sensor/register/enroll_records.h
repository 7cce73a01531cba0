// `register add records`: plate records of CSV or JSON-lines files into a collection, as keyed tags. Plates in clear
// live only while their row is read. Enrolling a file again adds nothing. One thread.
#pragma once

#include "fingerprint/record_table.h"
#include "register/enrolment.h"

namespace spanwatch::enrolment {

struct RecordEnrolment {
  std::string collection;
  std::vector<std::string> inputs;
  fingerprint::RecordTableOptions table;
};

Result<EnrolmentSummary> EnrollRecords(RegisterDatabase& database, const RecordEnrolment& enrolment,
                                       const fingerprint::RecordTagger& tagger, EnrolmentObserver& observer);

}  // namespace spanwatch::enrolment
