// PacketSource: where frames come from, a live interface or a capture file. Made before the sandbox closes, then driven
// by the packet loop of `inspector` (live) or by the replay reader, from one thread.
//
// Call order: Deliver* until kEnd or an error; nothing after either. No call blocks except Deliver on a pipe.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/result.h"
#include "model/packet.h"

namespace spanwatch::capture {

// For a progress bar, in bytes of the capture as stored (compressed when it is). `total` is 0 when unknown (pipes,
// live).
struct Progress {
  std::uint64_t position = 0;
  std::uint64_t total = 0;
};

class PacketSource {
 public:
  enum class State {
    kMore,  // frames were delivered and more may be ready: call again
    kIdle,  // nothing is ready now: wait for poll_fd() to become readable
    kEnd,   // the capture is finished
  };

  virtual ~PacketSource() = default;
  // Hands at most `max_packets` (at least 1) frames to `consumer`; their bytes live until OnCaptured returns. An error
  // is the end of the capture too; every frame before it was delivered.
  virtual Result<State> Deliver(CapturedPacketConsumer& consumer, std::size_t max_packets) = 0;
  // Readable when frames are ready; -1 when the source is always ready (files).
  virtual int poll_fd() const = 0;
  virtual Progress progress() const = 0;
};

}  // namespace spanwatch::capture
