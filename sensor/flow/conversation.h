// Conversation: one flow of the table: who talks, both directions' streams, its consumer. Owned by FlowTable.
//
// The consumer is made with the first bytes there are to deliver, when it is known as well as it will be who is the client.
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "flow/tcp_stream.h"

namespace spanwatch::flow {

// Addresses and ports in canonical order (the smaller endpoint first), and the transport.
struct FlowKey {
  Endpoint low;
  Endpoint high;
  std::uint8_t ip_protocol = 0;
  friend bool operator==(const FlowKey&, const FlowKey&) = default;
};

class Conversation : public StreamSink {
 public:
  enum class Phase : std::uint8_t { kOpen, kClosing };  // closing: finished or reset, waits for stragglers

  Conversation(const FlowKey& key, const DecodedPacket& first, const TcpStream::Environment& environment,
               FlowConsumerFactory& factory);

  void OnPacket(const DecodedPacket& packet);
  // A SYN that begins another conversation on the same endpoints.
  bool IsReusedBy(const DecodedPacket& packet) const;
  void Advance(PacketTime now);
  void Close(CloseReason reason);

  const FlowKey& key() const { return key_; }
  const FlowInfo& info() const { return info_; }
  Phase phase() const { return phase_; }
  CloseReason close_reason() const { return reset_ ? CloseReason::kReset : CloseReason::kFinished; }
  PacketTime last_seen() const { return last_seen_; }
  bool waits_for_bytes() const { return streams_[0]->has_held() || streams_[1]->has_held(); }

  void OnStreamData(Direction direction, ByteView bytes) noexcept override;
  void OnStreamGap(Direction direction, std::uint64_t length) noexcept override;
  void OnStreamEnd(Direction direction) noexcept override;

 private:
  Direction DirectionOf(const DecodedPacket& packet) const;
  bool IsDuplicate(Direction direction, const DecodedPacket& packet);
  void OnTcp(Direction direction, const DecodedPacket& packet);
  void LearnClient(const DecodedPacket& packet);
  FlowConsumer& Consumer();
  FlowCounters Counted() const;
  void MaybeReport();

  struct FrameMark {
    std::uint64_t signature = 0;
    PacketTime time;
  };
  static constexpr std::size_t kFramesRemembered = 8;

  FlowKey key_;
  const TcpStream::Environment& environment_;
  FlowConsumerFactory& factory_;
  FlowInfo info_;
  std::array<std::unique_ptr<TcpStream>, 2> streams_;  // by direction
  bool low_is_client_ = true;
  bool client_certain_ = false;
  std::unique_ptr<FlowConsumer> consumer_;
  std::array<bool, 2> told_end_{};
  std::array<std::array<FrameMark, kFramesRemembered>, 2> frames_{};
  std::array<std::uint8_t, 2> next_frame_{};
  Phase phase_ = Phase::kOpen;
  bool reset_ = false;
  PacketTime last_seen_;
  PacketTime next_report_;
};

}  // namespace spanwatch::flow
