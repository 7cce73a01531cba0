// EventMerger: one stream of messages out of several inspectors', by packet time (design.md section 9.1), so that what
// the policy sees does not depend on how the traffic was shared out. Supervisor thread only.
//
// Each inspector's messages stay in their order. A message comes out once every other inspector has said that it is
// past that time (a later message, a watermark, or its end), or when more than `messages_max` wait. That an inspector
// ended says nothing about time.
//
// Live an inspector may be in the hands of an attacker, and clocks are set: nobody is waited for longer than
// `patience`, and no packet time beyond the wall clock is believed.
#pragma once

#include <algorithm>
#include <chrono>
#include <deque>
#include <optional>
#include <vector>

#include "model/sighting.h"

namespace spanwatch::supervisor {

struct MergedMessage {
  std::size_t inspector = 0;
  std::uint64_t sequence = 0;     // in the inspector's ring
  std::uint64_t ring_end = 0;     // for RingReader::ReleaseThrough
  std::uint64_t incarnation = 0;  // of the ring
  InspectorMessage message;
};

class EventMerger {
 public:
  using Steady = std::chrono::steady_clock;

  EventMerger(std::size_t inspectors, std::size_t messages_max) : queues_(inspectors), messages_max_(messages_max) {}

  // Live, before each round of Add and Next.
  void Tick(PacketTime wall, Steady::time_point now, Duration patience);
  void Add(MergedMessage message);
  // This inspector will say nothing more (or is gone); it holds nobody up.
  void End(std::size_t inspector) { queues_[inspector].ended = true; }
  // It says something again.
  void Resume(std::size_t inspector) { queues_[inspector].ended = false; }
  std::optional<MergedMessage> Next();
  // Every event before this time has come out; PacketTime::min() before the first.
  PacketTime watermark() const { return std::min(watermark_, believed_); }

 private:
  struct Entry {
    PacketTime time;  // never falls within a queue
    Steady::time_point arrived;
    MergedMessage message;
  };
  struct Queue {
    std::deque<Entry> entries;
    PacketTime seen = PacketTime::min();  // the latest time it told
    bool ended = false;
  };
  bool HeldUp(const Queue& earliest, PacketTime time) const;

  std::vector<Queue> queues_;
  std::size_t messages_max_;
  std::size_t waiting_ = 0;
  PacketTime watermark_ = PacketTime::min();
  PacketTime believed_ = PacketTime::max();  // no packet can be later
  Steady::time_point now_{};
  std::optional<Duration> patience_;
};

}  // namespace spanwatch::supervisor
