// `register add images`: fingerprints of picture files into a collection. Parallel, resumable (a file enrolled before
// with the same size and time is passed over), and it goes on after a file that cannot be read.
//
// Folders are walked; names that begin with a dot and .json files (boxes beside a picture) are left out of the walk.
// The fingerprinter is called from `threads` threads; the database is written by the caller's thread only, in batches,
// so that an interruption loses at most the last few seconds of work.
#pragma once

#include <functional>

#include "register/enrolment.h"

namespace spanwatch::enrolment {

using FileFingerprinter = std::function<Result<FileFingerprint>(const std::string& path)>;

struct ImageEnrolment {
  std::string collection;
  bool negative = false;            // a negative bank keeps every window, whatever the register's profile
  std::vector<std::string> inputs;  // files and folders
  unsigned threads = 0;             // 0: as many as processors
};

Result<EnrolmentSummary> EnrollImages(RegisterDatabase& database, const ImageEnrolment& enrolment,
                                      const FileFingerprinter& fingerprint, EnrolmentObserver& observer);

}  // namespace spanwatch::enrolment
