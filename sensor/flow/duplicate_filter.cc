#include "flow/duplicate_filter.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>

namespace spanwatch::flow {
namespace {

constexpr std::uint64_t kFactor = 0x9e3779b97f4a7c15;

std::uint64_t Mix(std::uint64_t a, std::uint64_t b) {
  const std::uint64_t product = (a ^ b) * kFactor;
  return product ^ product >> 29;
}

// TCP is told apart by its sequence number, so that a look at both ends of the payload is enough; what is new there is
// never asked for (Conversation). Datagrams have nothing but their bytes.
std::uint64_t PayloadSignature(const DecodedPacket& packet) {
  const ByteView payload = packet.payload;
  if (packet.transport != Transport::kTcp) return XXH3_64bits(payload.data(), payload.size());
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  const std::size_t length = std::min(payload.size(), sizeof(first));
  if (length != 0) {
    std::memcpy(&first, payload.data(), length);
    std::memcpy(&last, payload.data() + payload.size() - length, length);
  }
  return Mix(Mix(first, kFactor), last);  // they are equal when the payload is short
}

std::uint64_t ContentSignature(const DecodedPacket& packet) {
  const std::uint64_t header =
      std::uint64_t{packet.payload_length} << 32 | std::uint64_t{packet.ip_id} << 16 | packet.tcp.window;
  return Mix(Mix(header, packet.tcp.flags), PayloadSignature(packet));
}

std::uint32_t Microseconds(PacketTime time) { return static_cast<std::uint32_t>(Nanoseconds(time) / 1000); }
std::uint32_t Microseconds(Duration duration) { return static_cast<std::uint32_t>(duration.count() / 1000); }

}  // namespace

bool DuplicateFilter::Seen(const DecodedPacket& packet, Duration window) noexcept {
  const std::uint32_t now = Microseconds(packet.time);
  const std::uint64_t content = ContentSignature(packet);
  const std::uint64_t mixed = Mix(content, packet.tcp.acknowledgement);
  for (std::size_t i = 0; i < count_; ++i) {
    const Frame& frame = frames_[i];
    const bool equal = frame.mixed == mixed && frame.sequence == packet.tcp.sequence;
    if (equal && now - frame.microseconds <= Microseconds(window)) return true;
  }
  frames_[next_] = {packet.tcp.sequence, now, mixed, static_cast<std::uint32_t>(content), packet.ip_id};
  next_ = static_cast<std::uint8_t>((next_ + 1) % frames_.size());
  if (count_ < frames_.size()) ++count_;
  return false;
}

bool DuplicateFilter::SeenRenumbered(const DecodedPacket& packet, Duration window) const noexcept {
  if (packet.ip_id == 0) return false;
  const std::uint32_t now = Microseconds(packet.time);
  const auto content = static_cast<std::uint32_t>(ContentSignature(packet));
  bool seen = false;
  bool id_tells = count_ == 1;
  for (std::size_t i = 0; i < count_; ++i) {
    const Frame& frame = frames_[i];
    if (frame.ip_id != packet.ip_id) {
      id_tells = true;
    } else if (frame.content != content) {
      return false;
    } else {
      seen = seen || now - frame.microseconds <= Microseconds(window);
    }
  }
  return seen && id_tells;
}

}  // namespace spanwatch::flow
