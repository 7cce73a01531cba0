// The part of RegisterDatabase that finds items, takes them out of the register, or sets when they expire.
#include <algorithm>

#include "base/enumeration.h"
#include "register/register_database.h"

namespace spanwatch::enrolment {
namespace {

template <std::size_t kSize>
bool CopyTo(ByteView bytes, std::array<std::uint8_t, kSize>& array) {
  if (bytes.size() != kSize) return false;
  std::copy(bytes.begin(), bytes.end(), array.begin());
  return true;
}

// The columns of every query for items.
ItemEntry ReadItem(const SqlStatement& row) {
  ItemEntry item{.row = row.Integer(0), .collection = row.Integer(2), .collection_name = row.Text(3)};
  CopyTo(row.Blob(1), item.id);
  item.kind = EnumFrom<ItemKind>(static_cast<std::uint64_t>(row.Integer(4))).value_or(ItemKind::kFile);
  item.size = static_cast<std::uint64_t>(row.Integer(5));
  if (!row.IsNull(6)) CopyTo(row.Blob(6), item.sha256.emplace());
  item.added = PacketTimeFromNanoseconds(row.Integer(7));
  if (!row.IsNull(8)) item.own_expires = PacketTimeFromNanoseconds(row.Integer(8));
  if (!row.IsNull(9)) item.collection_expires = PacketTimeFromNanoseconds(row.Integer(9));
  item.expires = std::min(item.own_expires, item.collection_expires);
  item.negative = row.Integer(10) != 0;
  item.record_key = row.Text(11);
  return item;
}

}  // namespace

Status RegisterDatabase::ForEachItem(const std::function<Status(const ItemEntry&)>& visit) {
  auto query =
      Get("SELECT items.row, id, collection, name, kind, size, sha256, added, items.expires, collections.expires, "
          "negative, record_key FROM items JOIN collections ON collections.row=collection ORDER BY items.row");
  if (!query) return Fail(query.error());
  while (true) {
    auto row = (*query)->Step();
    if (!row) return Fail(row.error());
    if (!*row) return {};
    if (Status status = visit(ReadItem(**query)); !status) {
      (*query)->Reset();
      return status;
    }
  }
}

Result<std::vector<ItemEntry>> RegisterDatabase::ItemsOf(SqlStatement& query) {
  std::vector<ItemEntry> items;
  while (true) {
    auto row = query.Step();
    if (!row) return Fail(row.error());
    if (!*row) return items;
    items.push_back(ReadItem(query));
  }
}

Status RegisterDatabase::CheckCollection(const std::string& name) {
  auto known = Get("SELECT row FROM collections WHERE name=?1");
  if (!known) return Fail(known.error());
  auto there = (*known)->Bind(1, std::string_view(name)).Step();
  if (!there) return Fail(there.error());
  (*known)->Reset();
  if (*there) return {};
  return Fail(ErrorCode::kNotFound, "there is no collection '{}'; `spanwatch register list` shows what there is", name);
}

Result<std::vector<ItemEntry>> RegisterDatabase::Selected(const Selection& selection) {
  if (Status status = CheckCollection(selection.collection); !status) return Fail(status.error());
  auto query =
      Get("SELECT items.row, id, collection, name, kind, size, sha256, added, items.expires, collections.expires, "
          "negative, record_key FROM items JOIN collections ON collections.row=collection "
          "WHERE name=?1 AND (?2 IS NULL OR id=?2) "
          "AND (?3 = '' OR items.row IN (SELECT item FROM sources JOIN paths ON paths.row=sources.path "
          "WHERE paths.path=?3)) ORDER BY items.row");
  if (!query) return Fail(query.error());
  (*query)->Bind(1, std::string_view(selection.collection)).Bind(3, std::string_view(selection.source));
  if (selection.item)
    (*query)->Bind(2, ByteView(*selection.item));
  else
    (*query)->BindNull(2);
  return ItemsOf(**query);
}

Result<std::optional<ItemEntry>> RegisterDatabase::Listed(std::int64_t collection, const Bytes& identity) {
  auto query =
      Get("SELECT items.row, id, collection, name, kind, size, sha256, added, items.expires, collections.expires, "
          "negative, record_key FROM items JOIN collections ON collections.row=collection "
          "WHERE collection=?1 AND identity=?2");
  if (!query) return Fail(query.error());
  (*query)->Bind(1, collection).Bind(2, ByteView(identity));
  const auto items = ItemsOf(**query);
  if (!items) return Fail(items.error());
  return items->empty() ? std::nullopt : std::optional(items->front());
}

// Every table but `items` loses its rows by ON DELETE CASCADE, `paths` by its trigger.
Status RegisterDatabase::Delete(const std::vector<ItemEntry>& items) {
  auto remove = Get("DELETE FROM items WHERE row=?1");
  if (!remove) return Fail(remove.error());
  bool one_collection = true;
  for (const ItemEntry& item : items) {
    if (Status status = (*remove)->Bind(1, item.row).Run(); !status) return status;
    one_collection &= item.collection == items.front().collection;
  }
  return Log("removed", one_collection && !items.empty() ? items.front().collection_name : "", items.size(), "");
}

Status RegisterDatabase::Erase(const std::vector<ItemEntry>& items) {
  if (Status status = BeginErasure(); !status) return status;
  Status status = Begin();
  if (status) status = Delete(items);
  if (status) status = Commit();
  return status ? FinishErasure() : status;
}

Status RegisterDatabase::ExpireItem(const ItemEntry& item, PacketTime when) {
  auto update =
      Get("UPDATE items SET expires=?2, "
          "sum=row_sum(row, id, collection, identity, kind, size, sha256, added, ?2, record_key) WHERE row=?1");
  if (!update) return Fail(update.error());
  (*update)->Bind(1, item.row);
  if (when == PacketTime::max())
    (*update)->BindNull(2);
  else
    (*update)->Bind(2, Nanoseconds(when));
  return (*update)->Run();
}

Result<std::uint64_t> RegisterDatabase::Expire(const Selection& selection, PacketTime when) {
  const auto items = Selected(selection);
  if (!items) return Fail(items.error());
  const bool whole = !selection.item && selection.source.empty();
  auto update = Get("UPDATE collections SET expires=?2, sum=row_sum(row, name, ?2, negative) WHERE name=?1");
  if (!update) return Fail(update.error());
  Status status = Begin();
  if (whole && status) {
    (*update)->Bind(1, std::string_view(selection.collection));
    if (when == PacketTime::max())
      (*update)->BindNull(2);
    else
      (*update)->Bind(2, Nanoseconds(when));
    status = (*update)->Run();
  }
  for (const ItemEntry& item : *items) {
    if (status && !whole) status = ExpireItem(item, when);
  }
  const std::string until = when == PacketTime::max() ? "never" : FormatRfc3339(when);
  if (status) status = Log("expires", selection.collection, items->size(), (whole ? "the collection, " : "") + until);
  if (status) status = Commit();
  if (!status) return Fail(status.error());
  return items->size();
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

Result<std::uint64_t> RegisterDatabase::ExpiredItems(std::int64_t collection, const std::string& path, PacketTime now) {
  auto query =
      Get("SELECT COUNT(DISTINCT items.row) FROM paths JOIN sources ON sources.path=paths.row "
          "JOIN items ON items.row=sources.item "
          "WHERE paths.path=?1 AND sources.collection=?2 AND items.expires<=?3");
  if (!query) return Fail(query.error());
  auto row = (*query)->Bind(1, std::string_view(path)).Bind(2, collection).Bind(3, Nanoseconds(now)).Step();
  if (!row) return Fail(row.error());
  const auto items = static_cast<std::uint64_t>((*query)->Integer(0));
  (*query)->Reset();
  return items;
}

}  // namespace spanwatch::enrolment
