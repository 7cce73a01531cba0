// FlowFacts: what a protocol parser learnt of a conversation as a whole. ExchangeFacts: what it learnt of one exchange,
// a request with its response (design.md section 10.2). Both go into events.
#pragma once

#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/enumeration.h"

namespace spanwatch {

enum class Visibility : std::uint8_t { kUnknown, kClear, kEncoded, kEncrypted, kExempt };
template <>
inline constexpr std::size_t kCountOf<Visibility> = 5;

constexpr std::string_view ToString(Visibility visibility) {
  switch (visibility) {
    case Visibility::kUnknown:
      return "unknown";
    case Visibility::kClear:
      return "clear";
    case Visibility::kEncoded:
      return "encoded";
    case Visibility::kEncrypted:
      return "encrypted";
    case Visibility::kExempt:
      return "exempt";
  }
  return "unknown";
}

// Made by a parser for each exchange before it opens the first object of it, shared by all objects of the exchange
// (ObjectInfo::exchange) and never changed. What a sighting tells is that of its object's exchange, not of a later one.
// Every string is at most 256 bytes.
struct ExchangeFacts {
  std::string server_name;  // Host, TLS SNI, mail domain: chosen by the sender, never proof
  std::string user_agent;

  // Keeps what both tell, so that nothing is said of several exchanges that is not true of each.
  void KeepShared(const ExchangeFacts& other) {
    if (server_name != other.server_name) server_name.clear();
    if (user_agent != other.user_agent) user_agent.clear();
  }
};

// Owned by the flow's consumer, written by its parser, read when an event is made. Every string is at most 256 bytes.
struct FlowFacts {
  std::string protocol;  // ECS network.protocol: "http", "tls", "ssh"; empty until identified
  Visibility visibility = Visibility::kUnknown;
  // What was said shows that the flow's server (FlowInfo) is the client: its beginning was not seen.
  bool roles_reversed = false;
  // Of the conversation: what all its exchanges have in common. Told by its transfers, and by sightings in objects that
  // belong to no exchange, such as the raw stream.
  ExchangeFacts exchange;
  std::string tls_alpn;
  std::string tls_version;
  std::string tls_ja4;
  std::string ssh_client_banner;
  std::string ssh_server_banner;
};

}  // namespace spanwatch
