// FlowKey: the five-tuple of a conversation, the same for both directions. A plain value; safe from any thread.
#pragma once

#include <xxhash.h>

#include <cstring>

#include "model/packet.h"

namespace spanwatch::flow {

// Two endpoints in order of their bytes, and the protocol. No padding: hashed and compared as bytes.
struct FlowKey {
  std::array<std::uint8_t, 40>
      bytes{};  // address (16) | port (2), twice | address length (1) | transport | protocol | 0

  static FlowKey Of(const DecodedPacket& packet) {
    FlowKey key;
    const bool source_first = Compare(packet.source, packet.destination) <= 0;
    key.Put(0, source_first ? packet.source : packet.destination);
    key.Put(18, source_first ? packet.destination : packet.source);
    key.bytes[36] = packet.source.address.length;
    key.bytes[37] = static_cast<std::uint8_t>(packet.transport);
    key.bytes[38] = packet.ip_protocol;
    return key;
  }
  std::uint64_t Hash(std::uint64_t seed) const { return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed); }
  friend bool operator==(const FlowKey& a, const FlowKey& b) { return std::memcmp(&a, &b, sizeof(FlowKey)) == 0; }

 private:
  static int Compare(const Endpoint& a, const Endpoint& b) {
    const int addresses = std::memcmp(a.address.bytes.data(), b.address.bytes.data(), a.address.bytes.size());
    return addresses != 0 ? addresses : int{a.port} - int{b.port};
  }
  void Put(std::size_t at, const Endpoint& endpoint) {
    std::memcpy(bytes.data() + at, endpoint.address.bytes.data(), endpoint.address.bytes.size());
    bytes[at + 16] = static_cast<std::uint8_t>(endpoint.port >> 8);
    bytes[at + 17] = static_cast<std::uint8_t>(endpoint.port);
  }
};
static_assert(sizeof(FlowKey) == 40);

}  // namespace spanwatch::flow
