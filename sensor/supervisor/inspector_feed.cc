#include "supervisor/inspector_feed.h"

#include <algorithm>
#include <random>

#include "process/message_codec.h"
#include "telemetry/log.h"

namespace spanwatch::supervisor {
namespace {

constexpr std::size_t kTakenAtOnce = 1000;
constexpr std::size_t kMessagesWaitingMax = 100'000;
constexpr std::chrono::minutes kRefusalLogInterval{1};

std::uint64_t RandomNumber() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

}  // namespace

struct InspectorFeed::Inspector {
  std::optional<process::RingReader> ring;
  process::MappedSharedBlock block;
  std::uint64_t incarnation = 0;
  std::uint64_t release_through = 0;
  Steady::time_point heard = Steady::now();
  bool distrusted = false;  // until it has a new ring
  bool alive = true;
  bool ran = true;  // at any time since this feed began
};

InspectorFeed::InspectorFeed(SupervisorMode mode, const config::Limits& limits) : mode_(mode), limits_(limits) {}
InspectorFeed::~InspectorFeed() = default;

Result<std::unique_ptr<InspectorFeed>> InspectorFeed::Open(SupervisorMode mode, const config::Limits& limits,
                                                           std::vector<InspectorLink> links) {
  std::unique_ptr<InspectorFeed> feed(new InspectorFeed(mode, limits));
  for (InspectorLink& link : links) {
    auto ring = process::RingReader::Open(link.ring.get());
    if (!ring) return Fail(ring.error());
    auto block = process::MapSharedBlock(link.shared_block.get());
    if (!block) return Fail(block.error());
    auto inspector = std::make_unique<Inspector>();
    inspector->ring.emplace(std::move(*ring));
    inspector->block = std::move(*block);
    // The state file keeps signed numbers.
    inspector->incarnation = link.incarnation != 0 ? link.incarnation : RandomNumber() >> 1;
    inspector->alive = inspector->ran = link.running;
    feed->inspectors_.push_back(std::move(inspector));
  }
  feed->Rewind();
  return feed;
}

const process::SharedBlock& InspectorFeed::block(std::size_t inspector) const { return *inspectors_[inspector]->block; }

std::size_t InspectorFeed::Take() {
  const auto now = Steady::now();
  if (mode_ == SupervisorMode::kLive) {
    merger_->Tick(WallClockNow(), now, std::chrono::milliseconds(limits_.supervisor_merge_wait_ms));
  }
  std::size_t taken = 0;
  for (std::size_t i = 0; i < inspectors_.size(); ++i) taken += TakeFrom(i, now);
  return taken;
}

std::size_t InspectorFeed::TakeFrom(std::size_t index, Steady::time_point now) {
  Inspector& inspector = *inspectors_[index];
  if (inspector.distrusted) return 0;
  std::size_t taken = 0;
  while (taken < kTakenAtOnce) {
    auto message = inspector.ring->Take();
    if (!message) break;
    ++taken;
    if (auto decoded = process::DecodeMessage(message->payload)) {
      merger_->Add({index, message->sequence, message->end, inspector.incarnation, std::move(*decoded)});
    } else {
      OnRefused(index);
    }
  }
  if (taken > 0) inspector.heard = now;
  // Even a link without a packet has a watermark twice a second, and one that stands still is ended by the launcher.
  const std::chrono::seconds silence_max(2 * limits_.launcher_heartbeat_timeout_s);
  if (inspector.ring->corrupt()) {
    Distrust(index, "its ring is corrupt");
  } else if (!inspector.alive) {
    // Not before all that it told is in the merger.
    if (inspector.ring->empty()) merger_->End(index);
  } else if (mode_ == SupervisorMode::kLive && now - inspector.heard > silence_max) {
    Distrust(index, "it tells nothing, not even the time");
  }
  return taken;
}

void InspectorFeed::Distrust(std::size_t index, std::string_view reason) {
  inspectors_[index]->distrusted = true;
  merger_->End(index);
  ++distrusted_;
  Log(LogLevel::kError, "An inspector is no longer believed: a fault, or somebody inside it", "index={} reason=\"{}\"",
      index, reason);
  if (end_distrusted_) end_distrusted_(index);
}

// What the inspector told is lost: each is counted, and the log says so at most once in kRefusalLogInterval.
void InspectorFeed::OnRefused(std::size_t index) {
  ++refused_;
  const auto now = Steady::now();
  if (refusal_logged_ && now - *refusal_logged_ < kRefusalLogInterval) return;
  refusal_logged_ = now;
  Log(LogLevel::kError, "A message of an inspector could not be read and is lost", "index={} refused_in_all={}", index,
      refused_);
}

void InspectorFeed::Judged(const MergedMessage& merged) {
  Inspector& inspector = *inspectors_[merged.inspector];
  // Of a ring that was replaced meanwhile nothing is to be freed.
  if (merged.incarnation == inspector.incarnation) inspector.release_through = merged.ring_end;
}

void InspectorFeed::Release() {
  for (const auto& inspector : inspectors_) {
    if (inspector->release_through != 0) inspector->ring->ReleaseThrough(inspector->release_through);
  }
}

void InspectorFeed::Rewind() {
  merger_ = std::make_unique<EventMerger>(inspectors_.size(), kMessagesWaitingMax);
  for (std::size_t i = 0; i < inspectors_.size(); ++i) {
    inspectors_[i]->ring->Rewind();
    inspectors_[i]->release_through = 0;
    if (!inspectors_[i]->alive || inspectors_[i]->distrusted) merger_->End(i);
  }
}

void InspectorFeed::Pause() {
  for (const auto& inspector : inspectors_) inspector->heard = Steady::now();
}

void InspectorFeed::OnEnded(std::size_t inspector) { inspectors_[inspector]->alive = false; }

void InspectorFeed::OnStarted(std::size_t index) {
  Inspector& inspector = *inspectors_[index];
  if (inspector.ran) ++restarts_;
  inspector.alive = inspector.ran = true;
  inspector.heard = Steady::now();
  if (!inspector.distrusted) merger_->Resume(index);
}

Status InspectorFeed::OnRingReplaced(std::size_t index, UniqueFd ring, std::uint64_t incarnation) {
  auto reader = process::RingReader::Open(ring.get());
  if (!reader) return Fail(reader.error());
  Inspector& inspector = *inspectors_[index];
  inspector.ring.emplace(std::move(*reader));
  inspector.incarnation = incarnation;
  inspector.release_through = 0;
  inspector.distrusted = false;
  inspector.heard = Steady::now();
  return {};
}

bool InspectorFeed::running(std::size_t inspector) const {
  return inspectors_[inspector]->alive && !inspectors_[inspector]->distrusted;
}

std::size_t InspectorFeed::running() const {
  std::size_t count = 0;
  for (std::size_t i = 0; i < inspectors_.size(); ++i) count += running(i) ? 1 : 0;
  return count;
}

}  // namespace spanwatch::supervisor
