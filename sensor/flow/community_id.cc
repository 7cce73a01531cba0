#include "flow/community_id.h"

#include <openssl/evp.h>

#include <array>
#include <optional>

#include "base/bytes.h"

namespace spanwatch::flow {
namespace {

constexpr std::uint8_t kIcmp = 1;
constexpr std::uint8_t kIcmpv6 = 58;

// ICMP has types for ports: the reply's type, where a message has one (Echo and Echo Reply, ...).
std::optional<std::uint8_t> CounterpartOf(std::uint8_t protocol, std::uint16_t type) {
  constexpr std::pair<std::uint8_t, std::uint8_t> kV4[] = {{8, 0}, {13, 14}, {15, 16}, {10, 9}, {17, 18}};
  constexpr std::pair<std::uint8_t, std::uint8_t> kV6[] = {{128, 129}, {133, 134}, {135, 136}, {130, 131}, {144, 145}, {139, 140}};
  const auto search = [&](const auto& table) -> std::optional<std::uint8_t> {
    for (const auto& [request, reply] : table) {
      if (type == request) return reply;
      if (type == reply) return request;
    }
    return std::nullopt;
  };
  return protocol == kIcmp ? search(kV4) : search(kV6);
}

void PutPort(Bytes& data, std::uint16_t port) {
  data.push_back(static_cast<std::uint8_t>(port >> 8));
  data.push_back(static_cast<std::uint8_t>(port));
}

}  // namespace

std::string CommunityId(const FlowInfo& flow) {
  Endpoint first = flow.client, second = flow.server;
  bool one_way = false;
  if (flow.ip_protocol == kIcmp || flow.ip_protocol == kIcmpv6) {
    if (const auto counterpart = CounterpartOf(flow.ip_protocol, first.port)) {
      second.port = *counterpart;
    } else {
      one_way = true;
    }
  }
  if (!one_way && second < first) std::swap(first, second);
  Bytes data{0, 0};  // seed
  data.insert(data.end(), first.address.view().begin(), first.address.view().end());
  data.insert(data.end(), second.address.view().begin(), second.address.view().end());
  data.push_back(flow.ip_protocol);
  data.push_back(0);
  const bool has_ports = flow.transport != Transport::kOther;
  if (has_ports) {
    PutPort(data, first.port);
    PutPort(data, second.port);
  }
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  if (EVP_Digest(data.data(), data.size(), digest.data(), &length, EVP_sha1(), nullptr) != 1) return "";
  std::string text(4 * ((length + 2) / 3), '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), digest.data(), static_cast<int>(length));
  return "1:" + text;
}

}  // namespace spanwatch::flow
