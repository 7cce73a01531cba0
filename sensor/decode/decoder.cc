#include "decode/decoder.h"

#include <algorithm>

#include "decode/frame.h"
#include "decode/ip_layer.h"
#include "decode/link_layer.h"
#include "decode/transport_layer.h"
#include "decode/tunnel_layer.h"
#include "telemetry/anomaly_codes.h"

namespace spanwatch::decode {
namespace {

void DecodeLayer(Frame& frame) noexcept {
  switch (frame.next) {
    case Layer::kEthernet:
      return DecodeEthernet(frame);
    case Layer::kEtherType:
      return DecodeEtherType(frame);
    case Layer::kMpls:
      return DecodeMpls(frame);
    case Layer::kPppoe:
      return DecodePppoe(frame);
    case Layer::kPpp:
      return DecodePpp(frame);
    case Layer::kHdlc:
      return DecodeHdlc(frame);
    case Layer::kLinuxCooked:
      return DecodeLinuxCooked(frame);
    case Layer::kLinuxCooked2:
      return DecodeLinuxCooked2(frame);
    case Layer::kNull:
      return DecodeNull(frame);
    case Layer::kIp:
      return DecodeIp(frame);
    case Layer::kIpv4:
      return DecodeIpv4(frame);
    case Layer::kIpv6:
      return DecodeIpv6(frame);
    case Layer::kIpProtocol:
      return DecodeIpProtocol(frame);
    case Layer::kIpv6Extension:
      return DecodeIpv6Extension(frame);
    case Layer::kAuthentication:
      return DecodeAuthentication(frame);
    case Layer::kTcp:
      return DecodeTcp(frame);
    case Layer::kUdp:
      return DecodeUdp(frame);
    case Layer::kIcmp:
      return DecodeIcmp(frame);
    case Layer::kSctp:
      return DecodeSctp(frame);
    case Layer::kGre:
      return DecodeGre(frame);
    case Layer::kVxlan:
      return DecodeVxlan(frame);
    case Layer::kGeneve:
      return DecodeGeneve(frame);
    case Layer::kGtpU:
      return DecodeGtpU(frame);
    case Layer::kFragment:
    case Layer::kDeliver:
    case Layer::kFailed:
      return;
  }
}

// A fragment by itself: the first has a transport header, the others are bytes of the datagram.
void StandForItself(Frame& frame, std::uint8_t protocol, bool first) noexcept {
  frame.ip_protocol = protocol;
  frame.packet.ip_protocol = protocol;
  if (!first) return frame.Deliver(Transport::kOther);
  frame.next = Layer::kIpProtocol;
}

// What to hand over; none when nothing of the frame is usable.
const DecodedPacket* UsablePacket(const Frame& frame) noexcept {
  if (frame.next == Layer::kDeliver) return &frame.packet;
  return frame.in_tunnel ? &frame.tunnel : nullptr;
}

}  // namespace

Decoder::Decoder(const config::Limits& limits, Counters& counters, AnomalySink& anomalies, PacketConsumer& consumer,
                 JoinedDatagramConsumer* joined)
    : limits_(limits),
      counters_(counters),
      anomalies_(anomalies),
      consumer_(consumer),
      joined_(joined),
      reassembler_(limits, counters, anomalies, *this) {}

void Decoder::Decode(const CapturedPacket& packet) noexcept {
  Frame frame{.anomalies = anomalies_};
  frame.bytes = packet.bytes;
  frame.length = std::max(packet.original_length, static_cast<std::uint32_t>(packet.bytes.size()));
  frame.packet.time = packet.time;
  frame.packet.interface_index = packet.interface_index;
  now_ = packet.time;
  reassembler_.BeginFrame(packet.time);
  DecodeLinkType(frame, packet.link_type);
  WalkAndTell(frame);
}

void Decoder::DecodeJoined(const JoinedDatagram& datagram) noexcept {
  Frame frame{.anomalies = anomalies_};
  frame.bytes = datagram.content;
  frame.length = std::max(datagram.length, static_cast<std::uint32_t>(datagram.content.size()));
  frame.packet = datagram.begun;
  frame.packet.reassembled = true;
  frame.owner_decided = true;
  now_ = datagram.begun.time;
  reassembler_.BeginFrame(now_);
  StandForItself(frame, datagram.protocol, true);
  WalkAndTell(frame);
}

void Decoder::WalkAndTell(Frame& frame) noexcept {
  switch (Walk(frame, Fragments::kJoin)) {
    case Walked::kThrough:
      break;
    case Walked::kHeld:
      return counters_.Add(Counter::fragments_held);
    case Walked::kTaken:
      return counters_.Add(Counter::datagrams_handed_over);
  }
  const DecodedPacket* result = UsablePacket(frame);
  if (result == nullptr) return Drop(frame);
  if (frame.next == Layer::kFailed && frame.failure != Failure::kUnknown) {
    anomalies_.OnAnomaly(AnomalyCode::tunnel_undecodable);
  }
  counters_.Add(Counter::packets_decoded);
  consumer_.OnPacket(*result);
}

void Decoder::Finish() noexcept { reassembler_.Finish(); }

void Decoder::OnPiece(const Piece& piece) noexcept {
  if (piece.offset == 0 && !piece.owner_decided && joined_ != nullptr) {
    JoinedDatagram datagram{piece.header, piece.protocol, piece.bytes, piece.left};
    datagram.begun.time = now_;
    if (joined_->TakeJoined(datagram)) return counters_.Add(Counter::pieces_handed_over);
  }
  Frame frame{.anomalies = anomalies_};
  frame.packet = piece.header;
  frame.packet.time = now_;
  frame.bytes = piece.bytes;
  frame.length = piece.offset == 0 ? piece.left : static_cast<std::uint32_t>(piece.bytes.size());
  StandForItself(frame, piece.protocol, piece.offset == 0);
  (void)Walk(frame, Fragments::kStandAlone);
  const DecodedPacket* result = UsablePacket(frame);
  if (result == nullptr) return;
  counters_.Add(Counter::fragment_pieces);
  consumer_.OnPacket(*result);
}

Decoder::Walked Decoder::Walk(Frame& frame, Fragments fragments) noexcept {
  std::uint64_t layers = limits_.decode_layers_count;
  while (frame.next != Layer::kDeliver && frame.next != Layer::kFailed) {
    if (layers-- == 0) {
      anomalies_.OnAnomaly(AnomalyCode::packet_too_many_layers);
      frame.Fail(Failure::kLayers);
    } else if (frame.next != Layer::kFragment) {
      DecodeLayer(frame);
    } else if (fragments == Fragments::kStandAlone) {
      StandForItself(frame, frame.fragment.protocol, frame.fragment.offset == 0);
    } else if (const Walked walked = Join(frame); walked != Walked::kThrough) {
      return walked;
    }
  }
  return Walked::kThrough;
}

Decoder::Walked Decoder::Join(Frame& frame) noexcept {
  switch (reassembler_.Add(frame.fragment, frame.packet)) {
    case FragmentResult::kHeld:
    case FragmentResult::kDuplicate:
      return Walked::kHeld;
    case FragmentResult::kRefused:
      StandForItself(frame, frame.fragment.protocol, frame.fragment.offset == 0);
      return Walked::kThrough;
    case FragmentResult::kJoined:
      break;
  }
  frame.bytes = reassembler_.datagram();
  frame.length = static_cast<std::uint32_t>(frame.bytes.size());
  frame.packet.reassembled = true;
  const DecodedPacket& header = reassembler_.header();
  frame.packet.hop_limit = header.hop_limit;
  frame.packet.ip_options = header.ip_options;
  frame.packet.overlong = header.overlong;
  frame.packet.checksum = header.checksum;
  if (joined_ != nullptr && !frame.owner_decided &&
      joined_->TakeJoined({frame.packet, reassembler_.protocol(), frame.bytes, frame.length})) {
    return Walked::kTaken;
  }
  // What else is fragmented inside has met its owner by now.
  frame.owner_decided = true;
  StandForItself(frame, reassembler_.protocol(), true);
  return Walked::kThrough;
}

void Decoder::Drop(const Frame& frame) noexcept {
  switch (frame.failure) {
    case Failure::kTruncated:
      counters_.Add(Counter::packets_dropped_truncated);
      return anomalies_.OnAnomaly(AnomalyCode::packet_truncated);
    case Failure::kUnknown:
      return counters_.Add(Counter::packets_dropped_unknown);
    case Failure::kMalformed:
      counters_.Add(Counter::packets_dropped_malformed);
      return anomalies_.OnAnomaly(AnomalyCode::packet_malformed_header);
    case Failure::kLayers:
      return counters_.Add(Counter::packets_dropped_layers);
  }
}

}  // namespace spanwatch::decode
