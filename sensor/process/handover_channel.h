// Handover: how one inspector gives another an IP datagram that it joined from fragments and that belongs to the other
// (design.md section 2). Each inspector has one channel, a one-way pair of Unix packet sockets made by the launcher,
// which outlives both sides: the owner holds the receiving end, all others the same sending end. Packets that wait in a
// channel when its owner dies are taken by its successor.
//
// Nothing here blocks. A packet that finds the channel full waits in the sender's bounded memory; beyond that it is
// dropped and counted. Any sender may be in the hands of an attacker: the receiver checks every field and gives nothing
// when one is odd. Senders and the receiver: one inspector thread each.
//
//   message: time i64 | length u32 | interface u16 | VLAN 2 x u16 | encapsulations u8, 8 x u8 | protocol u8
//            address length u8 | source, destination 16 each | content
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "model/packet.h"
#include "telemetry/counters.h"

namespace spanwatch::process {

struct HandoverChannel {
  UniqueFd receiving;
  UniqueFd sending;
};

// With room for what the kernel allows an ordinary process (net.core.wmem_max).
Result<HandoverChannel> MakeHandoverChannel();

class HandoverSender {
 public:
  // `channels`: sending ends by inspector; that of this inspector is empty. `counters` outlives it.
  HandoverSender(std::vector<UniqueFd> channels, std::size_t waiting_bytes_max, Counters& counters);

  // Those that something is sent on.
  std::vector<int> fds() const;
  std::uint32_t inspectors() const { return static_cast<std::uint32_t>(channels_.size()); }
  // REQUIRES: owner < inspectors(), and not this one.
  void Send(std::uint32_t owner, const JoinedDatagram& datagram) noexcept;
  // Sends what waits as far as there is room; true when nothing waits any more.
  bool Flush() noexcept;

 private:
  struct Channel {
    UniqueFd socket;
    std::deque<Bytes> waiting;
  };
  void FlushChannel(Channel& channel) noexcept;

  std::vector<Channel> channels_;
  const std::size_t waiting_bytes_max_;
  std::size_t waiting_bytes_ = 0;
  Counters& counters_;
};

class HandoverReceiver {
 public:
  // `counters` outlives it.
  HandoverReceiver(UniqueFd channel, Counters& counters);

  int fd() const { return channel_.get(); }
  // The next packet that can be believed; nothing when none waits. Its content is valid until the next call. `now`
  // (wall clock): packets from the future or from long ago are not believed, since time drives every time-out.
  std::optional<JoinedDatagram> Receive(PacketTime now) noexcept;

 private:
  UniqueFd channel_;
  Counters& counters_;
  Bytes buffer_;
};

}  // namespace spanwatch::process
