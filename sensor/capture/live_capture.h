// LiveCapture: frames that arrive at an interface, through libpcap's TPACKET_V3 ring. Made by an inspector before it
// seals itself (opening needs CAP_NET_RAW); joining the fan-out, setting its program and statistics need nothing after
// that.
//
// Order: Open, KeepOnly, JoinFanout, (SetFanoutProgram by the first to join, at once: without a program the kernel
// gives everything to the first), DuplicateSocket, ReleaseSocket, then Deliver. Until it has joined, the socket sees
// everything, so KeepOnly filters by the owner function until shortly after joining. One thread.
#pragma once

#include <linux/filter.h>

#include <memory>
#include <span>
#include <string>

#include "base/unique_fd.h"
#include "capture/packet_source.h"
#include "config/limits.h"

namespace spanwatch::capture {

class LiveCapture : public PacketSource {
 public:
  // Since the last call, or since the socket was opened.
  struct Statistics {
    std::uint64_t received = 0;  // passed the fan-out to this socket, dropped ones included
    std::uint64_t dropped = 0;   // the ring was full
  };

  // Promiscuous, non-blocking. `interface_index` is copied into every packet.
  static Result<std::unique_ptr<LiveCapture>> Open(const std::string& interface, std::uint16_t interface_index,
                                                   const config::Limits& limits);

  // DLT_ value of libpcap (pcap-linktype(7)) of every frame.
  virtual int link_type() const = 0;
  // Until the fan-out is in effect, delivers only frames with OwnerHashOfFrame() % members == bucket.
  virtual void KeepOnly(std::uint32_t bucket, std::uint32_t members) = 0;
  virtual Status JoinFanout(std::uint16_t group, std::uint16_t max_members) = 0;
  // Replaces the program of the whole group.
  virtual Status SetFanoutProgram(std::span<const sock_filter> program) = 0;
  // For the launcher, which keeps the place in the group when this process dies. Close-on-exec.
  virtual Result<UniqueFd> DuplicateSocket() const = 0;
  // Lets go of the socket: a packet socket cannot be shut for sending, and whoever holds one may send on any interface.
  // The ring stays mapped, which keeps the socket alive, and a descriptor that only tells when frames are there takes
  // its place. From here on only Deliver and poll_fd work, and that the interface goes down or away only the holder of
  // a duplicate sees. Call it last, before the process seals itself.
  virtual Status ReleaseSocket() = 0;
  // Read-and-reset, and shared by all holders of the socket: exactly one of them may call it.
  virtual Result<Statistics> TakeStatistics() = 0;
};

// The same three on a duplicate, for the launcher. TakeStatistics also takes the error that the interface's going down
// leaves at the socket, which else would keep it readable for ever.
Status JoinFanout(int packet_socket, std::uint16_t group, std::uint16_t max_members);
Status SetFanoutProgram(int packet_socket, std::span<const sock_filter> program);
Result<LiveCapture::Statistics> TakeStatistics(int packet_socket);

}  // namespace spanwatch::capture
