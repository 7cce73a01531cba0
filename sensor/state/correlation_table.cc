#include "state/correlation_table.h"

#include <algorithm>
#include <cstring>
#include <functional>

#include <xxhash.h>

#include "base/check.h"

namespace spanwatch::state {
namespace {

constexpr std::size_t kGroupCost = 8;  // an empty group in memory weighs about as much as so many values
constexpr std::int64_t kPurgeSlack = Duration(std::chrono::hours(24)).count();  // packets may come late

std::string MapKey(const std::string& rule_id, const std::string& group_key) {
  return fmt::format("{}:{}{}", rule_id.size(), rule_id, group_key);
}

ByteView AsBlob(const ValueHash& hash) { return {reinterpret_cast<const std::uint8_t*>(&hash), sizeof(hash)}; }

}  // namespace

ValueHash HashValue(std::string_view value, std::uint64_t seed) {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(value.data(), value.size(), seed);
  return {hash.low64, hash.high64};
}

Result<std::unique_ptr<CorrelationTable>> CorrelationTable::Open(Database& database, const config::Limits& limits,
                                                                 Counters& counters) {
  std::unique_ptr<CorrelationTable> table(new CorrelationTable(database, limits, counters));
  if (Status status = table->Prepare(); !status) return Fail(status.error());
  database.Join(*table);
  return table;
}

Status CorrelationTable::Prepare() {
  return database_.PrepareAll({
      {&find_group_,
       "SELECT row, window, latest, touched FROM correlation_groups "
       "WHERE rule=?1 AND group_key=?2 AND latest>?3 AND latest<?4 ORDER BY latest DESC LIMIT 1"},
      {&insert_group_,
       "INSERT INTO correlation_groups SELECT NULL,?1,?2,1+COALESCE(MAX(era),0),?3,?4,?5 "
       "FROM correlation_groups WHERE rule=?1 AND group_key=?2"},
      {&update_group_, "UPDATE correlation_groups SET window=?2, latest=?3, touched=?4 WHERE row=?1"},
      {&load_values_, "SELECT value, time FROM correlation_values WHERE group_row=?1 AND time>?2"},
      {&upsert_value_, "INSERT INTO correlation_values VALUES(?1,?2,?3) ON CONFLICT DO UPDATE SET time=excluded.time"},
      {&purge_idle_,
       "DELETE FROM correlation_values WHERE group_row IN "
       "(SELECT row FROM correlation_groups WHERE latest+window<?1 AND touched+window<?2)"},
      {&purge_groups_, "DELETE FROM correlation_groups WHERE latest+window<?1 AND touched+window<?2"},
      {&purge_values_,
       "DELETE FROM correlation_values WHERE time<="
       "(SELECT latest-window FROM correlation_groups WHERE row=group_row)"},
  });
}

Result<std::uint64_t> CorrelationTable::Observe(const std::string& rule_id, const std::string& group_key,
                                                std::span<const std::string> values, PacketTime time, Duration window) {
  const std::int64_t at = Nanoseconds(time);
  auto found = Find(rule_id, group_key, at, window.count());
  if (!found) return Fail(found.error());
  Group& group = **found;
  group.touched = Nanoseconds(WallClockNow());
  if (group.window != window.count()) {
    if (Status status = ChangeWindow(group, window.count()); !status) return Fail(status.error());
  }
  if (at > group.latest) {
    group.latest = at;
    group.changed_header = true;
    MarkChanged(group);
  }
  for (const std::string& value : values) Note(group, HashValue(value, database_.hash_seed()), at);
  Expire(group);
  return group.latest_times.size();
}

// The era of the group that the time lies in; a new one when it lies in none.
Result<CorrelationTable::Group*> CorrelationTable::Find(const std::string& rule_id, const std::string& group_key,
                                                        std::int64_t time, std::int64_t window) {
  const std::string key = MapKey(rule_id, group_key);
  if (const auto found = by_key_.find(key); found != by_key_.end()) {
    Group& known = *found->second;
    const bool unused = known.latest == std::numeric_limits<std::int64_t>::min();
    if (unused || (time > known.latest - window && time < known.latest + window)) {
      groups_.splice(groups_.begin(), groups_, found->second);
      return &groups_.front();
    }
    if (Status status = Write(known); !status) return Fail(status.error());
    if (known.listed) std::erase(changed_groups_, &known);
    Unload(found->second);
  }
  auto group = FindInFile(rule_id, group_key, time, window);
  if (!group) return Fail(group.error());
  groups_.push_front(std::move(*group));
  by_key_[key] = groups_.begin();
  return &groups_.front();
}

Result<CorrelationTable::Group> CorrelationTable::FindInFile(const std::string& rule_id, const std::string& group_key,
                                                             std::int64_t time, std::int64_t window) {
  Group group;
  group.rule_id = rule_id;
  group.group_key = group_key;
  const auto row = find_group_.Bind(1, rule_id).Bind(2, group_key).Bind(3, time - window).Bind(4, time + window).Step();
  if (!row) return Fail(row.error());
  if (!*row) return group;
  group.row = find_group_.Integer(0);
  group.latest = find_group_.Integer(2);
  group.touched = find_group_.Integer(3);
  const std::int64_t its_window = find_group_.Integer(1);
  find_group_.Reset();
  if (Status status = Load(group, its_window); !status) return Fail(status.error());
  return group;
}

Status CorrelationTable::Load(Group& group, std::int64_t window) {
  group.window = window;
  load_values_.Bind(1, group.row).Bind(2, group.latest - window);
  while (true) {
    const auto row = load_values_.Step();
    if (!row) return Fail(row.error());
    if (!*row) break;
    const ByteView blob = load_values_.Blob(0);
    TimedValue entry{load_values_.Integer(1), {}};
    std::memcpy(&entry.value, blob.data(), std::min(blob.size(), sizeof(entry.value)));
    if (group.latest_times.emplace(entry.value, entry.time).second) {
      group.heap.push_back(entry);
      ++values_in_memory_;
    }
  }
  std::ranges::make_heap(group.heap, std::greater<>());
  return {};
}

// A rule was changed. The file may hold values that the old window had let go of, as far as no purge came by.
Status CorrelationTable::ChangeWindow(Group& group, std::int64_t window) {
  MarkChanged(group);
  if (group.row == 0 && group.latest_times.empty()) {
    group.window = window;
    return {};
  }
  if (Status status = Write(group); !status) return status;
  values_in_memory_ -= group.latest_times.size();
  group.latest_times.clear();
  group.heap.clear();
  group.changed_header = true;
  return Load(group, window);
}

void CorrelationTable::Note(Group& group, ValueHash value, std::int64_t time) {
  if (time <= group.latest - group.window) return;
  const auto found = group.latest_times.find(value);
  if (found == group.latest_times.end()) {
    if (group.latest_times.size() >= limits_.state_correlation_values_per_group) {
      counters_.Add(Counter::correlation_values_refused);
      return;
    }
    group.latest_times.emplace(value, time);
    ++values_in_memory_;
  } else {
    if (time <= found->second) return;
    found->second = time;
  }
  group.heap.push_back({time, value});
  std::ranges::push_heap(group.heap, std::greater<>());
  group.changed.push_back({time, value});
  MarkChanged(group);
  if (group.heap.size() > 2 * group.latest_times.size() + 64) {
    group.heap.clear();
    for (const auto& [hash, latest] : group.latest_times) group.heap.push_back({latest, hash});
    std::ranges::make_heap(group.heap, std::greater<>());
  }
}

void CorrelationTable::Expire(Group& group) {
  const std::int64_t edge = group.latest - group.window;
  while (!group.heap.empty() && group.heap.front().time <= edge) {
    std::ranges::pop_heap(group.heap, std::greater<>());
    const TimedValue oldest = group.heap.back();
    group.heap.pop_back();
    const auto found = group.latest_times.find(oldest.value);
    if (found != group.latest_times.end() && found->second == oldest.time) {
      group.latest_times.erase(found);
      --values_in_memory_;
    }
  }
}

void CorrelationTable::MarkChanged(Group& group) {
  if (group.listed) return;
  group.listed = true;
  changed_groups_.push_back(&group);
}

Status CorrelationTable::Write(Group& group) {
  if (group.row == 0) {
    insert_group_.Bind(1, group.rule_id).Bind(2, group.group_key).Bind(3, group.window).Bind(4, group.latest);
    if (Status status = insert_group_.Bind(5, group.touched).Run(); !status) return status;
    group.row = database_.inserted_row();
  } else if (group.changed_header) {
    update_group_.Bind(1, group.row).Bind(2, group.window).Bind(3, group.latest).Bind(4, group.touched);
    if (Status status = update_group_.Run(); !status) return status;
  }
  group.changed_header = false;
  for (const TimedValue& entry : group.changed) {
    const auto found = group.latest_times.find(entry.value);
    if (found == group.latest_times.end() || found->second != entry.time) continue;  // outlived within the batch
    Status status = upsert_value_.Bind(1, group.row).Bind(2, AsBlob(entry.value)).Bind(3, entry.time).Run();
    if (!status) return status;
  }
  group.changed.clear();
  return {};
}

Status CorrelationTable::BeforeCommit() {
  for (Group* group : changed_groups_) {
    if (Status status = Write(*group); !status) return status;
    group->listed = false;
  }
  changed_groups_.clear();
  Shrink();
  return {};
}

void CorrelationTable::Shrink() {
  while (!groups_.empty() &&
         values_in_memory_ + kGroupCost * groups_.size() > limits_.state_correlation_values_in_memory) {
    counters_.Add(Counter::correlation_groups_unloaded);
    Unload(std::prev(groups_.end()));
  }
}

void CorrelationTable::Unload(GroupList::iterator group) {
  values_in_memory_ -= group->latest_times.size();
  by_key_.erase(MapKey(group->rule_id, group->group_key));
  groups_.erase(group);
}

void CorrelationTable::AfterRollback() noexcept {
  groups_.clear();
  by_key_.clear();
  changed_groups_.clear();
  values_in_memory_ = 0;
}

Result<std::uint64_t> CorrelationTable::Purge(Clocks now) {
  CHECK(changed_groups_.empty());
  const std::int64_t packet = Nanoseconds(now.packet) - kPurgeSlack;
  const std::int64_t wall = Nanoseconds(now.wall) - kPurgeSlack;
  for (auto group = groups_.begin(); group != groups_.end();) {
    const auto next = std::next(group);
    if (group->latest + group->window < packet && group->touched + group->window < wall) Unload(group);
    group = next;
  }
  const auto idle = database_.Remove(purge_idle_.Bind(1, packet).Bind(2, wall));
  if (!idle) return Fail(idle.error());
  if (auto groups = database_.Remove(purge_groups_.Bind(1, packet).Bind(2, wall)); !groups) {
    return Fail(groups.error());
  }
  const auto out_of_window = database_.Remove(purge_values_);
  if (!out_of_window) return Fail(out_of_window.error());
  return *idle + *out_of_window;
}

}  // namespace spanwatch::state
