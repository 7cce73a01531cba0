// AlertTable: alerts with their lifecycle and their large sets (AlertStore of model/alert.h). Supervisor thread only.
#pragma once

#include <map>
#include <optional>
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
  // Removes closed alerts whose last event is before `time`.
  Status Purge(PacketTime time);

  Status BeforeCommit() override;
  void AfterRollback() noexcept override;

 private:
  // One set of one alert: value to amount (1 where only its presence counts).
  struct Set {
    std::unordered_map<ValueHash, std::uint64_t, ValueHashHasher> amounts;
    std::uint64_t sum = 0;
    std::vector<ValueHash> changed;
  };
  using SetKey = std::pair<std::string, AlertSet>;

  AlertTable(Database& database, const config::Limits& limits, Counters& counters)
      : database_(database), limits_(limits), counters_(counters) {}
  Status Prepare();
  Result<Set*> Load(const std::string& alert_id, AlertSet set);
  Result<std::vector<Alert>> ReadAll(Statement& statement);

  Database& database_;
  const config::Limits& limits_;
  Counters& counters_;
  Statement save_, select_open_, select_all_, select_one_, load_set_, upsert_value_, delete_set_;
  Statement purge_alerts_, purge_values_;
  std::map<SetKey, Set> sets_;
};

}  // namespace spanwatch::state
