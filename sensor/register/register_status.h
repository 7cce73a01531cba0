// What a register holds, by collection, and what expires when. Used by `register status`. One thread.
#pragma once

#include <array>
#include <map>

#include "register/register_database.h"

namespace spanwatch::enrolment {

struct CollectionStatus {
  std::string name;
  bool negative = false;
  PacketTime expires = PacketTime::max();  // of the collection itself
  std::array<std::uint64_t, 3> items_of_kind{};
  std::uint64_t expired = 0;
  std::map<std::int64_t, std::uint64_t> expiring;  // by day (since 1970, UTC): items that expire later than now
};

// Every collection, those that are empty too.
Result<std::vector<CollectionStatus>> StatusOf(RegisterDatabase& database, PacketTime now);

}  // namespace spanwatch::enrolment
