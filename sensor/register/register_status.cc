#include "register/register_status.h"

#include <algorithm>

namespace spanwatch::enrolment {

Result<std::vector<CollectionStatus>> StatusOf(RegisterDatabase& database, PacketTime now) {
  const auto known = database.Collections();
  if (!known) return Fail(known.error());
  std::vector<CollectionStatus> collections;
  for (const CollectionEntry& entry : *known) {
    const auto expires = database.CollectionExpires(entry.name);
    if (!expires) return Fail(expires.error());
    collections.push_back({.name = entry.name, .negative = entry.negative, .expires = *expires});
  }
  const Status status = database.ForEachItem([&](const ItemEntry& item) -> Status {
    const auto found = std::ranges::find(collections, item.collection_name, &CollectionStatus::name);
    if (found == collections.end()) return {};
    ++found->items_of_kind[static_cast<std::size_t>(item.kind)];
    if (item.expires == PacketTime::max()) return {};
    if (item.expires <= now)
      ++found->expired;
    else
      ++found->expiring[std::chrono::floor<std::chrono::days>(item.expires).time_since_epoch().count()];
    return {};
  });
  if (!status) return Fail(status.error());
  return collections;
}

}  // namespace spanwatch::enrolment
