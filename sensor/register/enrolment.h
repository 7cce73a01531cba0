// What every enrolment tells while it runs and when it is done. Used by enroll_images, enroll_records and import_list;
// the commands implement EnrolmentObserver. Calls come from the thread that enrols.
#pragma once

#include <cstdint>
#include <string>

#include "register/register_database.h"

namespace spanwatch::enrolment {

class EnrolmentObserver {
 public:
  virtual ~EnrolmentObserver() = default;
  // `total` 0: unknown.
  virtual void OnProgress(std::uint64_t done, std::uint64_t total) = 0;
  // Something could not be enrolled, or only in part; the rest goes on.
  virtual void OnProblem(const std::string& what) = 0;
  // Worth knowing; nothing went wrong.
  virtual void OnNotice(const std::string& what) = 0;
  // Asked between two files or rows: true ends the enrolment there, in good order.
  virtual bool WantsEnd() { return false; }
};

struct EnrolmentSummary {
  std::uint64_t added = 0;    // new items
  std::uint64_t sources = 0;  // known items from a further source
  std::uint64_t known = 0;    // skipped: enrolled before
  std::uint64_t problems = 0;
  bool interrupted = false;  // the observer wanted an end; what was counted is in the register

  void Count(AddResult result) {
    if (result == AddResult::kNew) ++added;
    if (result == AddResult::kNewSource) ++sources;
    if (result == AddResult::kKnown) ++known;
  }
};

// Size, time and absolute path of a file as the register keeps them.
Result<Source> SourceOf(const std::string& path);

// A problem when the collection has expired: what is added to it would be in no set that is built.
Status TellWhenExpired(RegisterDatabase& database, const std::string& collection, EnrolmentObserver& observer,
                       EnrolmentSummary& summary);

// The same of items that came from this file: adding them again does not undo what somebody decided.
Status TellExpiredItems(RegisterDatabase& database, std::int64_t collection, const std::string& path, PacketTime now,
                        EnrolmentObserver& observer, EnrolmentSummary& summary);

}  // namespace spanwatch::enrolment
