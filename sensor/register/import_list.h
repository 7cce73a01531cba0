// `register import`: items known by a digest or a picture hash alone, from a list in any of the forms of import_rows.h.
// What is refused is named with its line, and the rest goes on. One thread.
#pragma once

#include "register/enrolment.h"
#include "register/import_rows.h"

namespace spanwatch::enrolment {

struct ListImport {
  std::string collection;
  std::string path;
  ImportWish wish;
};

struct ImportSummary : EnrolmentSummary {
  std::uint64_t md5 = 0;  // rows of which only the MD5 is known
};

Result<ImportSummary> ImportList(RegisterDatabase& database, const ListImport& import, EnrolmentObserver& observer);

}  // namespace spanwatch::enrolment
