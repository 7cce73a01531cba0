// PacketBuilder: frames for tests, layer by layer from the outside in; lengths, types and checksums are filled in.
//
//   Bytes frame = PacketBuilder().Ethernet().Vlan(120).Ipv4("10.20.0.9", "198.51.100.7")
//                     .Tcp(51514, 80, {.sequence = 1, .flags = TcpFields::kAck}).Payload("GET /
//                     HTTP/1.1\r\n\r\n").Build();
//
// A layer's type field follows from the layer after it. A builder is a value: copy it to vary the rest of a frame.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "model/packet.h"

namespace spanwatch::testing {

class PacketBuilder {
 public:
  PacketBuilder& Ethernet();
  PacketBuilder& Vlan(std::uint16_t id, std::uint16_t tag_type = 0x8100);
  PacketBuilder& Mpls(std::uint32_t label);  // bottom of stack when the next layer is not MPLS
  PacketBuilder& PseudoWireControlWord();    // after Mpls, before Ethernet
  PacketBuilder& Pppoe();
  PacketBuilder& Snap();                         // 802.3 with LLC and SNAP; after Ethernet
  PacketBuilder& LinuxCooked();                  // v1, DLT_LINUX_SLL
  PacketBuilder& LinuxCooked2();                 // DLT_LINUX_SLL2
  PacketBuilder& Null(bool big_endian = false);  // DLT_NULL

  struct Ipv4Options {
    std::uint16_t id = 0;
    std::uint8_t ttl = 64;
    std::uint8_t option_words = 0;  // 32-bit words of no-operation options
  };
  PacketBuilder& Ipv4(std::string_view source, std::string_view destination);
  PacketBuilder& Ipv4(std::string_view source, std::string_view destination, const Ipv4Options& options);
  PacketBuilder& Ipv6(std::string_view source, std::string_view destination);
  PacketBuilder& Ipv6Extension(std::uint8_t type,
                               std::size_t words = 0);  // 0, 43 or 60; 8 * (1 + words) bytes of padding

  PacketBuilder& Tcp(std::uint16_t source_port, std::uint16_t destination_port, const TcpFields& fields);
  PacketBuilder& Udp(std::uint16_t source_port, std::uint16_t destination_port);
  PacketBuilder& IcmpEcho(std::uint16_t identifier, std::uint16_t sequence);
  PacketBuilder& Raw(std::uint8_t ip_protocol);  // no transport header: the payload follows IP

  PacketBuilder& Gre(bool checksum = false, bool key = false, bool sequence = false);
  PacketBuilder& Erspan(int version);                                      // 2 or 3, with its GRE header
  PacketBuilder& Vxlan(std::uint32_t vni);                                 // after Udp(_, 4789)
  PacketBuilder& Geneve(std::uint32_t vni, std::size_t option_words = 0);  // after Udp(_, 6081)
  PacketBuilder& GtpU(std::uint32_t teid, std::size_t extensions = 0);     // after Udp(_, 2152)

  PacketBuilder& Payload(std::string_view text);
  PacketBuilder& Payload(ByteView bytes);

  Bytes Build() const;
  // The frame's innermost IP packet in fragments of `fragment_bytes` (a multiple of 8) of IP payload each.
  // REQUIRES: an Ipv4 or Ipv6 layer; `id` names the datagram.
  std::vector<Bytes> BuildFragments(std::size_t fragment_bytes, std::uint32_t id) const;
  // Build() as a captured Ethernet frame at `time`; `frame` must outlive the result.
  static CapturedPacket Captured(const Bytes& frame, PacketTime time = {}, int link_type = 1);

 private:
  enum class Kind {
    kEthernet,
    kVlan,
    kMpls,
    kControlWord,
    kPppoe,
    kSnap,
    kLinuxCooked,
    kLinuxCooked2,
    kNull,
    kIpv4,
    kIpv6,
    kIpv6Extension,
    kTcp,
    kUdp,
    kIcmp,
    kRaw,
    kGre,
    kErspan,
    kVxlan,
    kGeneve,
    kGtpU,
    kPayload,
  };
  struct Layer {
    Kind kind;
    Bytes header;               // with type, length and checksum fields zero
    std::uint8_t protocol = 0;  // kRaw: the IP protocol; kIpv6Extension: its type
  };

  PacketBuilder& Add(Kind kind, Bytes header, std::uint8_t protocol = 0);
  PacketBuilder& Add(Kind kind, std::initializer_list<int> header, std::uint8_t protocol = 0);
  // Layers [first, last) around `inner`.
  Bytes Wrap(std::size_t first, std::size_t last, Bytes inner) const;
  void FillIn(std::size_t index, Bytes& header, const Bytes& inner) const;
  std::uint16_t EtherTypeAfter(std::size_t index) const;
  std::uint16_t PppProtocolAfter(std::size_t index) const;
  std::uint8_t IpProtocolAfter(std::size_t index) const;
  std::uint16_t TransportChecksum(std::size_t index, const Bytes& header, const Bytes& inner) const;

  std::vector<Layer> layers_;
};

struct TimedFrame {
  PacketTime time;
  Bytes bytes;
  std::uint32_t original_length = 0;  // 0: bytes.size()
};

// A pcap file with nanosecond times.
Bytes PcapFile(std::span<const TimedFrame> frames, int link_type = 1);
void WritePcap(const std::filesystem::path& path, std::span<const TimedFrame> frames, int link_type = 1);

}  // namespace spanwatch::testing
