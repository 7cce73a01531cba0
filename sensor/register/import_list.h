// `register import`: items known by a digest or a picture hash alone, from a text file with one a line.
//
//   SHA-256: 64 hexadecimal digits, then anything (plain lists, the output of sha256sum, `SHA256 (file) = digits`)
//   PDQ:     64 hexadecimal digits in the reference's order, then optionally `,quality` and anything
//
// Empty lines and lines that begin with # are passed over; a line that is neither is named and the rest goes on. One
// thread.
#pragma once

#include "register/enrolment.h"

namespace spanwatch::enrolment {

enum class ListKind { kSha256, kPdq };

Result<EnrolmentSummary> ImportList(RegisterDatabase& database, const std::string& collection, const std::string& path,
                                    ListKind kind, EnrolmentObserver& observer);

}  // namespace spanwatch::enrolment
