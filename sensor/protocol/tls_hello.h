// ClientHello and ServerHello (RFC 8446 section 4.1, RFC 5246, RFC 6066, RFC 7301), and the JA4 fingerprint of a client
// (FoxIO's public description). Pure functions of a handshake message's body; safe from any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace spanwatch::protocol {

struct ClientHello {
  std::uint16_t version = 0;  // the highest offered
  bool has_server_name = false;
  std::string server_name;
  std::vector<std::string> alpn;
  std::vector<std::uint16_t> ciphers;  // as offered, GREASE (RFC 8701) left out; so the two below
  std::vector<std::uint16_t> extensions;
  std::vector<std::uint16_t> signature_algorithms;
};

struct ServerHello {
  std::uint16_t version = 0;  // the one chosen
  std::string alpn;
};

std::optional<ClientHello> ParseClientHello(ByteView body);
std::optional<ServerHello> ParseServerHello(ByteView body);
std::string Ja4(const ClientHello& hello);
// "1.2"; empty when unknown.
std::string TlsVersionName(std::uint16_t version);

}  // namespace spanwatch::protocol
