// QuarantineTable: registered items that match everywhere, and how far the others are on their way there (design.md
// section 8). Kept over restarts. Supervisor thread only.
//
// An item is followed as it was recognised: by method and confidence, so that a flood of look-alikes says nothing of a
// later exact copy. It is quarantined once more than quarantine.flows flows to more than quarantine.destinations
// addresses raised an alert about it within quarantine.window_seconds; for quarantine.hold_seconds, or until released.
#pragma once

#include <optional>
#include <unordered_map>

#include "config/limits.h"
#include "model/match.h"
#include "model/verdict.h"
#include "state/database.h"
#include "telemetry/counters.h"

namespace spanwatch::state {

struct FollowedItem {
  ItemId id{};
  Method method = Method::kExact;
  Confidence confidence = Confidence::kWeak;
  friend auto operator<=>(const FollowedItem&, const FollowedItem&) = default;
};

struct QuarantinedItem {
  FollowedItem item;
  std::string collection;
  Severity severity = Severity::kLow;  // of the alerts it raised before
  PacketTime since;
  PacketTime until;
  std::uint64_t held = 0;  // sightings that raised no alert of their own
};

// One sighting of an item that raised an alert. `flow` and `destination` are numbers that tell them apart.
struct AlertedPlace {
  std::uint64_t flow = 0;
  std::uint64_t destination = 0;
  PacketTime time;
};

class QuarantineTable : public BatchParticipant {
 public:
  static Result<std::unique_ptr<QuarantineTable>> Open(Database& database, const config::Limits& limits,
                                                       Counters& counters);

  // Null when it is not in quarantine at that time. Valid until the next call.
  const QuarantinedItem* Find(const FollowedItem& item, PacketTime time) const;
  // An item not in quarantine raised an alert of this severity there. True: with that it is quarantined.
  bool Observe(const FollowedItem& item, const std::string& collection, Severity severity, const AlertedPlace& place);
  void CountHeld(const FollowedItem& item);
  // Lets go of an item however it was recognised; it is followed from nothing. Returns how many entries that were.
  std::size_t Release(const ItemId& id);

  std::vector<QuarantinedItem> List() const;
  // REQUIRES: not in a batch. Lifts what is over and forgets what no window reaches any more.
  Status Purge(PacketTime now);

  Status BeforeCommit() override;
  void AfterRollback() noexcept override;

 private:
  // The latest time of each value, as many as are needed to be too many.
  struct Seen {
    std::vector<std::pair<std::uint64_t, PacketTime>> latest;
    // Returns how many lie in the window.
    std::size_t Note(std::uint64_t value, PacketTime time, Duration window, std::size_t most);
  };
  struct Followed {
    Seen flows;
    Seen destinations;
    PacketTime last;
    bool changed = false;
  };
  struct Hasher {
    std::size_t operator()(const FollowedItem& item) const;
  };

  QuarantineTable(Database& database, const config::Limits& limits, Counters& counters)
      : database_(database), limits_(limits), counters_(counters) {}
  Status Prepare();
  Status Load();
  bool MakeRoom(PacketTime now);
  Status WriteItem(const FollowedItem& item);
  Status WritePlaces(const FollowedItem& item, Followed& followed);
  Duration Window() const;

  Database& database_;
  const config::Limits& limits_;
  Counters& counters_;
  SqlStatement select_items_, upsert_item_, delete_item_, select_places_, upsert_place_, delete_places_, purge_places_;
  std::unordered_map<FollowedItem, QuarantinedItem, Hasher> quarantined_;
  std::unordered_map<FollowedItem, Followed, Hasher> followed_;
  PacketTime room_again_ = PacketTime::min();   // when followed_ is full: nothing of it is over before
  std::vector<FollowedItem> changed_items_;     // of quarantined_, also those that left it
  std::vector<FollowedItem> changed_followed_;  // of followed_
};

}  // namespace spanwatch::state
