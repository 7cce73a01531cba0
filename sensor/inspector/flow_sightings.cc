#include "inspector/flow_sightings.h"

#include <algorithm>
#include <iterator>
#include <tuple>

namespace spanwatch::inspector {
namespace {

constexpr std::size_t kProvenancesMax = 8;

// Confidence, then method: smaller is better.
std::pair<int, int> Rank(const Match& match) {
  return {match.confidence == Confidence::kSure ? 0 : 1, static_cast<int>(match.method)};
}

// What was seen at `place` was seen before, in an object opened from it: the same bytes, not another copy.
bool SeenInside(const std::vector<Provenance>& seen, const Provenance& place) {
  return std::ranges::any_of(seen, [&](const Provenance& other) {
    return other.size() >= place.size() && std::equal(place.begin(), place.end(), other.begin());
  });
}

}  // namespace

ObjectEvidence::ObjectEvidence(const ObjectContext& context, bool in_raw_stream, const FingerprintIndex& index,
                               Counters& counters, FlowSightings& flow)
    : info_(*context.info),
      provenance_(*context.provenance),
      direction_(context.direction),
      object_id_(context.id),
      evasive_(context.evasive),
      in_raw_stream_(in_raw_stream),
      index_(index),
      counters_(counters),
      flow_(flow) {}

void ObjectEvidence::OnMatch(const Match& match) noexcept {
  if (index_.Item(match.item).negative) return OnNegative(match);
  if (IsHarmless(match)) return counters_.Add(Counter::matches_negative);
  const auto [place, inserted] = matches_.try_emplace(match.item, match);
  if (!inserted && (place->second.method == match.method || Rank(match) < Rank(place->second))) place->second = match;
  if (match.method == Method::kExact || (match.method == Method::kFragment && match.confidence == Confidence::kSure)) {
    named_ = true;
  }
  if (place->second.confidence != Confidence::kSure || told_.contains(match.item)) return;
  if (untold_.insert(match.item).second) flow_.Schedule(*this);
}

void ObjectEvidence::OnNegative(const Match& match) {
  counters_.Add(Counter::negative_matches);
  if (match.method == Method::kExact) {
    (match.image_data ? harmless_picture_ : harmless_file_) = true;
    named_ = true;  // the picture need not be decoded
  } else if (match.method == Method::kPerceptual) {
    harmless_distance_ = std::min(harmless_distance_, match.distance);
  }
  const std::size_t taken_away = std::erase_if(matches_, [&](const auto& entry) { return IsHarmless(entry.second); });
  counters_.Add(Counter::matches_negative, taken_away);
}

// Metadata may hide what the picture's digest does not cover, so fragments and records outlive a harmless picture.
bool ObjectEvidence::IsHarmless(const Match& match) const {
  if (harmless_file_) return true;
  if (match.method == Method::kExact) return harmless_picture_;
  return match.method == Method::kPerceptual && (harmless_picture_ || match.distance >= harmless_distance_);
}

void ObjectEvidence::OnRecordEvidence(const RecordEvidence& evidence) noexcept { records_ = evidence; }

void ObjectEvidence::OnArchiveEvidence(const ArchiveEvidence& evidence) noexcept { archive_ = evidence; }

ObjectEvidence& FlowSightings::Begin(const ObjectContext& object, bool in_raw_stream) {
  ObjectEvidence& evidence = open_.emplace_back(object, in_raw_stream, context_.index, context_.counters, *this);
  evidence.place_ = std::prev(open_.end());
  return evidence;
}

void FlowSightings::Schedule(ObjectEvidence& evidence) {
  if (evidence.deadline_) return;
  const auto delay = std::chrono::milliseconds(context_.limits.inspector_first_sighting_delay_ms);
  evidence.deadline_ = deadlines_.insert(deadlines_.end(), {context_.now + delay, &evidence});
}

void FlowSightings::Unschedule(ObjectEvidence& evidence) {
  if (evidence.deadline_) deadlines_.erase(*evidence.deadline_);
  evidence.deadline_.reset();
}

void FlowSightings::SetContent(ObjectEvidence& evidence, std::string media_type, std::optional<Sha256Digest> sha256,
                               std::uint64_t bytes) {
  evidence.sniffed_type_ = std::move(media_type);
  evidence.sha256_ = sha256;
  evidence.bytes_ = bytes;
}

void FlowSightings::Complete(ObjectEvidence& evidence, ObjectEnd end, PacketTime now) {
  evidence.end_ = end;
  if (!evidence.empty() && evidence.in_raw_stream_) return held_.splice(held_.end(), open_, evidence.place_);
  if (!evidence.empty()) TellComplete(evidence, now);
  Unschedule(evidence);
  open_.erase(evidence.place_);
}

void FlowSightings::TellComplete(ObjectEvidence& evidence, PacketTime now) {
  Selected selected;
  auto& items = items_[Index(evidence.direction_)];
  for (const auto& [item, match] : evidence.matches_) {
    if (items.size() >= context_.limits.inspector_items_per_flow && !items.contains(item)) {
      context_.counters.Add(Counter::items_over_limit);
      selected.push_back(&match);  // told all the same; only the memory of it is given up
      continue;
    }
    const auto rank = Rank(match);
    const auto [place, first] = items.try_emplace(item, Known{rank, {}});
    Known& known = place->second;
    const bool better = rank < known.rank;
    const bool repeat = !first && !better;
    if (repeat && (evidence.in_raw_stream_ || known.provenances.size() >= kProvenancesMax ||
                   SeenInside(known.provenances, evidence.provenance_))) {
      context_.counters.Add(Counter::sightings_repeated);
      continue;
    }
    known.rank = std::min(known.rank, rank);
    if (known.provenances.size() < kProvenancesMax) known.provenances.push_back(evidence.provenance_);
    selected.push_back(&match);
  }
  Emit(evidence, selected, SightingPhase::kComplete, now);
}

void FlowSightings::TellEarly(PacketTime now) {
  while (!deadlines_.empty() && deadlines_.front().time <= now) {
    ObjectEvidence& evidence = *deadlines_.front().evidence;
    Unschedule(evidence);  // more items of the same object are told in batches
    Selected selected;
    const auto& items = items_[Index(evidence.direction_)];
    for (const ItemRef item : evidence.untold_) {
      const auto match = evidence.matches_.find(item);
      if (match == evidence.matches_.end() || match->second.confidence != Confidence::kSure) continue;  // taken back
      const auto known = items.find(item);
      if (known != items.end() && known->second.rank <= Rank(match->second)) continue;
      evidence.told_.insert(item);
      selected.push_back(&match->second);
    }
    evidence.untold_.clear();
    Emit(evidence, selected, SightingPhase::kFirst, now);
  }
}

void FlowSightings::Finish(PacketTime now) {
  // By object id, whatever the order in which they ended.
  held_.sort([](const ObjectEvidence& a, const ObjectEvidence& b) {
    return std::tie(a.direction_, a.provenance_, a.object_id_) < std::tie(b.direction_, b.provenance_, b.object_id_);
  });
  // Better evidence first, so that a carved file found exactly stands before the stream's own fragments of it.
  for (const bool sure : {true, false}) {
    for (const Method method : Enumerators<Method>()) {
      for (ObjectEvidence& evidence : held_) {
        std::map<ItemRef, Match> chosen;
        for (const auto& [item, match] : evidence.matches_) {
          if (match.method == method && (match.confidence == Confidence::kSure) == sure) chosen.emplace(item, match);
        }
        if (chosen.empty()) continue;
        std::swap(chosen, evidence.matches_);
        TellComplete(evidence, now);
        std::swap(chosen, evidence.matches_);
      }
    }
  }
  deadlines_.clear();
  held_.clear();
}

void FlowSightings::Emit(const ObjectEvidence& evidence, const Selected& matches, SightingPhase phase, PacketTime now) {
  if (matches.empty()) return;
  Sighting common;
  common.time = now;
  common.phase = phase;
  common.flow = context_.summarise(evidence.direction_);
  if (evidence.info_.exchange != nullptr) common.flow.facts.exchange = *evidence.info_.exchange;
  common.object_id = evidence.object_id_;
  common.object_kind = evidence.info_.kind;
  common.object_name = evidence.info_.name;
  common.media_type = evidence.sniffed_type_.empty() ? evidence.info_.media_type : evidence.sniffed_type_;
  common.object_size = evidence.bytes_;
  common.object_complete = phase == SightingPhase::kComplete && evidence.end_ == ObjectEnd::kComplete;
  common.sha256 = evidence.sha256_;
  common.provenance = evidence.provenance_;
  common.evasive = evidence.evasive_;
  // One method and one confidence a sighting, so that rules may count its items without looking at each.
  std::map<std::tuple<std::uint16_t, std::string_view, Method, Confidence>, Sighting> by_kind;
  for (const Match* match : matches) {
    const std::string_view collection = context_.index.Collection(match->item).name;
    const auto [place, inserted] =
        by_kind.try_emplace({match->item.set, collection, match->method, match->confidence}, common);
    Sighting& sighting = place->second;
    if (inserted) {
      const SetFacts set = context_.index.Set(match->item.set);
      sighting.collection = collection;
      sighting.hashset_name = set.name;
      sighting.hashset_serial = set.serial;
      sighting.method = match->method;
      sighting.confidence = match->confidence;
    }
    if (match->method == Method::kRecord) sighting.records = evidence.records_;
    if (inserted && match->method == Method::kPerceptual && match->confidence == Confidence::kWeak)
      sighting.pictures = context_.weigh(evidence.direction_, match->item);
    if (match->method == Method::kArchiveEntry) sighting.archive = evidence.archive_;
    SightedItem item;
    item.id = context_.index.Item(match->item).id;
    item.method = match->method;
    item.confidence = match->confidence;
    item.distance = match->distance;
    item.view = match->view;
    item.coverage = match->coverage;
    item.supported = match->supported;
    sighting.items.push_back(std::move(item));
  }
  for (const auto& [key, sighting] : by_kind) {
    context_.sink.OnMessage(sighting);
    context_.counters.Add(phase == SightingPhase::kFirst ? Counter::sightings_first : Counter::sightings_complete);
  }
}

}  // namespace spanwatch::inspector
