// The part of RegisterDatabase that takes items out of the register, or sets when they expire.
#include "register/register_database.h"

namespace spanwatch::enrolment {

Result<std::vector<std::int64_t>> RegisterDatabase::Select(const Selection& selection) {
  auto known = Get("SELECT row FROM collections WHERE name=?1");
  if (!known) return Fail(known.error());
  auto there = (*known)->Bind(1, std::string_view(selection.collection)).Step();
  if (!there) return Fail(there.error());
  if (!*there) {
    return Fail(ErrorCode::kNotFound, "there is no collection '{}'; `spanwatch register list` shows what there is",
                selection.collection);
  }
  const std::int64_t collection = (*known)->Integer(0);
  (*known)->Reset();
  auto query =
      Get("SELECT row FROM items WHERE collection=?1 AND (?2 IS NULL OR id=?2) "
          "AND (?3 = '' OR row IN (SELECT item FROM sources JOIN paths ON paths.row=sources.path "
          "WHERE paths.path=?3 AND collection=?1))");
  if (!query) return Fail(query.error());
  (*query)->Bind(1, collection).Bind(3, std::string_view(selection.source));
  if (selection.item)
    (*query)->Bind(2, ByteView(*selection.item));
  else
    (*query)->BindNull(2);
  std::vector<std::int64_t> rows;
  while (true) {
    auto row = (*query)->Step();
    if (!row) return Fail(row.error());
    if (!*row) return rows;
    rows.push_back((*query)->Integer(0));
  }
}

Result<std::uint64_t> RegisterDatabase::Remove(const Selection& selection) {
  auto rows = Select(selection);
  if (!rows) return Fail(rows.error());
  auto remove = Get("DELETE FROM items WHERE row=?1");
  if (!remove) return Fail(remove.error());
  Status status = Begin();
  for (const std::int64_t row : *rows) {
    if (status) status = (*remove)->Bind(1, row).Run();
  }
  if (status) status = Commit();
  if (!status) return Fail(status.error());
  return rows->size();
}

Result<std::uint64_t> RegisterDatabase::Expire(const Selection& selection, PacketTime when) {
  auto rows = Select(selection);
  if (!rows) return Fail(rows.error());
  const bool whole = !selection.item && selection.source.empty();
  auto update = Get("UPDATE items SET expires=?2 WHERE row=?1");
  auto update_collection = Get("UPDATE collections SET expires=?2 WHERE name=?1");
  if (!update || !update_collection) return Fail(!update ? update.error() : update_collection.error());
  const auto bind_time = [&](SqlStatement& statement) {
    if (when == PacketTime::max())
      statement.BindNull(2);
    else
      statement.Bind(2, Nanoseconds(when));
  };
  Status status = Begin();
  if (whole && status) {
    bind_time(**update_collection);
    status = (*update_collection)->Bind(1, std::string_view(selection.collection)).Run();
  } else {
    bind_time(**update);
    for (const std::int64_t row : *rows) {
      if (status) status = (*update)->Bind(1, row).Run();
    }
  }
  if (status) status = Commit();
  if (!status) return Fail(status.error());
  return rows->size();
}

Result<PacketTime> RegisterDatabase::CollectionExpires(const std::string& name) {
  auto query = Get("SELECT expires FROM collections WHERE name=?1");
  if (!query) return Fail(query.error());
  auto row = (*query)->Bind(1, std::string_view(name)).Step();
  if (!row) return Fail(row.error());
  const bool expires = *row && !(*query)->IsNull(0);
  const PacketTime when = expires ? PacketTimeFromNanoseconds((*query)->Integer(0)) : PacketTime::max();
  (*query)->Reset();
  return when;
}

}  // namespace spanwatch::enrolment
