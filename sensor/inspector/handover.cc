#include "inspector/handover.h"

#include <algorithm>
#include <span>

#include "capture/owner.h"

namespace spanwatch::inspector {
namespace {

// The kernel gives a frame with more tags than its program reads to the first inspector, fragment or not.
bool BehindTooManyTags(const DecodedPacket& begun) {
  const auto layers = std::span(begun.encapsulations).first(begun.encapsulation_count);
  return std::ranges::count(layers, Encapsulation::kVlan) > capture::kMaxVlanTags;
}

}  // namespace

bool Handover::TakeJoined(const JoinedDatagram& datagram) noexcept {
  if (BehindTooManyTags(datagram.begun)) return false;
  const std::uint32_t hash = capture::OwnerHashOfDatagram(
      datagram.begun.source.address, datagram.begun.destination.address, datagram.protocol, datagram.content);
  const std::uint32_t owner = hash % sender_.inspectors();
  if (owner == index_) return false;
  sender_.Send(owner, datagram);
  return true;
}

}  // namespace spanwatch::inspector
