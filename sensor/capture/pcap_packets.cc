#include "capture/pcap_packets.h"

#include <algorithm>

#include "capture/owner.h"

namespace spanwatch::capture {

PacketTime BoundedTime(std::int64_t seconds, std::int64_t nanoseconds) {
  constexpr std::int64_t kNanoseconds = 1'000'000'000;
  constexpr std::int64_t kLast = 7'258'118'400;
  seconds = std::clamp(seconds, -kLast, kLast);
  return PacketTimeFromNanoseconds(seconds * kNanoseconds + std::clamp<std::int64_t>(nanoseconds, 0, kNanoseconds - 1));
}

void DeliverPacket(u_char* user, const pcap_pkthdr* header, const u_char* bytes) {
  auto& delivery = *reinterpret_cast<PacketDelivery*>(user);
  CapturedPacket packet;
  packet.time = BoundedTime(header->ts.tv_sec, header->ts.tv_usec);  // nanoseconds here
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
