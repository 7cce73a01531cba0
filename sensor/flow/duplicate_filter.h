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
  // Whether a packet was seen within `window` that is equal but for its sequence and acknowledgement numbers. Told by
  // the IP identification, where the sender gives each packet another: not where it is always 0 or always the same.
  bool SeenRenumbered(const DecodedPacket& packet, Duration window) const noexcept;

 private:
  struct Frame {
    std::uint32_t sequence = 0;
    std::uint32_t microseconds = 0;  // wraps after 71 minutes; `window` is far shorter
    std::uint64_t mixed = 0;         // all but the sequence number
    std::uint32_t content = 0;       // all but both numbers
    std::uint16_t ip_id = 0;
  };
  std::array<Frame, 8> frames_{};
  std::uint8_t next_ = 0;
  std::uint8_t count_ = 0;
};

}  // namespace spanwatch::flow
