#include "inspector/flow_watch.h"

#include <algorithm>

#include "fingerprint/object_sketch.h"
#include "flow/community_id.h"

namespace spanwatch::inspector {
namespace {

// Objects of each further reading are numbered apart from those of the others; there are two at most.
constexpr std::uint32_t kFurtherReadingIds = 1u << 31, kIdsOfOne = 1u << 30;

AnomalyCode CodeOf(Flood flood) {
  switch (flood) {
    case Flood::kToHost:
    case Flood::kToNetwork:
      return AnomalyCode::flood_to;
    case Flood::kFromHost:
    case Flood::kFromNetwork:
      return AnomalyCode::flood_from;
    case Flood::kNone:
    case Flood::kAnywhere:
      return AnomalyCode::flood_anywhere;
  }
  return AnomalyCode::flood_anywhere;
}

// What the flow table knows of a flow, as the events of one direction show it.
FlowSummary SummaryOf(const FlowInfo& info, Direction direction, const WatchContext& context) {
  FlowSummary summary;
  summary.flow_id = info.id;
  summary.source = info.Sender(direction);
  summary.destination = info.Receiver(direction);
  summary.from_client = direction == Direction::kFromClient;
  summary.transport = info.transport;
  summary.ip_protocol = info.ip_protocol;
  summary.crossing = context.zones.CrossingOf(summary.source.address, summary.destination.address);
  summary.vlan = info.vlan;
  summary.encapsulations.assign(info.encapsulations.begin(), info.encapsulations.begin() + info.encapsulation_count);
  summary.interface_name = context.interface_name;
  return summary;
}

Counter CoverageCounter(Visibility visibility) {
  switch (visibility) {
    case Visibility::kClear:
      return Counter::egress_bytes_clear;
    case Visibility::kEncoded:
      return Counter::egress_bytes_encoded;
    case Visibility::kEncrypted:
      return Counter::egress_bytes_encrypted;
    case Visibility::kExempt:
      return Counter::egress_bytes_exempt;
    case Visibility::kUnknown:
      return Counter::egress_bytes_unknown;
  }
  return Counter::egress_bytes_unknown;
}

}  // namespace

// Sees one object's bytes and keeps its evidence.
class FlowWatch::ObjectWatch : public ObjectConsumer, public MatchSink {
 public:
  ObjectWatch(FlowWatch& flow, const ObjectContext& object, bool in_raw_stream)
      : flow_(flow),
        direction_(object.direction),
        evidence_(flow.sightings_.Begin(object, in_raw_stream)),
        sketch_context_{*flow.match_->index,
                        *flow.match_->records,
                        *flow.match_->fragments,
                        *this,
                        flow.context_.limits,
                        flow.context_.counters,
                        flow.context_.anomalies,
                        &flow.context_.pictures,
                        flow.first_.budget_ ? &*flow.first_.budget_ : nullptr},
        sketch_(fingerprint::MakeObjectSketch(sketch_context_, object)) {}

  bool OnData(ByteView bytes) noexcept override {
    bytes_ += bytes.size();
    return sketch_->OnData(bytes);
  }
  void OnGap(std::uint64_t length) noexcept override { sketch_->OnGap(length); }
  void OnArchiveEntry(const ArchiveEntry& entry) noexcept override {
    flow_.SeeName(direction_, entry.name);
    sketch_->OnArchiveEntry(entry);
  }
  void OnEnd(ObjectEnd end) noexcept override {
    sketch_->OnEnd(end);
    flow_.sightings_.SetContent(evidence_, std::string(sketch_->media_type()), sketch_->sha256(), bytes_);
    flow_.sightings_.Complete(evidence_, end, flow_.info_.now);
  }

