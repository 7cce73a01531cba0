// InspectorFeed: what the inspectors tell, out of their rings and merged into one stream by packet time
// (event_merger.h).
//
// An inspector may be in the hands of an attacker. One whose ring is corrupt, or that (live) tells nothing for too
// long, is distrusted: nothing more is taken from it, nobody waits for it, and its parent is told to end it. Supervisor
// thread only.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "config/limits.h"
#include "process/ring.h"
#include "process/shared_block.h"
#include "supervisor/event_merger.h"

namespace spanwatch::supervisor {

// One inspector as its supervisor is given it.
struct InspectorLink {
  UniqueFd ring;
  UniqueFd shared_block;
  // Of the ring, unique for ever (its sequences begin at 1); 0: one is made up.
  std::uint64_t incarnation = 0;
  bool running = true;  // else it holds nobody up until OnStarted
};

// Of a replay packet time is all the time there is; live no packet is later than the wall clock.
enum class SupervisorMode : std::uint8_t { kLive, kReplay };

class InspectorFeed {
 public:
  // `limits` outlives the feed.
  static Result<std::unique_ptr<InspectorFeed>> Open(SupervisorMode mode, const config::Limits& limits,
                                                     std::vector<InspectorLink> links);
  ~InspectorFeed();

  std::size_t size() const { return inspectors_.size(); }
  const process::SharedBlock& block(std::size_t inspector) const;
  // Called once for each inspector that is distrusted.
  void OnDistrust(std::function<void(std::size_t)> end) { end_distrusted_ = std::move(end); }

  // Takes what waits in the rings, some of each; returns how many messages.
  std::size_t Take();
  std::optional<MergedMessage> Next() { return merger_->Next(); }
  // What this message caused belongs to the batch.
  void Judged(const MergedMessage& merged);
  // The batch is durable: what it took is freed.
  void Release();
  // The batch is lost: everything that was not freed comes again.
  void Rewind();
  // Nothing is taken for a while, and nobody is to blame for it.
  void Pause();
  PacketTime watermark() const { return merger_->watermark(); }

  // The inspector has ended (or died); once what it told is taken it holds up no other's events.
  void OnEnded(std::size_t inspector);
  void OnStarted(std::size_t inspector);
  // The successor of one that is distrusted has a ring of its own.
  Status OnRingReplaced(std::size_t inspector, UniqueFd ring, std::uint64_t incarnation);

  bool running(std::size_t inspector) const;  // and is not distrusted
  std::size_t running() const;                // how many
  std::uint64_t restarts() const { return restarts_; }
  std::uint64_t refused() const { return refused_; }        // messages that did not decode
  std::uint64_t distrusted() const { return distrusted_; }  // inspectors, since the start

 private:
  struct Inspector;
  using Steady = std::chrono::steady_clock;

  InspectorFeed(SupervisorMode mode, const config::Limits& limits);
  std::size_t TakeFrom(std::size_t index, Steady::time_point now);
  void Distrust(std::size_t index, std::string_view reason);
  void OnRefused(std::size_t index);

  const SupervisorMode mode_;
  const config::Limits& limits_;
  std::vector<std::unique_ptr<Inspector>> inspectors_;
  std::unique_ptr<EventMerger> merger_;
  std::function<void(std::size_t)> end_distrusted_;
  std::optional<Steady::time_point> refusal_logged_;
  std::uint64_t restarts_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t distrusted_ = 0;
};

}  // namespace spanwatch::supervisor
