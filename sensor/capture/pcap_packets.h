// What files and live captures share: libpcap's handle, the callback that turns its packets into ours, and times.
#pragma once

#include <pcap/pcap.h>

#include <memory>
#include <optional>

#include "model/packet.h"

namespace spanwatch::capture {

struct PcapClose {
  void operator()(pcap_t* pcap) const { ::pcap_close(pcap); }
};
using PcapHandle = std::unique_ptr<pcap_t, PcapClose>;

// A file may claim any time; seconds beyond the year 2200 are held there, which leaves timeouts room to be added.
PacketTime BoundedTime(std::int64_t seconds, std::int64_t nanoseconds);

// Frames up to `until` whose owner hash modulo `members` is not `bucket` are left out.
struct OwnerFilter {
  std::uint32_t bucket = 0;
  std::uint32_t members = 1;
  PacketTime until = PacketTime::max();
};

// The `user` argument of DeliverPacket; lives during one pcap_dispatch.
struct PacketDelivery {
  CapturedPacketConsumer& consumer;
  int link_type = 0;
  std::uint16_t interface_index = 0;
  std::optional<OwnerFilter> filter;
};

// A pcap_handler for handles with nanosecond precision.
void DeliverPacket(u_char* user, const pcap_pkthdr* header, const u_char* bytes);

}  // namespace spanwatch::capture
