#include "alert/address_guard.h"

namespace spanwatch::alert {
namespace {

// Cloud metadata: AWS, Azure, Google and others at 169.254.169.254 and fd00:ec2::254, Alibaba, Oracle, Azure's wire
// server.
constexpr const char* kDenied[] = {"0.0.0.0/8",         "169.254.0.0/16", "100.100.100.200", "192.0.0.192",
                                   "168.63.129.16",     "224.0.0.0/4",    "240.0.0.0/4",     "::/128",
                                   "fd00:ec2::254/128", "fe80::/10",      "ff00::/8"};

IpAddress Embedded(const IpAddress& address) {
  static const Network kMapped = *ParseNetwork("::ffff:0:0/96");
  static const Network kTranslated = *ParseNetwork("64:ff9b::/96");
  if (!kMapped.Contains(address) && !kTranslated.Contains(address)) return address;
  return IpAddress::From(address.view().last(4));
}

}  // namespace

bool IsDeniedDestination(const IpAddress& address) {
  static const std::vector<Network> kNetworks = [] {
    std::vector<Network> networks;
    for (const char* text : kDenied) networks.push_back(*ParseNetwork(text));
    return networks;
  }();
  const IpAddress judged = Embedded(address);
  return std::ranges::any_of(kNetworks, [&](const Network& network) { return network.Contains(judged); });
}

}  // namespace spanwatch::alert
