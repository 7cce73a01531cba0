// PacketRecorder: keeps what a Decoder tells, payloads copied. One decoder with default limits comes with it.
#pragma once

#include <vector>

#include "decode/decoder.h"
#include "support/packet_builder.h"

namespace spanwatch::decode {

class PacketRecorder final : public PacketConsumer, public AnomalySink {
 public:
  explicit PacketRecorder(const config::Limits& limits = {})
      : limits_(limits), decoder_(limits_, counters, *this, *this) {}

  void OnPacket(const DecodedPacket& packet) noexcept override {
    packets.push_back(packet);
    payloads.emplace_back(AsText(packet.payload));
  }
  void OnAnomaly(AnomalyCode code) noexcept override { anomalies.push_back(code); }

  void Decode(const Bytes& frame, int link_type = 1, PacketTime time = {}) {
    decoder_.Decode(testing::PacketBuilder::Captured(frame, time, link_type));
  }
  void Decode(const CapturedPacket& packet) { decoder_.Decode(packet); }
  void Finish() { decoder_.Finish(); }
  std::uint64_t Get(Counter counter) const { return counters.Get(counter); }

  Counters counters;
  std::vector<DecodedPacket> packets;  // their `payload` is stale: see payloads
  std::vector<std::string> payloads;
  std::vector<AnomalyCode> anomalies;

 private:
  config::Limits limits_;
  Decoder decoder_;
};

}  // namespace spanwatch::decode
