// FloodQuarantine: an item that suddenly matches everywhere raises one alert of its own instead of one for each place
// (design.md section 8). Supervisor thread only, inside a batch of the state; the counts are the QuarantineTable's.
//
// Why it is no way round the sensor: an item gets there only by alerts that were raised, one for each of many flows to
// many addresses, none of them authorised; what raises no alert counts nothing. It is quarantined as it was recognised
// (method and confidence), so that a flood of look-alikes leaves the exact copy alone. One item of a sighting that is
// not in quarantine is enough for the sighting to be judged as any other. What is held is recorded, marked, counted,
// and added to the quarantine's own alert, which keeps the severity of the alerts it stands for and tells of every
// further destination. At every limit the alerts are raised.
#pragma once

#include <optional>

#include "model/sighting.h"
#include "state/quarantine_table.h"

namespace spanwatch::supervisor {

struct QuarantineAlert {
  Sighting sighting;  // with the quarantined items alone
  Verdict verdict;    // one match, one group for each collection
};

class FloodQuarantine {
 public:
  explicit FloodQuarantine(state::QuarantineTable& table) : table_(table) {}

  // The items that are in quarantine.
  std::vector<SightedItem> HeldOf(const Sighting& sighting) const;
  // Notes the sighting, which was judged so. Returns what the quarantine has to say: something was held, or has just
  // been quarantined.
  std::optional<QuarantineAlert> OnSighting(const Sighting& sighting, const std::vector<SightedItem>& held,
                                            const Verdict& verdict);

 private:
  state::QuarantineTable& table_;
};

}  // namespace spanwatch::supervisor
