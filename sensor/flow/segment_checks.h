// SegmentChecks: whether the receiver of one direction of a TCP connection takes a segment, as far as that can be told
// from outside. Owned by Conversation; one inspector thread.
//
// A decoy is a segment that the sensor sees and the receiver drops: whoever sends one before each segment of his hides
// what the segments carry. So a segment that differs from what the direction has shown of itself is doubted: its bytes
// are kept aside (TcpReassembler), and count when the receiver acknowledges them and nothing else came in their place.
// A mistake therefore costs a little time and no byte. What a direction shows is learnt of its handshake, and again
// when doubted segments turn out to have been taken; nothing is shared with other conversations, so that results do not
// depend on what else a sensor sees.
#pragma once

#include <array>
#include <optional>

#include "base/enumeration.h"
#include "flow/tcp_reassembler.h"
#include "model/packet.h"

namespace spanwatch::flow {

class SegmentChecks {
 public:
  // What of the other direction tells whether an acknowledgement can be.
  struct Peer {
    const TcpReassembler& stream;      // that is acknowledged
    std::uint64_t largest_window = 0;  // that this direction has offered
  };

  // Why the receiver may drop it; nothing when it takes it. REQUIRES: the segment carries payload, and is not a SYN.
  std::optional<Doubt> Judge(const DecodedPacket& packet, const TcpReassembler& stream, bool window_known,
                             const Peer& peer) const;
  // Whether a packet of any connection of these two ends is hardly from this sender, or does not reach its receiver.
  bool LooksForged(const DecodedPacket& packet) const {
    return (packet.checksum == Checksum::kWrong && right_checksum_) || (seen_ && packet.hop_limit < hop_limit_);
  }
  // A packet of the direction, after Judge: what it shows. `doubted`: as judged. `next`: its bytes are the next ones.
  void Learn(const DecodedPacket& packet, bool doubted, bool next);
  // A segment that was doubted counts after all.
  void OnRefuted(Doubt doubt, std::uint8_t hop_limit);

 private:
  bool Doubts(Doubt doubt) const { return refuted_[static_cast<std::size_t>(doubt)] < kRefutedForGood; }
  std::optional<Doubt> JudgeHeaders(const DecodedPacket& packet) const;
  bool BadAcknowledgement(const DecodedPacket& packet, const Peer& peer) const;

  // So many mistakes, and a reason counts no more in this direction.
  static constexpr std::uint8_t kRefutedForGood = 3;

  bool seen_ = false;
  bool right_checksum_ = false;  // one was right, so that a wrong one is no work of a network card
  std::uint8_t hop_limit_ = 0;   // the highest of packets without payload; lower ones that were taken lower it
  bool ip_options_ = false;
  bool signature_ = false;
  bool timestamps_ = false;
  std::uint32_t latest_timestamp_ = 0;
  std::array<std::uint8_t, kCountOf<Doubt>> refuted_{};
};

}  // namespace spanwatch::flow
