// FlowFacts: what a protocol parser learnt of a conversation as a whole; goes into its sightings and its transfer
// event.
#pragma once

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

// Owned by the flow's consumer, written by its parser, read when an event is made. Every string is at most 256 bytes.
struct FlowFacts {
  std::string protocol;  // ECS network.protocol: "http", "tls", "ssh"; empty until identified
  Visibility visibility = Visibility::kUnknown;
  // What was said shows that the flow's server (FlowInfo) is the client: its beginning was not seen.
  bool roles_reversed = false;
  std::string server_name;  // Host of the latest request, TLS SNI, mail domain: chosen by the sender, never proof
  std::string tls_alpn;
  std::string tls_version;
  std::string tls_ja4;
  std::string ssh_client_banner;
  std::string ssh_server_banner;
  std::string user_agent;
};

}  // namespace spanwatch
