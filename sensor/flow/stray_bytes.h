// StrayBytes: payload that comes with the ports of a TCP connection and belongs to no position of its streams: in a
// RST, in a SYN amid the connection, under numbers that cannot be, or so far ahead that no reading waits for it. A
// receiver drops it, unless it works with the sender. So it is searched by itself, in the order in which it came. Made
// by Conversation when the first comes; one inspector thread.
#pragma once

#include <array>
#include <memory>

#include "model/flow.h"

namespace spanwatch::flow {

class StrayBytes {
 public:
  explicit StrayBytes(std::unique_ptr<FlowConsumer> consumer) : consumer_(std::move(consumer)) {}

  // `length`: of the payload on the wire. What continues the bytes before it, by its number, is one stream with them.
  void OnBytes(Direction direction, std::uint32_t sequence, ByteView bytes, std::uint32_t length) noexcept {
    Side& side = sides_[Index(direction)];
    if (side.any && sequence != side.next) consumer_->OnGap(direction, 1);
    consumer_->OnData(direction, bytes);
    if (length > bytes.size()) consumer_->OnGap(direction, length - bytes.size());
    side = {true, sequence + length};
  }
  // Ends both directions. Nothing may follow.
  void Finish() noexcept {
    consumer_->OnEnd(Direction::kFromClient);
    consumer_->OnEnd(Direction::kFromServer);
  }

 private:
  struct Side {
    bool any = false;
    std::uint32_t next = 0;
  };
  std::unique_ptr<FlowConsumer> consumer_;
  std::array<Side, 2> sides_{};
};

}  // namespace spanwatch::flow
