#include "state/alert_table.h"

#include <algorithm>
#include <cstring>

#include "state/alert_codec.h"

namespace spanwatch::state {
namespace {

std::int64_t AlertKey(const std::string& alert_id) { return static_cast<std::int64_t>(HashValue(alert_id, 0).low); }

}  // namespace

Result<std::unique_ptr<AlertTable>> AlertTable::Open(Database& database, const config::Limits& limits,
                                                     Counters& counters) {
  std::unique_ptr<AlertTable> table(new AlertTable(database, limits, counters));
  if (Status status = table->Prepare(); !status) return Fail(status.error());
  database.Join(*table);
  return table;
}

Status AlertTable::Prepare() {
  return database_.PrepareAll({
      {&save_,
       "INSERT INTO alerts VALUES(?1,?2,?3,?4,?5,?6,?7,?8) ON CONFLICT DO UPDATE SET state=excluded.state, "
       "severity=excluded.severity, last=excluded.last, document=excluded.document, touched=excluded.touched"},
      {&select_open_, "SELECT document FROM alerts WHERE state IN ('opened','updated') ORDER BY group_key"},
      {&select_all_, "SELECT document FROM alerts ORDER BY last DESC, id LIMIT ?1"},
      {&select_one_, "SELECT document FROM alerts WHERE id=?1"},
      {&load_set_, "SELECT value, amount FROM alert_values WHERE alert_key=?1 AND kind=?2"},
      {&upsert_value_, "INSERT INTO alert_values VALUES(?1,?2,?3,?4) ON CONFLICT DO UPDATE SET amount=excluded.amount"},
      {&delete_sets_, "DELETE FROM alert_values WHERE alert_key=?1"},
      {&purge_, "DELETE FROM alerts WHERE state='closed' AND last<?1 AND touched<?2"},
  });
}

Result<std::vector<Alert>> AlertTable::ReadAll(SqlStatement& statement) {
  std::vector<Alert> alerts;
  while (true) {
    const auto row = statement.Step();
    if (!row) return Fail(row.error());
    if (!*row) return alerts;
    auto alert = DecodeAlert(statement.Text(0));
    if (!alert) {
      statement.Reset();
      return Fail(alert.error());
    }
    alerts.push_back(std::move(*alert));
  }
}

Result<std::vector<Alert>> AlertTable::OpenAlerts() { return ReadAll(select_open_); }

Result<std::vector<Alert>> AlertTable::List(std::size_t limit) {
  return ReadAll(select_all_.Bind(1, static_cast<std::int64_t>(limit)));
}

Result<std::optional<Alert>> AlertTable::Find(const std::string& alert_id) {
  auto alerts = ReadAll(select_one_.Bind(1, alert_id));
  if (!alerts) return Fail(alerts.error());
  if (alerts->empty()) return std::nullopt;
  return std::move(alerts->front());
}

Status AlertTable::Save(const Alert& alert) {
  if (alert.state == AlertState::kClosed) closed_.push_back(AlertKey(alert.id));
  save_.Bind(1, alert.id)
      .Bind(2, GroupKey(alert.group))
      .Bind(3, ToString(alert.state))
      .Bind(4, ToString(alert.severity));
  save_.Bind(5, Nanoseconds(alert.opened)).Bind(6, Nanoseconds(alert.last)).Bind(7, EncodeAlert(alert));
  return save_.Bind(8, Nanoseconds(WallClockNow())).Run();
}

Result<std::uint64_t> AlertTable::AddDistinct(const std::string& alert_id, AlertSet kind,
                                              std::span<const std::string> values) {
  const SetKey key{AlertKey(alert_id), kind};
  auto set = Load(key);
  if (!set) return Fail(set.error());
  for (const std::string& value : values) Raise(key, **set, value, 1);
  return (*set)->amounts.size();
}

Result<std::uint64_t> AlertTable::AddAmount(const std::string& alert_id, AlertSet kind, const std::string& value,
                                            std::uint64_t amount) {
  const SetKey key{AlertKey(alert_id), kind};
  auto set = Load(key);
  if (!set) return Fail(set.error());
  Raise(key, **set, value, amount);
  return (*set)->sum;
}

void AlertTable::Raise(SetKey key, Set& set, const std::string& value, std::uint64_t amount) {
  const ValueHash hash = HashValue(value, database_.hash_seed());
  const auto found = set.amounts.find(hash);
  if (found == set.amounts.end()) {
    if (set.amounts.size() >= limits_.state_alert_set_values) {
      counters_.Add(Counter::alert_values_refused);
      return;
    }
    set.amounts.emplace(hash, amount);
    set.sum += amount;
  } else {
    if (amount <= found->second) return;
    set.sum += amount - found->second;
    found->second = amount;
  }
  set.changed.push_back(hash);
  changed_sets_.insert(key);
}

Result<AlertTable::Set*> AlertTable::Load(SetKey key) {
  if (const auto found = sets_.find(key); found != sets_.end()) return &found->second;
  Set set;
  load_set_.Bind(1, key.first).Bind(2, static_cast<std::int64_t>(key.second));
  while (true) {
    const auto row = load_set_.Step();
    if (!row) return Fail(row.error());
    if (!*row) break;
    ValueHash hash;
    const ByteView blob = load_set_.Blob(0);
    std::memcpy(&hash, blob.data(), std::min(blob.size(), sizeof(hash)));
    const auto amount = static_cast<std::uint64_t>(load_set_.Integer(1));
    set.amounts.emplace(hash, amount);
    set.sum += amount;
  }
  return &sets_.emplace(key, std::move(set)).first->second;
}

Status AlertTable::BeforeCommit() {
  for (const SetKey& key : changed_sets_) {
    Set& set = sets_.at(key);
    for (const ValueHash& hash : set.changed) {
      upsert_value_.Bind(1, key.first).Bind(2, static_cast<std::int64_t>(key.second));
      upsert_value_.Bind(3, ByteView(reinterpret_cast<const std::uint8_t*>(&hash), sizeof(hash)));
      Status status = upsert_value_.Bind(4, static_cast<std::int64_t>(set.amounts.at(hash))).Run();
      if (!status) return status;
    }
    set.changed.clear();
  }
  changed_sets_.clear();
  for (const std::int64_t alert_key : closed_) {
    if (Status status = delete_sets_.Bind(1, alert_key).Run(); !status) return status;
    auto set = sets_.lower_bound({alert_key, AlertSet{}});
    while (set != sets_.end() && set->first.first == alert_key) set = sets_.erase(set);
  }
  closed_.clear();
  return {};
}

void AlertTable::AfterRollback() noexcept {
  sets_.clear();
  changed_sets_.clear();
  closed_.clear();
}

Result<std::uint64_t> AlertTable::Purge(Clocks before) {
  return database_.Remove(purge_.Bind(1, Nanoseconds(before.packet)).Bind(2, Nanoseconds(before.wall)));
}

}  // namespace spanwatch::state
