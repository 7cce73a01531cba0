// CorrelationTable: exact distinct counts over sliding windows of packet time, up to months, kept over restarts
// (design.md section 6, State). Implements CorrelationStore for `policy`.
//
// Packet time may leap: a clock that was wrong for a while, a capture of long ago that is replayed. What lies a window
// or more from the latest event of a group, before or behind it, is counted in an era of its own; to an event of one
// era those of another are as far away as if they were another group's. Nothing is lost by a leap, and none makes the
// group deaf until time has caught up.
//
// A group in use lives in memory: value hash to latest time, and a heap of times, so that one observation costs the
// logarithm of the group and never a scan. Changes are written to SQLite when the batch is committed. Groups beyond the
// memory limit are written and dropped, least recently used first, and read again when they are next met. Supervisor
// thread only.
#pragma once

#include <limits>
#include <list>
#include <unordered_map>

#include "config/limits.h"
#include "model/verdict.h"
#include "state/database.h"
#include "telemetry/counters.h"

namespace spanwatch::state {

struct ValueHash {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  friend auto operator<=>(const ValueHash&, const ValueHash&) = default;
};
struct ValueHashHasher {
  std::size_t operator()(const ValueHash& hash) const { return hash.low; }
};
ValueHash HashValue(std::string_view value, std::uint64_t seed);

class CorrelationTable : public CorrelationStore, public BatchParticipant {
 public:
  static Result<std::unique_ptr<CorrelationTable>> Open(Database& database, const config::Limits& limits,
                                                        Counters& counters);

  Result<std::uint64_t> Observe(const std::string& rule_id, const std::string& group_key,
                                std::span<const std::string> values, PacketTime time, Duration window) override;
  // REQUIRES: not in a batch. Removes what no window reaches any more by either clock; returns how many values.
  Result<std::uint64_t> Purge(Clocks now);
  std::size_t values_in_memory() const { return values_in_memory_; }

  Status BeforeCommit() override;
  void AfterRollback() noexcept override;

 private:
  struct TimedValue {
    std::int64_t time = 0;
    ValueHash value;
    friend auto operator<=>(const TimedValue&, const TimedValue&) = default;
  };
  struct Group {
    std::string rule_id;
    std::string group_key;
    std::int64_t row = 0;  // 0 until it was written
    std::int64_t window = 0;
    std::int64_t latest = std::numeric_limits<std::int64_t>::min();
    std::int64_t touched = 0;  // wall clock
    bool changed_header = false;
    bool listed = false;  // in changed_groups_
    std::unordered_map<ValueHash, std::int64_t, ValueHashHasher> latest_times;
    std::vector<TimedValue> heap;     // min-heap by time; entries that the map contradicts are stale
    std::vector<TimedValue> changed;  // to be written
  };
  using GroupList = std::list<Group>;  // most recently used first; of the eras of one group only one

  CorrelationTable(Database& database, const config::Limits& limits, Counters& counters)
      : database_(database), limits_(limits), counters_(counters) {}
  Status Prepare();
  Result<Group*> Find(const std::string& rule_id, const std::string& group_key, std::int64_t time, std::int64_t window);
  Result<Group> FindInFile(const std::string& rule_id, const std::string& group_key, std::int64_t time,
                           std::int64_t window);
  Status Load(Group& group, std::int64_t window);
  Status ChangeWindow(Group& group, std::int64_t window);
  void Note(Group& group, ValueHash value, std::int64_t time);
  void Expire(Group& group);
  void MarkChanged(Group& group);
  Status Write(Group& group);
  void Unload(GroupList::iterator group);
  void Shrink();

  Database& database_;
  const config::Limits& limits_;
  Counters& counters_;
  SqlStatement find_group_, insert_group_, update_group_, load_values_, upsert_value_, purge_idle_, purge_values_,
      purge_groups_;
  GroupList groups_;
  std::vector<Group*> changed_groups_;
  std::unordered_map<std::string, GroupList::iterator> by_key_;
  std::size_t values_in_memory_ = 0;
};

}  // namespace spanwatch::state
