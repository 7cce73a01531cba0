// FlowSightings: turns the matches of one flow's objects into sightings (design.md sections 6 and 9.3). One inspector
// thread.
//
// An item counts once per direction of a flow, by its best evidence: confidence first, then method; what was seen one
// way says nothing of what goes the other way. A sighting tells the facts of its object's exchange. An object's
// sighting is told early when its evidence is certain and the object goes on for longer, and completed at the object's
// end. What was found in the raw stream of a direction is completed at the end of the flow, and only where nothing that
// a parser opened showed the same item at least as well; so the result does not depend on how the stream was cut into
// segments.
//
// Lifetime: made when a flow begins, Finish() when it ends; references outlive it.
#pragma once

#include <array>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <set>

#include "config/limits.h"
#include "model/object.h"
#include "model/sighting.h"
#include "telemetry/counters.h"

namespace spanwatch::inspector {

class FlowSightings;

// The evidence gathered in one object. Owned by FlowSightings from Begin until it is told.
class ObjectEvidence : public MatchSink {
 public:
  // `flow`, `index` and `counters` outlive the evidence.
  ObjectEvidence(const ObjectContext& context, bool in_raw_stream, const FingerprintIndex& index, Counters& counters,
                 FlowSightings& flow);

  // A match of a negative bank is kept from being told, and so is what it explains: a file known as harmless explains
  // everything found in it, a picture every match of its looks or data, a look-alike only what looks less like it.
  void OnMatch(const Match& match) noexcept override;
  void OnRecordEvidence(const RecordEvidence& evidence) noexcept override;
  void OnArchiveEvidence(const ArchiveEvidence& evidence) noexcept override;
  bool AlreadyNamed() const noexcept override { return named_; }
  // A match of another item that a negative bank explains, as far as is known by now.
  bool IsHarmless(const Match& match) const;

  bool empty() const { return matches_.empty(); }

 private:
  friend class FlowSightings;

  void OnNegative(const Match& match);

  using Place = std::list<ObjectEvidence>::iterator;
  struct Deadline {
    PacketTime time;
    ObjectEvidence* evidence = nullptr;
  };

  // What outlives the ObjectContext.
  ObjectInfo info_;
  Provenance provenance_;
  Direction direction_;
  std::uint32_t object_id_;
  bool evasive_;
  bool in_raw_stream_;
  std::uint64_t bytes_ = 0;
  std::string sniffed_type_;
  std::optional<Sha256Digest> sha256_;

  std::map<ItemRef, Match> matches_;  // the best of each item
  std::set<ItemRef> untold_;          // matched for certain, and in no early sighting yet
  std::set<ItemRef> told_;            // in an early sighting
  std::optional<RecordEvidence> records_;
  // What negative banks know of this object.
  bool harmless_file_ = false;
  bool harmless_picture_ = false;
  std::uint16_t harmless_distance_ = UINT16_MAX;
  const FingerprintIndex& index_;
  Counters& counters_;
  std::optional<ArchiveEvidence> archive_;
  bool named_ = false;
  FlowSightings& flow_;
  Place place_;                                            // in the list of the flow that it is in
  std::optional<std::list<Deadline>::iterator> deadline_;  // while something is untold
  ObjectEnd end_ = ObjectEnd::kTruncated;
};

class FlowSightings {
 public:
  struct Context {
    const FingerprintIndex& index;
    const config::Limits& limits;
    Counters& counters;
    InspectorSink& sink;
    const PacketTime& now;                            // of the flow
    std::function<FlowSummary(Direction)> summarise;  // the flow as events show it
    // What was sent in this direction, against the collection of an item.
    std::function<PictureEvidence(Direction, ItemRef)> weigh;
  };

  explicit FlowSightings(Context context) : context_(std::move(context)) {}
  FlowSightings(const FlowSightings&) = delete;
  FlowSightings& operator=(const FlowSightings&) = delete;

  // The evidence lives until Complete or Finish.
  ObjectEvidence& Begin(const ObjectContext& object, bool in_raw_stream);
  void SetContent(ObjectEvidence& evidence, std::string media_type, std::optional<Sha256Digest> sha256,
                  std::uint64_t bytes);
  // The object ended.
  void Complete(ObjectEvidence& evidence, ObjectEnd end, PacketTime now);
  // Tells what has been certain for long enough. Called while the flow runs; costs what it tells.
  void TellEarly(PacketTime now);
  // When TellEarly has something to do; nothing when it has not. Asked after every packet: constant time.
  std::optional<PacketTime> next_deadline() const {
    return deadlines_.empty() ? std::nullopt : std::optional(deadlines_.front().time);
  }
  // Something of this direction was told as complete.
  bool Told(Direction direction) const { return !items_[Index(direction)].empty(); }
  // The flow ended; every object has been completed.
  void Finish(PacketTime now);

 private:
  friend class ObjectEvidence;
  using Selected = std::vector<const Match*>;
  using Deadline = ObjectEvidence::Deadline;

  // `evidence` has something to tell early, when the delay is over.
  void Schedule(ObjectEvidence& evidence);
  void Unschedule(ObjectEvidence& evidence);
  void TellComplete(ObjectEvidence& evidence, PacketTime now);
  void Emit(const ObjectEvidence& evidence, const Selected& matches, SightingPhase phase, PacketTime now);

  struct Known {
    std::pair<int, int> rank;  // confidence, then method: smaller is better
    std::vector<Provenance> provenances;
  };

  Context context_;
  // The delay is the same for all, so they stand in the order of their times.
  std::list<Deadline> deadlines_;
  std::list<ObjectEvidence> open_;                 // objects still running
  std::list<ObjectEvidence> held_;                 // ended, found in the raw stream: told at the end of the flow
  std::array<std::map<ItemRef, Known>, 2> items_;  // told as complete, by direction
};

}  // namespace spanwatch::inspector
