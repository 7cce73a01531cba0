// SecondReadings: the second reading of a conversation: its two directions, and the FlowConsumer that searches them.
// Owned by Conversation from its first contradiction on; one inspector thread.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include "flow/second_reading.h"
#include "flow/stream_history.h"
#include "model/flow.h"

namespace spanwatch::flow {

class SecondReadings {
 public:
  // `lines` outlives it.
  SecondReadings(BlockPool& lines, std::unique_ptr<FlowConsumer> consumer)
      : lines_(lines),
        consumer_(std::move(consumer)),
        sinks_{Sink(*consumer_, Direction::kFromClient), Sink(*consumer_, Direction::kFromServer)} {}

  // What the first reading of a direction passed on.
  void OnFirst(Direction direction, std::uint64_t position, ByteView bytes) noexcept {
    auto& reading = readings_[Index(direction)];
    if (reading) reading->OnFirst(position, bytes);
  }
  // Other bytes than those. A direction's reading begins with what the first one passed on last, which ended at `next`:
  // what lies between there and `position` may come yet.
  void OnOther(Direction direction, const StreamHistory& history, std::uint64_t next, std::uint64_t position,
               ByteView bytes) noexcept {
    auto& reading = readings_[Index(direction)];
    if (!reading) {
      const bool remembered = history.begin() < history.end() && position >= history.begin();
      reading.emplace(lines_, sinks_[Index(direction)], remembered ? history.begin() : std::min(position, next));
      if (remembered) {
        history.ForEach([&](std::uint64_t at, ByteView run) { reading->OnFirst(at, run); });
      }
    }
    reading->OnOther(position, bytes);
  }
  // Passes on what waits, and ends both directions. Nothing may follow.
  void Finish() noexcept {
    for (auto& reading : readings_) {
      if (reading) reading->Finish();
    }
    consumer_->OnEnd(Direction::kFromClient);
    consumer_->OnEnd(Direction::kFromServer);
  }

 private:
  class Sink : public ReadingSink {
   public:
    Sink(FlowConsumer& consumer, Direction direction) : consumer_(consumer), direction_(direction) {}
    void OnReadingData(ByteView bytes) noexcept override { consumer_.OnData(direction_, bytes); }
    void OnReadingGap(std::uint64_t length) noexcept override { consumer_.OnGap(direction_, length); }

   private:
    FlowConsumer& consumer_;
    Direction direction_;
  };

  BlockPool& lines_;
  std::unique_ptr<FlowConsumer> consumer_;
  std::array<Sink, 2> sinks_;
  std::array<std::optional<SecondReading>, 2> readings_;
};

}  // namespace spanwatch::flow
