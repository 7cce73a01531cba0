// IpAddress, Network, Endpoint: plain values, compared and hashed by content. Headers only; safe from any thread.
#pragma once

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <compare>
#include <cstring>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace spanwatch {

// An IPv4 address (length 4), an IPv6 address (length 16), or none (length 0). Unused bytes are zero.
struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};
  std::uint8_t length = 0;

  // REQUIRES: 4 or 16 bytes; anything else gives none.
  static IpAddress From(ByteView raw) {
    IpAddress address;
    if (raw.size() != 4 && raw.size() != 16) return address;
    std::copy(raw.begin(), raw.end(), address.bytes.begin());
    address.length = static_cast<std::uint8_t>(raw.size());
    return address;
  }
  ByteView view() const { return {bytes.data(), length}; }
  bool none() const { return length == 0; }
  bool v6() const { return length == 16; }
  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
};

inline std::string ToString(const IpAddress& address) {
  if (address.none()) return "";
  char text[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(address.v6() ? AF_INET6 : AF_INET, address.bytes.data(), text, sizeof(text));
  return text;
}

inline Result<IpAddress> ParseIpAddress(std::string_view text) {
  const std::string copy(text);
  std::array<std::uint8_t, 16> raw{};
  if (::inet_pton(AF_INET, copy.c_str(), raw.data()) == 1) return IpAddress::From(ByteView(raw).first(4));
  if (::inet_pton(AF_INET6, copy.c_str(), raw.data()) == 1) return IpAddress::From(raw);
  return Fail(ErrorCode::kInvalid, "'{}' is not an IP address", text);
}

// An address prefix such as 10.20.0.0/16. Contains only addresses of its own family.
struct Network {
  IpAddress address;
  std::uint8_t prefix_bits = 0;

  bool Contains(const IpAddress& other) const {
    if (other.length != address.length || address.none()) return false;
    const std::size_t whole = prefix_bits / 8;
    if (std::memcmp(address.bytes.data(), other.bytes.data(), whole) != 0) return false;
    const unsigned left = prefix_bits % 8;
    if (left == 0) return true;
    const unsigned mask = 0xff00u >> left & 0xff;
    return ((address.bytes[whole] ^ other.bytes[whole]) & mask) == 0;
  }
  // The smallest network that holds this one and `other`. REQUIRES: the same family.
  Network With(const IpAddress& other) const {
    std::uint8_t bits = 0;
    while (bits < prefix_bits && ((address.bytes[bits / 8] ^ other.bytes[bits / 8]) & (0x80u >> bits % 8)) == 0) ++bits;
    return Of(address, bits);
  }
  // The network of an address: its first bits. REQUIRES: no more bits than the address has.
  static Network Of(IpAddress address, std::uint8_t bits) {
    for (std::size_t at = 0; at < address.length; ++at) {
      const std::size_t kept = std::min<std::size_t>(8, bits - std::min<std::size_t>(bits, at * 8));
      address.bytes[at] &= static_cast<std::uint8_t>(0xff00u >> kept);
    }
    return {address, bits};
  }
  friend auto operator<=>(const Network&, const Network&) = default;
};

inline std::string ToString(const Network& network) {
  return ToString(network.address) + "/" + std::to_string(network.prefix_bits);
}

// `10.20.0.0/16`, `fd00::/8`, or a bare address (the whole length).
inline Result<Network> ParseNetwork(std::string_view text) {
  const std::size_t slash = text.find('/');
  auto address = ParseIpAddress(text.substr(0, slash));
  if (!address) return Fail(ErrorCode::kInvalid, "'{}' is not a network; write it like 10.20.0.0/16", text);
  const unsigned longest = address->length * 8u;
  unsigned bits = longest;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    if (error != std::errc() || end != digits.data() + digits.size() || bits > longest) {
      return Fail(ErrorCode::kInvalid, "'{}' is not a network; the prefix is a number from 0 to {}", text, longest);
    }
  }
  return Network{*address, static_cast<std::uint8_t>(bits)};
}

struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

}  // namespace spanwatch
