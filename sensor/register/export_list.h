// Writes what a register knows by a digest or a picture hash as a list that others read, and so does `register import`:
//
//   sha256, md5   a line an item as sha256sum and md5sum print it, with the item's id in place of a file name
//   pdq           CSV of pdq, quality, id
//   stix          a bundle of STIX 2.1 indicators (OASIS STIX 2.1, sections 4.7, 9), valid from when the item was added
//                 until it expires
//
// What has expired is left out. Used by `register export`. One thread.
#pragma once

#include <functional>
#include <string_view>

#include "register/register_database.h"

namespace spanwatch::enrolment {

enum class ListFormat : std::uint8_t { kSha256, kMd5, kPdq, kStix };

struct ExportWish {
  ListFormat format = ListFormat::kSha256;
  std::string collection;  // empty: all, but for negative banks
  PacketTime now;          // wall clock
};

struct ExportSummary {
  std::uint64_t written = 0;
  std::uint64_t expired = 0;  // left out
  std::uint64_t without = 0;  // items that have none such: records, or bare digests of another kind
};

Result<ExportSummary> ExportList(RegisterDatabase& database, const ExportWish& wish,
                                 const std::function<Status(std::string_view)>& write);

}  // namespace spanwatch::enrolment
