// DuplicateFilter: tells a frame that the span port delivered twice (both directions mirrored, several VLANs) from a
// retransmission: the same IP identification, position, length, flags and bytes within flow.duplicate_window_us. One
// for each direction of a conversation; one thread.
#pragma once

#include <array>

#include "model/packet.h"

namespace spanwatch::flow {

class DuplicateFilter {
 public:
  // Whether an equal packet was seen within `window`; it is remembered otherwise. The last 8 are.
  bool Seen(const DecodedPacket& packet, Duration window) noexcept;

 private:
  struct Frame {
    std::uint32_t sequence = 0;
    std::uint32_t microseconds = 0;  // wraps after 71 minutes; `window` is far shorter
    std::uint64_t mixed = 0;
  };
  std::array<Frame, 8> frames_{};
  std::uint8_t next_ = 0;
  std::uint8_t count_ = 0;
};

}  // namespace spanwatch::flow
