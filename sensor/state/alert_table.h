// AlertTable: alerts with their lifecycle and their large sets (AlertStore of model/alert.h). Supervisor thread only.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <unordered_map>

#include "model/alert.h"
#include "state/correlation_table.h"
#include "state/database.h"

namespace spanwatch::state {

class AlertTable : public AlertStore, public BatchParticipant {
 public:
  static Result<std::unique_ptr<AlertTable>> Open(Database& database, const config::Limits& limits, Counters& counters);

  Result<std::vector<Alert>> OpenAlerts() override;
  Status Save(const Alert& alert) override;
  Result<std::uint64_t> AddDistinct(const std::string& alert_id, AlertSet set,
                                    std::span<const std::string> values) override;
  Result<std::uint64_t> AddAmount(const std::string& alert_id, AlertSet set, const std::string& key,
                                  std::uint64_t amount) override;

  // For the command line: newest first.
  Result<std::vector<Alert>> List(std::size_t limit);
  Result<std::optional<Alert>> Find(const std::string& alert_id);
  // Removes closed alerts whose last event both clocks call older; returns how many.
  Result<std::uint64_t> Purge(Clocks before);

  Status BeforeCommit() override;
  void AfterRollback() noexcept override;

 private:
  // One set of one alert: value to amount (1 where only its presence counts).
  struct Set {
    std::unordered_map<ValueHash, std::uint64_t, ValueHashHasher> amounts;
    std::uint64_t sum = 0;
    std::vector<ValueHash> changed;  // to be written
  };
  using SetKey = std::pair<std::int64_t, AlertSet>;  // hash of the alert's id

  AlertTable(Database& database, const config::Limits& limits, Counters& counters)
      : database_(database), limits_(limits), counters_(counters) {}
  Status Prepare();
  Result<Set*> Load(SetKey key);
  void Raise(SetKey key, Set& set, const std::string& value, std::uint64_t amount);
  Result<std::vector<Alert>> ReadAll(SqlStatement& statement);

  Database& database_;
  const config::Limits& limits_;
  Counters& counters_;
  SqlStatement save_, select_open_, select_all_, select_one_, load_set_, upsert_value_, delete_sets_, purge_;
  std::map<SetKey, Set> sets_;
  std::set<SetKey> changed_sets_;
  std::vector<std::int64_t> closed_;  // whose sets are dropped with the next commit
};

}  // namespace spanwatch::state
