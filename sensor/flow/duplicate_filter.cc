#include "flow/duplicate_filter.h"

#include <xxhash.h>

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
  return Mix(first, last);
}

std::uint64_t Signature(const DecodedPacket& packet) {
  const TcpFields& tcp = packet.tcp;
  const std::uint64_t header =
      std::uint64_t{packet.payload_length} << 32 | std::uint64_t{packet.ip_id} << 16 | tcp.window;
  return Mix(Mix(header, std::uint64_t{tcp.acknowledgement} << 8 | tcp.flags), PayloadSignature(packet));
}

}  // namespace

bool DuplicateFilter::Seen(const DecodedPacket& packet, Duration window) noexcept {
  const auto now = static_cast<std::uint32_t>(Nanoseconds(packet.time) / 1000);
  const auto microseconds = static_cast<std::uint32_t>(window.count() / 1000);
  const std::uint64_t mixed = Signature(packet);
  for (std::size_t i = 0; i < count_; ++i) {
    const Frame& frame = frames_[i];
    if (frame.mixed == mixed && frame.sequence == packet.tcp.sequence && now - frame.microseconds <= microseconds) {
      return true;
    }
  }
  frames_[next_] = {packet.tcp.sequence, now, mixed};
  next_ = static_cast<std::uint8_t>((next_ + 1) % frames_.size());
  if (count_ < frames_.size()) ++count_;
  return false;
}

}  // namespace spanwatch::flow
