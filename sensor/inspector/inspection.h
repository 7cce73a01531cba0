// Inspection: the stages of one inspector wired together, from a captured frame to the ring (design.md section 3).
// Owned by the inspector process (live and replay); one thread.
#pragma once

#include <set>

#include "capture/packet_source.h"
#include "decode/decoder.h"
#include "flow/flow_table.h"
#include "inspector/flow_watch.h"
#include "inspector/ring_sink.h"
#include "process/shared_block.h"

namespace spanwatch::inspector {

class Inspection : public CapturedPacketConsumer, public PacketConsumer {
 public:
  // Which flows are this inspector's: those whose owner is `index` of `count`. Live the kernel has already chosen.
  struct Share {
    std::uint32_t index = 0;
    std::uint32_t count = 1;
  };

  // `joined`: live, of several inspectors, takes what belongs to another; else null. Outlives the inspection.
  Inspection(const config::Limits& limits, process::SharedBlock& block, RingSink& sink, Zones zones, Share share,
             std::string interface_name, std::shared_ptr<const MatchContext> match, JoinedDatagramConsumer* joined);

  void OnCaptured(const CapturedPacket& packet) noexcept override;
  // What another inspector joined for this one.
  void OnHandedOver(const JoinedDatagram& datagram) noexcept;
  void OnPacket(const DecodedPacket& packet) noexcept override;

  // Live, when no packet came for a while: time goes on all the same.
  void Idle(PacketTime now) noexcept;
  // Live, now and then: packet time follows the wall clock when that was set back. Nothing ends or expires by that.
  void FollowClock(PacketTime wall) noexcept;
  // New flows match against this from now on; what went before goes with its last flow. All flows cross these zones.
  void Swap(std::shared_ptr<const MatchContext> match, Zones zones) {
    context_.zones = std::move(zones);
    factory_.Swap(std::move(match));
  }
  // The capture is over: datagrams that wait for fragments are given up. OnHandedOver may still follow.
  void EndCapture() noexcept { decoder_.Finish(); }
  // After EndCapture: every flow ends.
  void Finish() noexcept;

 private:
  void Advance(PacketTime now) noexcept;
  void ReturnMemory() noexcept;
  void Schedule(FlowWatch* flow, std::optional<PacketTime> deadline);

  process::SharedBlock& block_;
  RingSink& sink_;
  Share share_;
  AnomalyReporter anomalies_;
  FloodTransfers floods_;
  fingerprint::PictureMemory pictures_;
  PictureTally picture_tally_;
  fingerprint::DecodingPool decoding_;
  content::OpenMemory memory_;
  std::uint64_t most_held_ = 0;  // of memory_, since memory last went back to the system
  std::set<std::pair<PacketTime, FlowWatch*>> deadlines_;
  std::map<FlowWatch*, PacketTime> deadline_of_;
  WatchContext context_;
  FlowWatchFactory factory_;
  flow::FlowTable flows_;
  decode::Decoder decoder_;
  PacketTime now_ = PacketTime::min();
  PacketTime told_watermark_ = PacketTime::min();
};

}  // namespace spanwatch::inspector
