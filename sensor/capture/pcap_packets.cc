#include "capture/pcap_packets.h"

#include <algorithm>

#include "capture/owner.h"

namespace spanwatch::capture {
namespace {

// A file may claim any seconds; those beyond the year 2200 are held there, which leaves timeouts room to be added.
PacketTime TimeOf(const pcap_pkthdr& header) {
  constexpr std::int64_t kNanoseconds = 1'000'000'000;
  constexpr std::int64_t kLast = 7'258'118'400;
  const std::int64_t seconds = std::clamp<std::int64_t>(header.ts.tv_sec, -kLast, kLast);
  const std::int64_t fraction = std::clamp<std::int64_t>(header.ts.tv_usec, 0, kNanoseconds - 1);  // nanoseconds here
  return PacketTimeFromNanoseconds(seconds * kNanoseconds + fraction);
}

}  // namespace

void DeliverPacket(u_char* user, const pcap_pkthdr* header, const u_char* bytes) {
  auto& delivery = *reinterpret_cast<PacketDelivery*>(user);
  CapturedPacket packet;
  packet.time = TimeOf(*header);
  packet.link_type = delivery.link_type;
  packet.original_length = std::max(header->len, header->caplen);
  packet.bytes = {bytes, header->caplen};
  packet.interface_index = delivery.interface_index;
  if (delivery.filter && packet.time <= delivery.filter->until) {
    const std::uint32_t hash = OwnerHashOfFrame(packet.link_type, packet.bytes);
    if (hash % delivery.filter->members != delivery.filter->bucket) return;
  }
  delivery.consumer.OnCaptured(packet);
}

}  // namespace spanwatch::capture
