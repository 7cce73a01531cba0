#include "capture/owner.h"

#include <optional>

#include "capture/owner_layout.h"

namespace spanwatch::capture {
namespace {

std::uint32_t WordAt(ByteView bytes, std::size_t at) {
  return static_cast<std::uint32_t>(bytes[at]) << 24 | bytes[at + 1] << 16 | bytes[at + 2] << 8 | bytes[at + 3];
}

// An IPv4 address is its word; the four words of an IPv6 address are folded into one.
std::uint32_t Fold(ByteView address) {
  std::uint32_t folded = WordAt(address, 0);
  for (std::size_t at = 4; at < address.size(); at += 4) folded = folded * kFoldFactor + WordAt(address, at);
  return folded;
}

std::uint32_t HashPair(std::uint32_t a, std::uint32_t b) {
  std::uint32_t hash = (a + b) * kSumFactor + (a ^ b) * kXorFactor;
  hash = (hash ^ hash >> 16) * kFinalFactor;
  return hash ^ hash >> 15;
}

// Reads at offsets of one frame; a read beyond its end returns 0 and is remembered.
class Walk {
 public:
  explicit Walk(ByteView frame) : frame_(frame) {}

  std::uint32_t Hash(int link_type) {
    switch (link_type) {
      case kDltEthernet:
        return OfEtherType(U16(12), 14);
      case kDltLinuxCooked:
        return OfEtherType(U16(14), 16);
      case kDltLinuxCooked2:
        return OfEtherType(U16(0), 20);
      case kDltHdlc:
        return OfEtherType(U16(2), 4);
      case kDltPppEther:
        return OfPpp(U16(6), 8);
      case kDltPpp:
      case kDltPppSerial:
        return U16(0) == 0xff03 ? OfPpp(U16(2), 4) : OfPpp(U16(0), 2);
      case kDltNull:
      case kDltLoop:
        return OfIp(4);
      case kDltRaw:
      case kDltRawOpenBsd:
      case kDltIpv4:
      case kDltIpv6:
        return OfIp(0);
      default:
        return 0;
    }
  }

  std::uint32_t HashBehindIp(std::uint32_t pair, std::uint8_t protocol) {
    outer_pair_ = pair;
    return OfProtocol(protocol, 0);
  }

 private:
  std::uint32_t U8(std::size_t at) {
    if (at < frame_.size()) return frame_[at];
    beyond_ = true;
    return 0;
  }
  std::uint32_t U16(std::size_t at) {
    const std::uint32_t high = U8(at) << 8;
    return high | U8(at + 1);
  }

  void SkipVlanTags(std::uint32_t& type, std::size_t& at) {
    for (int tags = 0; tags < kMaxVlanTags && IsVlanType(type); ++tags) {
      type = U16(at + 2);
      at += 4;
    }
  }

  std::uint32_t OfEtherType(std::uint32_t type, std::size_t at) {
    SkipVlanTags(type, at);
    switch (type) {
      case kEtherTypeIpv4:
      case kEtherTypeIpv6:
        return OfIp(at);
      case kEtherTypeMpls:
        return OfMpls(at);
      case kEtherTypePppoe:
        return OfPpp(U16(at + 6), at + 8);
      default:
        return 0;
    }
  }
  std::uint32_t OfPpp(std::uint32_t protocol, std::size_t at) {
    return protocol == kPppIpv4 || protocol == kPppIpv6 ? OfIp(at) : 0;
  }
  std::uint32_t OfMpls(std::size_t at) {
    bool bottom = false;
    for (int labels = 0; labels < kMaxMplsLabels && !bottom; ++labels) {
      bottom = (U8(at + 2) & 1) != 0;
      at += 4;
    }
    if (!bottom) return 0;
    const std::uint32_t nibble = U8(at) >> 4;
    if (nibble == 4 || nibble == 6) return OfIp(at);
    return nibble == 0 ? OfInnerEthernet(at + 4) : 0;  // a pseudo-wire with its control word
  }

  std::uint32_t OfIp(std::size_t at) {
    outer_ = at;
    std::uint32_t protocol = 0;
    switch (U8(at) >> 4) {
      case 4:
        if ((U16(at + 6) & 0x3fff) != 0) return OfAddresses(at);  // a fragment
        protocol = U8(at + 9);
        at += (U8(at) & 0xf) * 4;
        break;
      case 6:
        protocol = U8(at + 6);
        at += 40;
        break;
      default:
        return 0;
    }
    return OfProtocol(protocol, at);
  }