  void OnMatch(const Match& match) noexcept override {
    const bool alike = match.method == Method::kPerceptual && match.confidence == Confidence::kWeak;
    evidence_.OnMatch(match);
    const hashset::Snapshot& index = *flow_.match_->index;
    if (alike && !index.Item(match.item).negative && !evidence_.IsHarmless(match))
      flow_.context_.picture_tally.Add(index, match);
  }
  void OnPicture(const PdqHash& hash) noexcept override {
    flow_.context_.picture_tally.Begin(flow_.WayOf(direction_), hash, flow_.info_.now);
  }
  void OnRecordEvidence(const RecordEvidence& evidence) noexcept override { evidence_.OnRecordEvidence(evidence); }
  void OnArchiveEvidence(const ArchiveEvidence& evidence) noexcept override { evidence_.OnArchiveEvidence(evidence); }
  void OnLprStructure() noexcept override { flow_.lpr_structure_[Index(direction_)] = true; }
  bool AlreadyNamed() const noexcept override { return evidence_.AlreadyNamed(); }

 private:
  FlowWatch& flow_;
  Direction direction_;
  ObjectEvidence& evidence_;
  fingerprint::SketchContext sketch_context_;
  std::unique_ptr<fingerprint::ObjectSketch> sketch_;
  std::uint64_t bytes_ = 0;
};

FlowWatch::FlowWatch(const FlowInfo& info, const WatchContext& context, std::shared_ptr<const MatchContext> match)
    : info_(info),
      context_(context),
      match_(std::move(match)),
      summarise_current_([this] { return Summarise(current_); }),
      first_(*this),
      own_sightings_(std::make_unique<FlowSightings>(
          FlowSightings::Context{*match_->index, context.limits, context.counters, context.sink, info.now,
                                 [this](Direction direction) { return Summarise(direction); },
                                 [this](Direction direction, ItemRef item) {
                                   return context_.picture_tally.Weigh(WayOf(direction), *match_->index, item);
                                 }})),
      sightings_(*own_sightings_),
      place_(context.memory, *this),
      tree_(*this, context.anomalies, context.counters, context.limits, context.memory),
      protocol_({info, facts_, tree_, context.anomalies, context.counters, context.limits}) {
  match_->index->SetNow(info.now);
  if (context.decoding != nullptr) budget_.emplace(*context.decoding);
}

FlowWatch::FlowWatch(FlowWatch& first)
    : info_(first.info_),
      context_(first.context_),
      match_(first.match_),
      summarise_current_([this] { return Summarise(current_); }),
      first_(first),
      sightings_(first.sightings_),
      place_(context_.memory, *this),
      tree_(*this, context_.anomalies, context_.counters, context_.limits, context_.memory,
            kFurtherReadingIds + kIdsOfOne * first.further_readings_++),
      protocol_({info_, facts_, tree_, context_.anomalies, context_.counters, context_.limits}) {}

FlowWatch::~FlowWatch() {
  if (&first_ == this) {
    context_.schedule(this, std::nullopt);
  } else {
    EndNames();
  }
}

ObjectConsumer& FlowWatch::Raw(Direction direction) {
  auto& raw = raw_[Index(direction)];
  if (!raw) {
    ObjectInfo object;
    object.kind = ObjectKind::kStream;
    object.step =
        std::string(ToString(info_.transport)) + (info_.transport == Transport::kTcp ? " stream" : " payload");
    raw = tree_.Open(direction, std::move(object));
  }
  return *raw;
}

void FlowWatch::OnData(Direction direction, ByteView bytes) noexcept {
  Enter(direction);
  if (first_.budget_) first_.budget_->Earn(bytes.size());
  match_->fragments->Begin(bytes);
  // The parser first: what it names need not be named again by the raw search.
  if (info_.transport == Transport::kTcp) protocol_.OnData(direction, bytes);
  in_raw_stream_ = true;
  Raw(direction).OnData(bytes);
  in_raw_stream_ = false;
  match_->fragments->End();
  AfterCall();
}

void FlowWatch::OnGap(Direction direction, std::uint64_t length) noexcept {
  Enter(direction);
  if (info_.transport == Transport::kTcp) protocol_.OnGap(direction, length);
  in_raw_stream_ = true;
  Raw(direction).OnGap(length);
  in_raw_stream_ = false;
  AfterCall();
}

void FlowWatch::OnEnd(Direction direction) noexcept {
  Enter(direction);
  if (info_.transport == Transport::kTcp) protocol_.OnEnd(direction);
  if (raw_[Index(direction)] && !raw_ended_[Index(direction)]) {
    raw_ended_[Index(direction)] = true;
    in_raw_stream_ = true;
    raw_[Index(direction)]->OnEnd(ObjectEnd::kComplete);
    in_raw_stream_ = false;
  }
  AfterCall();
}

void FlowWatch::Enter(Direction direction) {
  current_ = direction;
  context_.anomalies.SetFlow(&summarise_current_);
  match_->index->SetNow(info_.now);
  place_.Touch();
}

void FlowWatch::AfterCall() {
  context_.anomalies.SetFlow(nullptr);
  context_.schedule(&first_, sightings_.next_deadline());
}

void FlowWatch::OnEvasion(Direction direction, AnomalyCode code) noexcept {
  Enter(direction);
  evasive_[Index(direction)] = true;
  context_.anomalies.OnAnomaly(code);
  context_.anomalies.SetFlow(nullptr);
}

void FlowWatch::GiveUp() noexcept {
  context_.anomalies.SetFlow(&summarise_current_);
  match_->index->SetNow(info_.now);
  tree_.GiveUp();
  for (const Direction direction : {Direction::kFromClient, Direction::kFromServer}) {
    if (!raw_ended_[Index(direction)]) raw_[Index(direction)].reset();
  }
  AfterCall();
}

void FlowWatch::OnReport(const FlowCounters& counters) noexcept { Tell(counters, false); }

void FlowWatch::OnClose(const FlowCounters& counters, CloseReason) noexcept {
  Finish();
  Tell(counters, true);
}

void FlowWatch::EndNames() {
  for (NameList& names : names_) {
    if (names.text) names.text->OnEnd(ObjectEnd::kComplete);
    names.text.reset();
  }
}

void FlowWatch::Finish() {
  match_->index->SetNow(info_.now);
  EndNames();
  sightings_.Finish(info_.now);
  context_.schedule(this, std::nullopt);
}

std::unique_ptr<ObjectConsumer> FlowWatch::OnObject(const ObjectContext& object) noexcept {
  if (object.info->kind != ObjectKind::kStream) ++objects_[Index(object.direction)];
  const ObjectInfo& info = *object.info;
  // The name by which an object was asked for went the other way, in the request.
  if (!in_raw_stream_ && !info.asked_name) SeeName(object.direction, info.name);
  return std::make_unique<ObjectWatch>(*this, object, in_raw_stream_);
}

// The names of the objects of one direction, and of what its archives list, are one text: a list of files is a leak of
// its own (domain.md section 1).
void FlowWatch::SeeName(Direction direction, std::string_view name) {
  if (name.empty()) return;
  if (names_[Index(direction)].file_names.Add(name)) lpr_structure_[Index(direction)] = true;
  ObjectConsumer& names = Names(direction);
  names.OnData(AsBytes(name));
  names.OnData(AsBytes("\n"));
}

ObjectConsumer& FlowWatch::Names(Direction direction) {
  NameList& names = names_[Index(direction)];
  if (names.text) return *names.text;
  names.info.kind = ObjectKind::kText;
  names.info.step = "file names";
  names.provenance = {names.info.step};
  ObjectContext context;
  context.info = &names.info;
  context.provenance = &names.provenance;
  context.direction = direction;
  names.text = std::make_unique<ObjectWatch>(*this, context, false);
  return *names.text;
}

FlowSummary FlowWatch::Summarise(Direction direction) const {
  FlowSummary summary = SummaryOf(info_, direction, context_);
  summary.community_id = flow::CommunityId(info_);
  summary.facts = facts_;
  return summary;
}

void FlowWatch::Tell(const FlowCounters& counters, bool final) {
  for (const Direction direction : {Direction::kFromClient, Direction::kFromServer}) {
    const DirectionCounters& own = counters.by_direction[Index(direction)];
    if (own.delivered_bytes == 0 && own.gap_bytes == 0) continue;
    const Crossing crossing =
        context_.zones.CrossingOf(info_.Sender(direction).address, info_.Receiver(direction).address);
    CountCrossing(direction, crossing, own.delivered_bytes);
    if (crossing != Crossing::kEgress) continue;
    CountCoverage(direction, own);
    TellTransfer(direction, own, final);
  }
}

void FlowWatch::TellTransfer(Direction direction, const DirectionCounters& counters, bool final) {
  TransferSummary transfer;
  transfer.time = info_.now;
  transfer.start = info_.start;
  transfer.counters = counters;
  transfer.objects = objects_[Index(direction)];
  const bool opaque = facts_.visibility == Visibility::kEncrypted || facts_.visibility == Visibility::kUnknown;
  transfer.opaque_bytes = opaque ? counters.delivered_bytes : 0;
  transfer.lpr_structure = lpr_structure_[Index(direction)];
  transfer.encrypted_archive = tree_.notes(direction).encrypted_archive;
  transfer.evasive = tree_.notes(direction).evasive || evasive_[Index(direction)];
  transfer.final = final;
  const std::uint64_t encoded = tree_.notes(direction).encoded_bytes;
  const bool unread = facts_.visibility == Visibility::kClear && encoded > counters.delivered_bytes / 2;
  const Visibility visibility = unread ? Visibility::kEncoded : facts_.visibility;
  const bool remarkable =
      transfer.lpr_structure || transfer.encrypted_archive || transfer.evasive || sightings_.Told(direction);
  if (final && info_.flood != Flood::kNone && !remarkable) {
    transfer.flow = SummaryOf(info_, direction, context_);
    transfer.flow.facts.visibility = visibility;
    return context_.floods.Add(info_.flood, transfer);
  }
  transfer.flow = Summarise(direction);
  transfer.flow.facts.visibility = visibility;
  context_.sink.OnMessage(transfer);
}

void FlowWatch::CountCrossing(Direction direction, Crossing crossing, std::uint64_t delivered_bytes) {
  constexpr Counter kCountersOf[] = {Counter::crossing_bytes_internal, Counter::crossing_bytes_outbound,
                                     Counter::crossing_bytes_inbound, Counter::crossing_bytes_external};
  static_assert(std::size(kCountersOf) == kCountOf<Crossing>);
  std::uint64_t& before = crossed_[Index(direction)];
  context_.counters.Add(kCountersOf[static_cast<std::size_t>(crossing)], delivered_bytes - before);
  before = delivered_bytes;
}

void FlowWatch::CountCoverage(Direction direction, const DirectionCounters& counters) {
  DirectionCounters& before = covered_[Index(direction)];
  const std::uint64_t delivered = counters.delivered_bytes - before.delivered_bytes;
  std::uint64_t& told = encoded_told_[Index(direction)];
  const std::uint64_t encoded =
      facts_.visibility == Visibility::kClear ? std::min(tree_.notes(direction).encoded_bytes - told, delivered) : 0;
  told += encoded;
  context_.counters.Add(Counter::egress_bytes_encoded, encoded);
  context_.counters.Add(CoverageCounter(facts_.visibility), delivered - encoded);
  context_.counters.Add(Counter::egress_bytes_lost, counters.gap_bytes - before.gap_bytes);
  before = counters;
}

FlowWatchFactory::FlowWatchFactory(const WatchContext& context, std::shared_ptr<const MatchContext> match)
    : context_(context),
      match_(std::move(match)),
      summarise_flooding_([this] { return SummaryOf(*flooding_, Direction::kFromClient, context_); }) {}

void FlowWatchFactory::OnFlood(const FlowInfo& info) noexcept {
  flooding_ = &info;
  context_.anomalies.SetFlow(&summarise_flooding_);
  context_.anomalies.OnAnomaly(CodeOf(info.flood));
  context_.anomalies.SetFlow(nullptr);
}

}  // namespace spanwatch::inspector
