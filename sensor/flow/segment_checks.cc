#include "flow/segment_checks.h"

#include <algorithm>

namespace spanwatch::flow {
namespace {

// A longer IP packet was made of several by a network card (TSO, GRO); its checksum was that of the pieces.
constexpr std::uint32_t kLongestOnTheWire = 1500;
// No receiver's window is taken for smaller, so that an unknown scale makes no acknowledgement too old.
constexpr std::uint64_t kSmallestWindow = 65536;

bool IsFlagged(const DecodedPacket& packet, std::uint8_t flag) { return (packet.tcp.flags & flag) != 0; }

}  // namespace

std::optional<Doubt> SegmentChecks::Judge(const DecodedPacket& packet, const TcpReassembler& stream, bool window_known,
                                          const Peer& peer) const {
  // RFC 9293 section 3.10.7.4: without ACK it is dropped, whatever the state.
  if (!IsFlagged(packet, TcpFields::kAck) && Doubts(Doubt::kNoAcknowledgement)) return Doubt::kNoAcknowledgement;
  if (const auto doubt = JudgeHeaders(packet)) return doubt;
  if (Doubts(Doubt::kAcknowledgement) && BadAcknowledgement(packet, peer)) return Doubt::kAcknowledgement;
  // RFC 9293 section 3.10.7.4: nothing of it lies in the window.
  const bool beyond = window_known && stream.heard() && stream.PositionOf(packet.tcp.sequence) >= stream.granted();
  if (beyond && Doubts(Doubt::kWindow)) return Doubt::kWindow;
  return std::nullopt;
}

std::optional<Doubt> SegmentChecks::JudgeHeaders(const DecodedPacket& packet) const {
  if (packet.overlong && Doubts(Doubt::kLength)) return Doubt::kLength;
  const bool merged = !packet.reassembled && packet.payload_length > kLongestOnTheWire;
  if (packet.checksum == Checksum::kWrong && right_checksum_ && !merged && Doubts(Doubt::kChecksum)) {
    return Doubt::kChecksum;
  }
  if (!seen_) return std::nullopt;
  if (packet.hop_limit < hop_limit_) return Doubt::kHopLimit;
  if (packet.ip_options && !ip_options_ && Doubts(Doubt::kIpOptions)) return Doubt::kIpOptions;
  // RFC 2385 section 2: a receiver drops a signature that it does not expect, and misses one that it does.
  if (packet.tcp.has_signature != signature_ && Doubts(Doubt::kSignature)) return Doubt::kSignature;
  // RFC 7323 sections 3.2 and 5.3: older than what was taken, or missing where both ends agreed on it.
  const bool old = packet.tcp.has_timestamp && static_cast<std::int32_t>(packet.tcp.timestamp - latest_timestamp_) < 0;
  const bool unlike = timestamps_ && (old || !packet.tcp.has_timestamp);
  if (unlike && Doubts(Doubt::kTimestamp)) return Doubt::kTimestamp;
  return std::nullopt;
}

// RFC 9293 section 3.10.7.4 and RFC 5961 section 5.2: it acknowledges what was never sent, or something too old.
bool SegmentChecks::BadAcknowledgement(const DecodedPacket& packet, const Peer& peer) const {
  if (!peer.stream.located()) return false;
  if (!peer.stream.Plausible(packet.tcp.acknowledgement)) return true;
  const std::uint64_t position = peer.stream.PositionOf(packet.tcp.acknowledgement);
  if (peer.stream.granted() != 0 && position > peer.stream.reach() + 1) return true;
  return position + std::max(peer.largest_window, kSmallestWindow) < peer.stream.acknowledged();
}

void SegmentChecks::Learn(const DecodedPacket& packet, bool doubted, bool next) {
  if (packet.checksum == Checksum::kRight) right_checksum_ = true;
  if (doubted || (packet.checksum == Checksum::kWrong && right_checksum_)) return;
  if (!seen_) {
    seen_ = true;
    hop_limit_ = packet.hop_limit;
    ip_options_ = packet.ip_options;
    signature_ = packet.tcp.has_signature;
    timestamps_ = packet.tcp.has_timestamp;
    latest_timestamp_ = packet.tcp.timestamp;
    return;
  }
  if (packet.payload_length == 0 && !IsFlagged(packet, TcpFields::kRst))
    hop_limit_ = std::max(hop_limit_, packet.hop_limit);
  if (!packet.tcp.has_timestamp) {
    if (IsFlagged(packet, TcpFields::kSyn)) timestamps_ = false;
  } else if (next && static_cast<std::int32_t>(packet.tcp.timestamp - latest_timestamp_) > 0) {
    latest_timestamp_ = packet.tcp.timestamp;
  }
}

void SegmentChecks::OnRefuted(Doubt doubt, std::uint8_t hop_limit) {
  if (doubt == Doubt::kHopLimit) {
    hop_limit_ = std::min(hop_limit_, hop_limit);
    return;
  }
  std::uint8_t& refuted = refuted_[static_cast<std::size_t>(doubt)];
  if (refuted < kRefutedForGood) ++refuted;
}

}  // namespace spanwatch::flow
