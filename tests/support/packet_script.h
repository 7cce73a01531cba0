// PacketScript: decoded packets of conversations for tests of `flow`: built in order, then shuffled, repeated or
// thinned out, then played. Payloads live in the packets, so that a script may be copied and changed.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/packet.h"

namespace spanwatch::testing {

struct ScriptedPacket {
  DecodedPacket packet;  // payload set when played
  std::string payload;
  std::uint32_t cut = 0;  // payload bytes that the snap length took from the end

  void Play(PacketConsumer& consumer) const {
    DecodedPacket played = packet;
    // A block of exactly its size, so that a sanitizer sees reads beyond it.
    const std::size_t kept = payload.size() - std::min<std::size_t>(cut, payload.size());
    const auto bytes = std::make_unique<std::uint8_t[]>(kept);
    for (std::size_t i = 0; i < kept; ++i) bytes[i] = static_cast<std::uint8_t>(payload[i]);
    played.payload = {bytes.get(), kept};
    played.payload_length = static_cast<std::uint32_t>(payload.size());
    consumer.OnPacket(played);
  }
};

using PacketScript = std::vector<ScriptedPacket>;

inline void Play(const PacketScript& script, PacketConsumer& consumer) {
  for (const ScriptedPacket& packet : script) packet.Play(consumer);
}

// The two ends of one TCP connection; each call appends one packet, 1 ms after the one before.
class TcpScript {
 public:
  TcpScript(std::uint32_t client_sequence = 1000, std::uint32_t server_sequence = 900000) {
    next_ = {client_sequence, server_sequence};
    client = {*ParseIpAddress("10.20.0.9"), 51514};
    server = {*ParseIpAddress("198.51.100.7"), 80};
  }

  ScriptedPacket& Raw(bool from_client, std::uint32_t sequence, std::uint8_t flags, std::string_view payload = {}) {
    DecodedPacket packet;
    packet.time = time;
    time += std::chrono::milliseconds(1);
    packet.source = from_client ? client : server;
    packet.destination = from_client ? server : client;
    packet.transport = Transport::kTcp;
    packet.ip_protocol = 6;
    packet.ip_id = ++ip_id_;
    packet.tcp = {sequence, (flags & TcpFields::kAck) != 0 ? next_[from_client ? 1 : 0] : 0, 65000, flags};
    packets.push_back({packet, std::string(payload)});
    return packets.back();
  }
  void Handshake() {
    Raw(true, next_[0]++, TcpFields::kSyn);
    Raw(false, next_[1]++, TcpFields::kSyn | TcpFields::kAck);
    Ack(true);
  }
  void Send(bool from_client, std::string_view payload) {
    std::uint32_t& next = next_[from_client ? 0 : 1];
    Raw(from_client, next, TcpFields::kAck | TcpFields::kPsh, payload);
    next += static_cast<std::uint32_t>(payload.size());
  }
  void Ack(bool from_client) { Raw(from_client, next_[from_client ? 0 : 1], TcpFields::kAck); }
  void Fin(bool from_client) { Raw(from_client, next_[from_client ? 0 : 1]++, TcpFields::kFin | TcpFields::kAck); }
  void Reset(bool from_client) { Raw(from_client, next_[from_client ? 0 : 1], TcpFields::kRst | TcpFields::kAck); }
  void Close() {
    Fin(true);
    Fin(false);
    Ack(true);
  }
  std::uint32_t& next(bool from_client) { return next_[from_client ? 0 : 1]; }

  PacketScript packets;
  Endpoint client, server;
  PacketTime time = PacketTime(std::chrono::seconds(1'700'000'000));

 private:
  std::array<std::uint32_t, 2> next_{};
  std::uint16_t ip_id_ = 0;
};

}  // namespace spanwatch::testing
