// FlowInfo, FlowConsumer: where `flow` meets `protocol` and the raw search (wired by `inspector`).
//
// The flow stage owns one FlowInfo per conversation and asks the FlowConsumerFactory for one FlowConsumer when it
// begins. Both live until OnClose returns. One inspector thread; callbacks are noexcept and must not keep the views.
#pragma once

#include <memory>

#include "model/anomaly.h"
#include "model/packet.h"

namespace spanwatch {

// Who sends. The client is who opened the conversation (TCP SYN; else the first sender, or the higher port mid-stream).
enum class Direction : std::uint8_t { kFromClient = 0, kFromServer = 1 };
constexpr Direction Opposite(Direction direction) {
  return direction == Direction::kFromClient ? Direction::kFromServer : Direction::kFromClient;
}
constexpr std::size_t Index(Direction direction) { return static_cast<std::size_t>(direction); }

// What many conversations have in common that begin within a short time, carry next to nothing and are not answered
// (flow/flood_watch.h): who is flooded, or who floods. kAnywhere: neither end is the same.
enum class Flood : std::uint8_t { kNone, kToHost, kToNetwork, kFromHost, kFromNetwork, kAnywhere };
template <>
inline constexpr std::size_t kCountOf<Flood> = 6;

constexpr std::string_view ToString(Flood flood) {
  constexpr std::string_view kNames[] = {"none", "to-host", "to-network", "from-host", "from-network", "anywhere"};
  static_assert(std::size(kNames) == kCountOf<Flood>);
  return kNames[static_cast<std::size_t>(flood)];
}

struct FlowInfo {
  std::uint64_t id = 0;  // hash of the five-tuple and the time of the first packet: the same in every replay
  Endpoint client;
  Endpoint server;
  Transport transport = Transport::kOther;
  std::uint8_t ip_protocol = 0;
  PacketTime start;
  PacketTime now;  // time of the packet being delivered; updated by `flow` before each callback
  std::array<std::uint16_t, 2> vlan{};
  std::array<Encapsulation, 8> encapsulations{};
  std::uint8_t encapsulation_count = 0;
  std::uint16_t interface_index = 0;
  bool midstream = false;       // the beginning was not seen
  bool roles_doubtful = false;  // both ends opened the connection, or both answered: either may be the client
  Flood flood = Flood::kNone;   // that it is part of, until it is answered or carries more

  const Endpoint& Sender(Direction direction) const { return direction == Direction::kFromClient ? client : server; }
  const Endpoint& Receiver(Direction direction) const { return Sender(Opposite(direction)); }
};

// Per direction, since the flow began. Payload bytes of the transport.
// Conservation: payload_bytes == delivered_bytes + retransmitted_bytes + dropped_bytes (+ bytes still held).
struct DirectionCounters {
  std::uint64_t packets = 0;
  std::uint64_t payload_bytes = 0;        // as captured, repeats included
  std::uint64_t delivered_bytes = 0;      // given to OnData, each position once
  std::uint64_t retransmitted_bytes = 0;  // positions already delivered or held
  std::uint64_t duplicate_frames = 0;     // the same frame seen twice by the span port; kept out of packets
  std::uint64_t gap_bytes = 0;            // told by OnGap
  std::uint64_t lost_before_sensor_bytes =
      0;  // of the gaps: acknowledged by the receiver, so the sensor's feed lost them
  std::uint64_t lost_unsure_bytes =
      0;                            // of these: neither a window nor bytes that were seen explain the acknowledgement
  std::uint64_t dropped_bytes = 0;  // given up at a limit
};

struct FlowCounters {
  std::array<DirectionCounters, 2> by_direction{};
};

// kFlood: one of more conversations of floods than are kept.
enum class CloseReason : std::uint8_t { kFinished, kReset, kIdle, kEvicted, kFlood, kShutdown };

// Per direction: (OnData | OnGap)* OnEnd?  then, once for the flow, OnClose. OnReport and OnEvasion may come between
// any two.
class FlowConsumer {
 public:
  virtual ~FlowConsumer() = default;
  // The next bytes of the stream, in order (TCP), or one whole datagram (other transports).
  virtual void OnData(Direction direction, ByteView bytes) noexcept = 0;
  // `length` bytes of the stream were never seen, or were given up at a limit.
  virtual void OnGap(Direction direction, std::uint64_t length) noexcept = 0;
  // No more bytes will come in this direction (FIN or RST, or the flow is closing).
  virtual void OnEnd(Direction direction) noexcept = 0;
  // Progress of a long conversation, every few minutes of packet time.
  virtual void OnReport(const FlowCounters& counters) noexcept = 0;
  // The bytes of this direction can be read in two ways, or the sender tried to make it so.
  virtual void OnEvasion(Direction direction, AnomalyCode code) noexcept = 0;
  // For the other way to read the same conversation: what it finds counts with what this one finds. It is told OnData,
  // OnGap and OnEnd, and goes before the OnClose of this one. Never null.
  virtual std::unique_ptr<FlowConsumer> NewReading() noexcept = 0;
  // Last call; OnEnd has been called for both directions.
  virtual void OnClose(const FlowCounters& counters, CloseReason reason) noexcept = 0;
};

class FlowConsumerFactory {
 public:
  virtual ~FlowConsumerFactory() = default;
  // Never null. `info` outlives the consumer.
  virtual std::unique_ptr<FlowConsumer> NewFlow(const FlowInfo& info) noexcept = 0;
  // A conversation began that is part of the flood `info.flood`. It need not have a consumer, now or later.
  virtual void OnFlood(const FlowInfo& info) noexcept = 0;
};

}  // namespace spanwatch
