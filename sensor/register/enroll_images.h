// `register add images`: fingerprints of picture files into a collection. Parallel, resumable (a file enrolled before
// with the same size and time is passed over), and it goes on after a file that cannot be read.
//
// Folders are walked with all that is below them, links and hidden names too. Left out are what desktops leave in
// folders
// (.DS_Store and the like) and .json files that say where the boxes of the picture beside them are.
// The fingerprinter is called from `threads` threads; the database is written by the caller's thread only, in batches,
// so that an interruption loses at most the last few seconds of work.
#pragma once

#include <functional>

#include "register/enrolment.h"

namespace spanwatch::enrolment {

struct Fingerprinted {
  FileFingerprint file;
  std::vector<std::string> problems = {};  // of what stands beside it: it is registered without
};
using FileFingerprinter = std::function<Result<Fingerprinted>(const std::string& path)>;

struct ImageEnrolment {
  std::string collection;
  bool negative = false;            // a negative bank keeps every window, whatever the register's profile
  bool again = false;               // also files that are known: what is computed of them replaces what was
  std::vector<std::string> inputs;  // files and folders
  unsigned threads = 0;             // 0: as many as processors
};

Result<EnrolmentSummary> EnrollImages(RegisterDatabase& database, const ImageEnrolment& enrolment,
                                      const FileFingerprinter& fingerprint, EnrolmentObserver& observer);

}  // namespace spanwatch::enrolment
