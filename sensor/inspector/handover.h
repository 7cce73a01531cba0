// Handover: what a live inspector does with the outer fragments of tunnels (design.md section 2). The kernel gives them
// to the owner of the outer address pair, who joins them; what comes out belongs to whom the kernel would have given it
// whole. In a replay every inspector reads everything and nothing is handed over.
//
//   outer fragments -> inspector A: IpReassembler -> TakeJoined -> channel -> inspector B: TakeHandedOver -> Inspection
//
// It never blocks, and what came over a channel is never handed on. Flows inside tunnels are patient about order
// (flow.tunnel_reorder_time_ms), since small packets do not take this way. One inspector thread.
#pragma once

#include "model/packet.h"
#include "process/handover_channel.h"

namespace spanwatch::inspector {

class Handover : public JoinedDatagramConsumer {
 public:
  // `index`: which inspector this is.
  Handover(std::uint32_t index, process::HandoverSender sender, process::HandoverReceiver receiver)
      : index_(index), sender_(std::move(sender)), receiver_(std::move(receiver)) {}

  bool TakeJoined(const JoinedDatagram& datagram) noexcept override;
  // The next packet that another inspector joined for this one, as HandoverReceiver::Receive gives it.
  std::optional<JoinedDatagram> TakeHandedOver(PacketTime now) noexcept { return receiver_.Receive(now); }
  // Sends what had to wait; true when nothing waits any more.
  bool Flush() noexcept { return sender_.Flush(); }
  // Readable when there is something to take.
  int poll_fd() const { return receiver_.fd(); }
  std::vector<int> sending_fds() const { return sender_.fds(); }

 private:
  std::uint32_t index_;
  process::HandoverSender sender_;
  process::HandoverReceiver receiver_;
};

}  // namespace spanwatch::inspector
