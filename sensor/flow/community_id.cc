#include "flow/community_id.h"

#include <openssl/evp.h>

#include <array>
#include <utility>

namespace spanwatch::flow {
namespace {

constexpr std::uint8_t kIcmp = 1, kTcp = 6, kUdp = 17, kIcmpv6 = 58, kSctp = 132;
constexpr std::uint16_t kEchoRequest = 8, kPortUnreachable = 3, kEchoRequestV6 = 128;

// Types that ask and answer each other; any other type goes one way only.
constexpr std::pair<std::uint16_t, std::uint16_t> kIcmpPairs[] = {{0, 8}, {13, 14}, {15, 16}, {17, 18}, {10, 9}};
constexpr std::pair<std::uint16_t, std::uint16_t> kIcmpv6Pairs[] = {{128, 129}, {133, 134}, {135, 136},
                                                                    {130, 131}, {139, 140}, {144, 145}};

template <std::size_t kCount>
bool FindPartner(const std::pair<std::uint16_t, std::uint16_t> (&pairs)[kCount], std::uint16_t type,
                 std::uint16_t& partner) {
  for (const auto& [a, b] : pairs) {
    if (type != a && type != b) continue;
    partner = type == a ? b : a;
    return true;
  }
  return false;
}

// seed (2) | address, address | protocol | 0 | port (2), port (2); no ports where the protocol has none
class Message {
 public:
  void Put(ByteView bytes) {
    for (const std::uint8_t byte : bytes) bytes_[length_++] = byte;
  }
  void Put16(std::uint16_t value) {
    bytes_[length_++] = static_cast<std::uint8_t>(value >> 8);
    bytes_[length_++] = static_cast<std::uint8_t>(value);
  }
  ByteView view() const { return ByteView(bytes_).first(length_); }

 private:
  std::array<std::uint8_t, 40> bytes_{};
  std::size_t length_ = 0;
};

std::string Digest(ByteView message) {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  if (EVP_Digest(message.data(), message.size(), digest.data(), &length, EVP_sha1(), nullptr) != 1) return "";
  std::array<std::uint8_t, EVP_MAX_MD_SIZE * 2> text{};
  const int written = EVP_EncodeBlock(text.data(), digest.data(), static_cast<int>(length));
  return "1:" + std::string(AsText(ByteView(text).first(static_cast<std::size_t>(written))));
}

}  // namespace

std::string CommunityId(const FlowInfo& info) {
  Endpoint client = info.client;
  Endpoint server = info.server;
  if (info.transport == Transport::kIcmp && client.port == server.port) {
    const bool v6 = info.ip_protocol == kIcmpv6;
    const bool echo = v6 || client.port != kPortUnreachable;
    if (echo) {
      client.port = v6 ? kEchoRequestV6 : kEchoRequest;
      server.port = 0;
    }
  }
  return CommunityId(client, server, info.ip_protocol);
}

std::string CommunityId(const Endpoint& source, const Endpoint& destination, std::uint8_t ip_protocol) {
  if (source.address.none() || destination.address.none()) return "";
  Endpoint first = source;
  Endpoint second = destination;
  bool one_way = false;
  if (ip_protocol == kIcmp) one_way = !FindPartner(kIcmpPairs, source.port, second.port);
  if (ip_protocol == kIcmpv6) one_way = !FindPartner(kIcmpv6Pairs, source.port, second.port);
  const bool ports = ip_protocol == kTcp || ip_protocol == kUdp || ip_protocol == kSctp || ip_protocol == kIcmp ||
                     ip_protocol == kIcmpv6;
  if (!ports) first.port = second.port = 0;
  if (!one_way && second < first) std::swap(first, second);
  Message message;
  message.Put16(0);
  message.Put(first.address.view());
  message.Put(second.address.view());
  const std::uint8_t protocol[] = {ip_protocol, 0};
  message.Put(protocol);
  if (ports) {
    message.Put16(first.port);
    message.Put16(second.port);
  }
  return Digest(message.view());
}

}  // namespace spanwatch::flow