  std::uint32_t OfProtocol(std::uint32_t protocol, std::size_t at) {
    switch (protocol) {
      case kProtocolIpv4:
      case kProtocolIpv6:
        return OfInnerIp(at);
      case kProtocolGre:
        return OfGre(at);
      case kProtocolUdp:
        return OfUdp(at);
      default:
        return OfOuter();
    }
  }

  std::uint32_t OfGre(std::size_t at) {
    const std::uint32_t flags = U16(at);
    const std::uint32_t type = U16(at + 2);
    if ((flags & 0x4007) != 0) return OfOuter();
    const bool has_sequence = (flags & 0x1000) != 0;
    at += 4 + ((flags & 0x8000) != 0 ? 4 : 0) + ((flags & 0x2000) != 0 ? 4 : 0) + (has_sequence ? 4 : 0);
    if (type == kEtherTypeErspanTwo) return OfInnerEthernet(has_sequence ? at + 8 : at);
    if (type == kEtherTypeErspanThree) return OfInnerEthernet((U8(at + 11) & 1) != 0 ? at + 20 : at + 12);
    return OfInnerType(type, at);
  }

  std::uint32_t OfUdp(std::size_t at) {
    const std::uint32_t port = U16(at + 2);
    at += 8;
    if (port == kPortVxlan || port == kPortVxlanLinux) {
      return (U8(at) & 8) != 0 ? OfInnerEthernet(at + 8) : OfOuter();
    }
    if (port == kPortGeneve) {
      const std::uint32_t first = U8(at);
      if (first >> 6 != 0) return OfOuter();
      return OfInnerType(U16(at + 2), at + 8 + (first & 0x3f) * 4);
    }
    return port == kPortGtpU ? OfGtpU(at) : OfOuter();
  }

  std::uint32_t OfGtpU(std::size_t at) {
    const std::uint32_t flags = U8(at);
    if ((flags & 0xf0) != 0x30 || U8(at + 1) != 255) return OfOuter();
    at += 8;
    if ((flags & 7) == 0) return OfInnerIp(at);
    std::uint32_t extension = (flags & 4) != 0 ? U8(at + 3) : 0;
    at += 4;
    for (int seen = 0; seen < kMaxGtpExtensions && extension != 0; ++seen) {
      at += U8(at) * 4;
      extension = U8(at - 1);
    }
    return extension == 0 ? OfInnerIp(at) : OfOuter();
  }

  std::uint32_t OfInnerType(std::uint32_t type, std::size_t at) {
    if (type == kEtherTypeEthernet) return OfInnerEthernet(at);
    return type == kEtherTypeIpv4 || type == kEtherTypeIpv6 ? OfInnerIp(at) : OfOuter();
  }
  std::uint32_t OfInnerEthernet(std::size_t at) {
    std::uint32_t type = U16(at + 12);
    at += 14;
    SkipVlanTags(type, at);
    return type == kEtherTypeIpv4 || type == kEtherTypeIpv6 ? OfInnerIp(at) : OfOuter();
  }
  std::uint32_t OfInnerIp(std::size_t at) {
    const std::uint32_t version = U8(at) >> 4;
    return version == 4 || version == 6 ? OfAddresses(at) : OfOuter();
  }

  std::uint32_t OfOuter() {
    if (!outer_pair_.has_value()) return OfAddresses(outer_);
    return beyond_ ? 0 : *outer_pair_;
  }
  // `at` is an IP header; only a pseudo-wire that carries none has no outer pair, and gets what its first bytes give.
  std::uint32_t OfAddresses(std::size_t at) {
    const std::uint32_t version = U8(at) >> 4;
    const std::size_t first = version == 4 ? 12 : 8;
    const std::size_t length = version == 4 ? 4 : 16;
    if ((version != 4 && version != 6) || beyond_ || at + first + 2 * length > frame_.size()) return 0;
    return HashPair(Fold(frame_.subspan(at + first, length)), Fold(frame_.subspan(at + first + length, length)));
  }

  ByteView frame_;
  std::size_t outer_ = 0;
  std::optional<std::uint32_t> outer_pair_;  // when the frame begins behind its IP header
  bool beyond_ = false;
};

}  // namespace

std::uint32_t OwnerHash(const IpAddress& a, const IpAddress& b) {
  if (a.none() || b.none()) return 0;
  return HashPair(Fold(a.view()), Fold(b.view()));
}

std::uint32_t OwnerHashOfFrame(int link_type, ByteView frame) { return Walk(frame).Hash(link_type); }

std::uint32_t OwnerHashOfDatagram(const IpAddress& source, const IpAddress& destination, std::uint8_t protocol,
                                  ByteView content) {
  return Walk(content).HashBehindIp(OwnerHash(source, destination), protocol);
}

}  // namespace spanwatch::capture
