#include "state/quarantine_table.h"

#include <algorithm>
#include <cstring>
#include <tuple>

namespace spanwatch::state {
namespace {

// An item seen at fewer places is followed in memory alone: nearly all are, and a restart costs them nothing that
// counts.
constexpr std::size_t kPlacesWorthKeeping = 3;

enum PlaceKind : std::int64_t { kFlowPlace, kDestinationPlace };

void BindItem(SqlStatement& statement, const FollowedItem& item) {
  statement.Bind(1, ByteView(item.id)).Bind(2, static_cast<std::int64_t>(item.method));
  statement.Bind(3, static_cast<std::int64_t>(item.confidence));
}

FollowedItem ReadItem(const SqlStatement& row) {
  FollowedItem item;
  const ByteView id = row.Blob(0);
  std::copy_n(id.begin(), std::min(id.size(), item.id.size()), item.id.begin());
  item.method = EnumFrom<Method>(static_cast<std::uint64_t>(row.Integer(1))).value_or(Method::kRecord);
  item.confidence = row.Integer(2) == 0 ? Confidence::kWeak : Confidence::kSure;
  return item;
}

}  // namespace

std::size_t QuarantineTable::Hasher::operator()(const FollowedItem& item) const {
  std::size_t hash = 0;  // ids are random
  std::memcpy(&hash, item.id.data(), sizeof(hash));
  return hash ^ (static_cast<std::size_t>(item.method) << 1 | static_cast<std::size_t>(item.confidence));
}

std::size_t QuarantineTable::Seen::Note(std::uint64_t value, PacketTime time, Duration window, std::size_t most) {
  const auto known = std::ranges::find(latest, value, &std::pair<std::uint64_t, PacketTime>::first);
  if (known != latest.end()) {
    known->second = std::max(known->second, time);
  } else if (latest.size() < most) {
    latest.emplace_back(value, time);
  } else if (const auto oldest = std::ranges::min_element(latest, {}, [](const auto& one) { return one.second; });
             oldest->second < time) {
    *oldest = {value, time};
  }
  return static_cast<std::size_t>(std::ranges::count_if(
      latest, [&](const auto& one) { return one.second > time - window && one.second < time + window; }));
}

Result<std::unique_ptr<QuarantineTable>> QuarantineTable::Open(Database& database, const config::Limits& limits,
                                                               Counters& counters) {
  std::unique_ptr<QuarantineTable> table(new QuarantineTable(database, limits, counters));
  if (Status status = table->Prepare(); !status) return Fail(status.error());
  if (Status status = table->Load(); !status) return Fail(status.error());
  database.Join(*table);
  return table;
}

Status QuarantineTable::Prepare() {
  return database_.PrepareAll({
      {&select_items_, "SELECT item, method, confidence, collection, severity, since, until, held FROM quarantine"},
      {&upsert_item_,
       "INSERT INTO quarantine VALUES(?1,?2,?3,?4,?5,?6,?7,?8) ON CONFLICT DO UPDATE SET held=excluded.held"},
      {&delete_item_, "DELETE FROM quarantine WHERE item=?1 AND method=?2 AND confidence=?3"},
      {&select_places_, "SELECT item, method, confidence, kind, value, time FROM quarantine_places"},
      {&upsert_place_,
       "INSERT INTO quarantine_places VALUES(?1,?2,?3,?4,?5,?6) ON CONFLICT DO UPDATE SET time=excluded.time"},
      {&delete_places_, "DELETE FROM quarantine_places WHERE item=?1 AND method=?2 AND confidence=?3"},
      {&purge_places_, "DELETE FROM quarantine_places WHERE time<?1"},
  });
}

Status QuarantineTable::Load() {
  quarantined_.clear();
  followed_.clear();
  while (true) {
    const auto row = select_items_.Step();
    if (!row) return Fail(row.error());
    if (!*row) break;
    QuarantinedItem item;
    item.item = ReadItem(select_items_);
    item.collection = select_items_.Text(3);
    item.severity = EnumFrom<Severity>(static_cast<std::uint64_t>(select_items_.Integer(4))).value_or(Severity::kLow);
    item.since = PacketTimeFromNanoseconds(select_items_.Integer(5));
    item.until = PacketTimeFromNanoseconds(select_items_.Integer(6));
    item.held = static_cast<std::uint64_t>(select_items_.Integer(7));
    quarantined_.emplace(item.item, std::move(item));
  }
  while (true) {
    const auto row = select_places_.Step();
    if (!row) return Fail(row.error());
    if (!*row) break;
    Followed& followed = followed_[ReadItem(select_places_)];
    const PacketTime time = PacketTimeFromNanoseconds(select_places_.Integer(5));
    Seen& seen = select_places_.Integer(3) == kFlowPlace ? followed.flows : followed.destinations;
    seen.latest.emplace_back(static_cast<std::uint64_t>(select_places_.Integer(4)), time);
    followed.last = std::max(followed.last, time);
  }
  counters_.Set(Counter::quarantine_items, quarantined_.size());
  return {};
}

const QuarantinedItem* QuarantineTable::Find(const FollowedItem& item, PacketTime time) const {
  const auto found = quarantined_.find(item);
  if (found == quarantined_.end() || time >= found->second.until) return nullptr;
  // Nor long before it began: a replay of what is yet to come, by its clock, mutes nothing today.
  return time < found->second.since - Window() ? nullptr : &found->second;
}

bool QuarantineTable::Observe(const FollowedItem& item, const std::string& collection, Severity severity,
                              const AlertedPlace& place) {
  if (!followed_.contains(item) && !MakeRoom(place.time)) {
    counters_.Add(Counter::quarantine_items_not_followed);
    return false;
  }
  Followed& followed = followed_[item];
  followed.last = std::max(followed.last, place.time);
  if (!followed.changed) changed_followed_.push_back(item);
  followed.changed = true;
  const std::size_t flows = followed.flows.Note(place.flow, place.time, Window(), limits_.quarantine_flows + 1);
  const std::size_t destinations =
      followed.destinations.Note(place.destination, place.time, Window(), limits_.quarantine_destinations + 1);
  if (flows <= limits_.quarantine_flows || destinations <= limits_.quarantine_destinations) return false;
  // An entry whose time is over makes room for the next of the same item; beyond the limit alerts go on as they were.
  if (!quarantined_.contains(item) && quarantined_.size() >= limits_.quarantine_items) {
    counters_.Add(Counter::quarantine_items_over_limit);
    return false;
  }
  const PacketTime until = place.time + std::chrono::seconds(limits_.quarantine_hold_seconds);
  quarantined_.insert_or_assign(item, QuarantinedItem{item, collection, severity, place.time, until, 0});
  counters_.Set(Counter::quarantine_items, quarantined_.size());
  changed_items_.push_back(item);
  followed_.erase(item);
  return true;
}

void QuarantineTable::CountHeld(const FollowedItem& item) {
  const auto found = quarantined_.find(item);
  if (found == quarantined_.end()) return;
  ++found->second.held;
  changed_items_.push_back(item);
}

std::size_t QuarantineTable::Release(const ItemId& id) {
  const std::size_t released = std::erase_if(quarantined_, [&](const auto& entry) {
    if (entry.first.id != id) return false;
    changed_items_.push_back(entry.first);
    return true;
  });
  counters_.Set(Counter::quarantine_items, quarantined_.size());
  return released;
}

std::vector<QuarantinedItem> QuarantineTable::List() const {
  std::vector<QuarantinedItem> items;
  for (const auto& [key, item] : quarantined_) items.push_back(item);
  std::ranges::sort(items,
                    [](const auto& a, const auto& b) { return std::tie(a.since, a.item) < std::tie(b.since, b.item); });
  return items;
}

// When all places are taken, those that no window reaches any more are given up.
bool QuarantineTable::MakeRoom(PacketTime now) {
  if (followed_.size() < limits_.quarantine_items_followed) return true;
  if (now < room_again_) return false;
  std::erase_if(followed_, [&](const auto& entry) { return entry.second.last <= now - Window(); });
  room_again_ = PacketTime::max();
  for (const auto& [item, followed] : followed_) room_again_ = std::min(room_again_, followed.last + Window());
  return followed_.size() < limits_.quarantine_items_followed;
}

Status QuarantineTable::Purge(PacketTime now) {
  if (Status status = database_.Begin(); !status) return status;
  std::erase_if(quarantined_, [&](const auto& entry) {
    if (now < entry.second.until) return false;
    changed_items_.push_back(entry.first);
    return true;
  });
  counters_.Set(Counter::quarantine_items, quarantined_.size());
  std::erase_if(followed_, [&](const auto& entry) { return entry.second.last <= now - Window(); });
  if (Status status = purge_places_.Bind(1, Nanoseconds(now - Window())).Run(); !status) return status;
  return database_.Commit();
}

Status QuarantineTable::WriteItem(const FollowedItem& item) {
  const auto found = quarantined_.find(item);
  if (found == quarantined_.end()) {
    BindItem(delete_item_, item);
    return delete_item_.Run();
  }
  const QuarantinedItem& entry = found->second;
  // A later quarantine of the same item begins anew.
  if (entry.held == 0) {
    BindItem(delete_item_, item);
    if (Status status = delete_item_.Run(); !status) return status;
  }
  BindItem(upsert_item_, item);
  upsert_item_.Bind(4, entry.collection).Bind(5, static_cast<std::int64_t>(entry.severity));
  upsert_item_.Bind(6, Nanoseconds(entry.since)).Bind(7, Nanoseconds(entry.until)).Bind(8, SqlInteger(entry.held));
  return upsert_item_.Run();
}

Status QuarantineTable::WritePlaces(const FollowedItem& item, Followed& followed) {
  followed.changed = false;
  if (followed.destinations.latest.size() < kPlacesWorthKeeping) return {};
  BindItem(delete_places_, item);
  if (Status status = delete_places_.Run(); !status) return status;
  const std::pair<PlaceKind, const Seen*> kinds[] = {{kFlowPlace, &followed.flows},
                                                     {kDestinationPlace, &followed.destinations}};
  for (const auto& [kind, seen] : kinds) {
    for (const auto& [value, time] : seen->latest) {
      BindItem(upsert_place_, item);
      upsert_place_.Bind(4, std::int64_t{kind}).Bind(5, SqlInteger(value)).Bind(6, Nanoseconds(time));
      if (Status status = upsert_place_.Run(); !status) return status;
    }
  }
  return {};
}

Status QuarantineTable::BeforeCommit() {
  for (const FollowedItem& item : changed_items_) {
    if (Status status = WriteItem(item); !status) return status;
    BindItem(delete_places_, item);
    if (Status status = delete_places_.Run(); !status) return status;
  }
  changed_items_.clear();
  for (const FollowedItem& item : changed_followed_) {
    const auto found = followed_.find(item);
    if (found == followed_.end()) continue;
    if (Status status = WritePlaces(item, found->second); !status) return status;
  }
  changed_followed_.clear();
  return {};
}

void QuarantineTable::AfterRollback() noexcept {
  changed_items_.clear();
  changed_followed_.clear();
  // What cannot be read is not in quarantine: then alerts are raised.
  if (!Load()) quarantined_.clear();
}

Duration QuarantineTable::Window() const { return std::chrono::seconds(limits_.quarantine_window_seconds); }

}  // namespace spanwatch::state
