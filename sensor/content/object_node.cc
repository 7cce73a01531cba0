#include "content/object_node.h"

#include <algorithm>

#include "base/ascii.h"
#include "content/file_magic.h"
#include "content/unopened.h"

namespace spanwatch::content {
namespace {

constexpr std::size_t kHeadBytes = 512;
constexpr std::size_t kStepBytes = 256;
// What an object holds beside its container: what is known of it, the state of its fingerprints, and the layers that
// search it.
constexpr std::uint64_t kObjectMemoryBytes = 12 << 10;
constexpr std::uint64_t kSearchMemoryBytes = 8 << 10;

const LayerSpec* LayerOfEncoding(const std::string& encoding) {
  for (const LayerSpec* spec : Layers()) {
    if (!encoding.empty() && std::ranges::find(spec->encodings, encoding) != spec->encodings.end()) return spec;
  }
  return nullptr;
}

}  // namespace

ObjectNode::ObjectNode(ObjectTree& tree, Budget& budget, ObjectNode* parent, Direction direction, ObjectInfo info,
                       const ChildOptions& options)
    : tree_(tree), budget_(budget), info_(std::move(info)) {
  if (info_.step.size() > kStepBytes) info_.step.resize(kStepBytes);
  if (parent != nullptr) {
    depth_ = parent->depth_ + 1;
    provenance_ = parent->provenance_;
    context_.parent_id = parent->context_.id;
    context_.evasive = parent->context_.evasive;
    info_.exchange = parent->info_.exchange;
  }
  provenance_.push_back(info_.step);
  context_.info = &info_;
  context_.provenance = &provenance_;
  context_.direction = direction;
  context_.id = tree_.next_id_++;
  context_.evasive = context_.evasive || info_.evasive;
  context_.verbatim = options.verbatim;
  tree_.counters_.Add(Counter::content_objects);
  ++notes().objects;
  consumer_ = tree_.observer_.OnObject(context_);
  consumer_wants_ = consumer_ != nullptr;
  if (options.container != nullptr) {
    container_given_ = true;
    guessed_ = options.guessed;
    begun_ = true;
    container_ = options.container->create(*this, {});
    container_memory_ = options.container->memory_bytes;
    tree_.counters_.Add(Counter::content_layers_opened);
  }
  CountMemory();
}

ObjectNode::~ObjectNode() {
  End(ObjectEnd::kAborted);
  tree_.memory_.Release(memory_);
}

void ObjectNode::CountMemory() {
  const std::uint64_t container = container_ == nullptr ? 0 : container_memory_ + container_->held();
  const std::uint64_t now = kObjectMemoryBytes + container + (search_.empty() ? 0 : kSearchMemoryBytes);
  if (now == memory_) return;
  tree_.memory_.Add(now);
  tree_.memory_.Release(memory_);
  memory_ = now;
}

std::size_t ObjectNode::Write(ByteView bytes) {
  if (ended_ || finished_ || bytes.empty()) return 0;
  const std::size_t taken = Take(bytes);
  CountMemory();
  return taken;
}

std::size_t ObjectNode::Take(ByteView bytes) {
  bytes_ += bytes.size();
  if (depth_ > 1) {
    tree_.counters_.Add(Counter::content_bytes_out, bytes.size());
    if (Refused(budget_.Charge(bytes.size()))) {
      damaged_ = true;
      CloseContainer(LayerState::kBroken, ObjectEnd::kAborted);
      finished_ = container_given_;
      return finished_ ? 0 : bytes.size();
    }
  } else {
    tree_.counters_.Add(Counter::content_bytes_in, bytes.size());
  }
  if (container_given_) {
    const Taken taken = container_->Write(bytes);
    Deliver(bytes.first(taken.bytes));
    if (taken.state != LayerState::kMore || exhausted()) {
      damaged_ = damaged_ || taken.state == LayerState::kBroken || exhausted();
      CloseContainer(taken.state, exhausted() ? ObjectEnd::kAborted : ObjectEnd::kComplete);
      finished_ = true;
    }
    return taken.bytes;
  }
  Deliver(bytes);
  Process(bytes);
  return bytes.size();
}

void ObjectNode::Deliver(ByteView bytes) {
  if (consumer_wants_ && !bytes.empty()) consumer_wants_ = consumer_->OnData(bytes);
}

// The container is chosen by the same bytes however they arrive: the first 512, or all that come before a gap or the
// end.
void ObjectNode::Process(ByteView bytes) {
  if (!begun_) {
    if (head_.empty() && bytes.size() >= kHeadBytes) {
      Begin(bytes.first(kHeadBytes));
    } else {
      const std::size_t taken = std::min(kHeadBytes - head_.size(), bytes.size());
      head_.insert(head_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(taken));
      if (head_.size() < kHeadBytes) return;
      const Bytes head = std::move(head_);
      head_ = {};
      Begin(head);
      Dispatch(head);
      bytes = bytes.subspan(taken);
    }
  }
  Dispatch(bytes);
}

void ObjectNode::Begin(ByteView head) {
  begun_ = true;
  if (context_.evasive && KindOfFile(head) != FileKind::kUnknown) {
    notes().evasive = true;
    Report(AnomalyCode::content_evasive);
  }
  const LayerSpec* spec = ChooseContainer(head);
  if (spec == nullptr) {
    if (const auto reason = WhyUnopened(head)) Unread(*reason);
    return;
  }
  tree_.counters_.Add(Counter::content_layers_opened);
  container_ = spec->create(*this, head);
  container_memory_ = spec->memory_bytes;
}

// The declared encoding that comes off first: the last one, but S3 clients name aws-chunked first and put it on last.
// So the bytes decide, the likeliest first; of equally likely ones the last.
const LayerSpec* ObjectNode::ChooseDeclared(ByteView head) {
  const LayerSpec* best = nullptr;
  Likelihood likelihood = Likelihood::kNo;
  std::size_t place = 0;
  for (std::size_t i = 0; i < info_.encodings.size(); ++i) {
    const LayerSpec* spec = LayerOfEncoding(Lower(info_.encodings[i]));
    const Likelihood answer = spec != nullptr ? spec->probe(info_, head, true) : Likelihood::kNo;
    if (answer == Likelihood::kNo || answer < likelihood) continue;
    best = spec;
    likelihood = answer;
    place = i;
  }
  if (best == nullptr) {
    // Unknown, or declared and not done: the bytes are what the encoding would have held.
    info_.encodings.clear();
    return nullptr;
  }
  info_.encodings.erase(info_.encodings.begin() + static_cast<std::ptrdiff_t>(place));
  by_encoding_ = true;
  return best;
}

const LayerSpec* ObjectNode::ChooseContainer(ByteView head) {
  if (const LayerSpec* declared = ChooseDeclared(head)) return declared;
  const LayerSpec* best = nullptr;
  Likelihood likelihood = Likelihood::kNo;
  for (const LayerSpec* spec : Layers()) {
    if (spec->role != LayerRole::kContainer) continue;
    const Likelihood answer = spec->probe(info_, head, false);
    if (answer > likelihood) {
      best = spec;
      likelihood = answer;
    }
  }
  return best;
}

void ObjectNode::Dispatch(ByteView bytes) {
  if (bytes.empty()) return;
  if (container_ != nullptr) {
    const Taken taken = container_->Write(bytes);
    if (exhausted()) {
      damaged_ = true;
      CloseContainer(LayerState::kBroken, ObjectEnd::kAborted);
      return;
    }
    processed_ = processed_ || taken.bytes > 0;
    if (taken.state == LayerState::kMore) return;
    CloseContainer(taken.state, taken.state == LayerState::kDone ? ObjectEnd::kComplete : ObjectEnd::kAborted);
    bytes = bytes.subspan(std::min(taken.bytes, bytes.size()));
    if (bytes.empty()) return;
  }
  Search(bytes);
}

void ObjectNode::CloseContainer(LayerState state, ObjectEnd end) {
  if (container_ == nullptr) return;
  const std::unique_ptr<Layer> closing = std::move(container_);
  closing->End(end);
  if (state != LayerState::kBroken || guessed_) return;
  tree_.counters_.Add(Counter::content_layers_broken);
  if (!exhausted()) Report(AnomalyCode::content_malformed);
}

void ObjectNode::Search(ByteView bytes) {
  if (bytes.empty() || exhausted()) return;
  if (search_.empty()) {
    search_from_start_ = !processed_ && container_ == nullptr;  // a container gives what lies behind its beginning
    for (const LayerSpec* spec : Layers()) {
      if (spec->role == LayerRole::kSearch) search_.push_back(spec->create(*this, {}));
    }
  }
  processed_ = true;
  for (const std::unique_ptr<Layer>& layer : search_) layer->Write(bytes);
}

void ObjectNode::EndSearch(ObjectEnd end) {
  for (const std::unique_ptr<Layer>& layer : search_) layer->End(end);
  search_.clear();
}

void ObjectNode::Gap(std::uint64_t length) {
  if (ended_ || finished_ || length == 0) return;
  damaged_ = true;
  if (!begun_) {
    const Bytes head = std::move(head_);
    head_ = {};
    Begin(head);
    Dispatch(head);
  }
  processed_ = true;
  if (consumer_wants_) consumer_->OnGap(length);
  if (container_ != nullptr && (container_given_ || !container_->Gap(length))) {
    CloseContainer(LayerState::kDone, ObjectEnd::kTruncated);
    finished_ = container_given_;
    return;
  }
  for (const std::unique_ptr<Layer>& layer : search_) layer->Gap(length);
}

void ObjectNode::End(ObjectEnd end) {
  if (ended_) return;
  if (!begun_ && end != ObjectEnd::kAborted) {
    const Bytes head = std::move(head_);
    head_ = {};
    Begin(head);
    Dispatch(head);
  }
  ended_ = true;
  CloseContainer(LayerState::kDone, end);
  EndSearch(end);
  // What lies deeper has another length than the bytes of the flow.
  if (unread_ && depth_ == 1) notes().encoded_bytes += bytes_;
  if (end == ObjectEnd::kComplete && damaged_) end = ObjectEnd::kTruncated;
  if (consumer_ != nullptr) consumer_->OnEnd(end);
  consumer_.reset();
  CountMemory();
}

void ObjectNode::GiveUp() {
  if (ended_) return;
  tree_.counters_.Add(Counter::content_limited_memory);
  notes().limit_reached = true;
  Report(AnomalyCode::content_memory_limit);
  End(ObjectEnd::kAborted);
}

std::unique_ptr<ObjectNode> ObjectNode::OpenChild(ObjectInfo info, const ChildOptions& options) {
  if (exhausted()) return nullptr;
  if (depth_ >= limits().content_depth_count) {
    tree_.counters_.Add(Counter::content_limited_depth);
    notes().limit_reached = true;
    Report(AnomalyCode::content_too_deep);
    return nullptr;
  }
  if (Refused(budget_.ChargeChild())) return nullptr;
  return std::make_unique<ObjectNode>(tree_, budget_, this, context_.direction, std::move(info), options);
}

ObjectInfo ObjectNode::Decoded(std::string_view step) const {
  ObjectInfo inside{
      .kind = ObjectKind::kDecoded, .step = std::string(step), .name = info_.name, .asked_name = info_.asked_name};
  if (by_encoding_) {
    inside.media_type = info_.media_type;
    inside.boundary = info_.boundary;
    inside.field = info_.field;
    inside.encodings = info_.encodings;
  } else if (const std::size_t dot = inside.name.rfind('.'); dot != std::string::npos) {
    const bool tar = Lower(inside.name).ends_with(".tgz");
    inside.name.resize(dot);
    if (tar) inside.name += ".tar";
  }
  return inside;
}

bool ObjectNode::Refused(Budget::Refusal refusal) {
  if (refusal == Budget::Refusal::kNone) return false;
  if (refusal == Budget::Refusal::kStopped) return true;
  notes().limit_reached = true;
  switch (refusal) {
    case Budget::Refusal::kNone:
    case Budget::Refusal::kStopped:
      break;
    case Budget::Refusal::kExpansion:
      tree_.counters_.Add(Counter::content_limited_expansion);
      Report(AnomalyCode::content_expansion_limit);
      break;
    case Budget::Refusal::kChildren:
      tree_.counters_.Add(Counter::content_limited_children);
      Report(AnomalyCode::content_too_many_children);
      break;
    case Budget::Refusal::kTime:
      tree_.counters_.Add(Counter::content_limited_time);
      Report(AnomalyCode::content_time_limit);
      break;
  }
  return true;
}

void ObjectNode::Report(AnomalyCode code) { tree_.anomalies_.OnAnomaly(code); }

void ObjectNode::ReportHeld() {
  tree_.counters_.Add(Counter::content_limited_held);
  notes().limit_reached = true;
  Report(AnomalyCode::content_held_limit);
}

void ObjectNode::ReportTrials() {
  tree_.counters_.Add(Counter::content_limited_trials);
  notes().limit_reached = true;
}

void ObjectNode::UnreadMember(AnomalyCode reason, std::uint64_t members) {
  tree_.counters_.Add(Counter::content_unread, members);
  for (std::uint64_t i = 0; i < members; ++i) Report(reason);
}

void ObjectNode::Unread(AnomalyCode reason, std::uint64_t members) {
  unread_ = true;
  UnreadMember(reason, members);
}

void ObjectNode::NoteArchiveEntry(const ArchiveEntry& entry) {
  if (!notes().encrypted_archive) NoteEncrypted();
  if (consumer_ != nullptr) consumer_->OnArchiveEntry(entry);
}

void ObjectNode::NoteEncrypted() {
  notes().encrypted_archive = true;
  Report(AnomalyCode::archive_encrypted);
}

}  // namespace spanwatch::content
