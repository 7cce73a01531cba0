#include "support/packet_builder.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/check.h"
#include "base/file.h"

namespace spanwatch::testing {
namespace {

void Append(Bytes& to, ByteView bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }
void Append16(Bytes& to, std::uint32_t value) {
  to.push_back(static_cast<std::uint8_t>(value >> 8));
  to.push_back(static_cast<std::uint8_t>(value));
}
void Append32(Bytes& to, std::uint32_t value) {
  Append16(to, value >> 16);
  Append16(to, value);
}
void Put16(Bytes& in, std::size_t at, std::size_t value) {
  in.at(at) = static_cast<std::uint8_t>(value >> 8);
  in.at(at + 1) = static_cast<std::uint8_t>(value);
}

IpAddress Address(std::string_view text) {
  const auto address = ParseIpAddress(text);
  CHECK(address.has_value());
  return *address;
}

// RFC 1071.
std::uint16_t Checksum(ByteView bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) sum += i % 2 == 0 ? bytes[i] << 8 : bytes[i];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

}  // namespace

PacketBuilder& PacketBuilder::Add(Kind kind, Bytes header, std::uint8_t protocol) {
  layers_.push_back({kind, std::move(header), protocol});
  return *this;
}
PacketBuilder& PacketBuilder::Add(Kind kind, std::initializer_list<int> header, std::uint8_t protocol) {
  return Add(kind, Bytes(header.begin(), header.end()), protocol);
}

PacketBuilder& PacketBuilder::Ethernet() { return Add(Kind::kEthernet, {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0, 0}); }
PacketBuilder& PacketBuilder::Vlan(std::uint16_t id, std::uint16_t tag_type) {
  Bytes header;
  Append16(header, tag_type);  // moved before the tag by FillIn of the layer outside
  Append16(header, id);
  Append16(header, 0);
  return Add(Kind::kVlan, std::move(header));
}
PacketBuilder& PacketBuilder::Mpls(std::uint32_t label) {
  Bytes header;
  Append32(header, label << 12 | 64);
  return Add(Kind::kMpls, std::move(header));
}
PacketBuilder& PacketBuilder::PseudoWireControlWord() { return Add(Kind::kControlWord, {0, 0, 0, 0}); }
PacketBuilder& PacketBuilder::Pppoe() { return Add(Kind::kPppoe, {0x11, 0, 0, 7, 0, 0, 0, 0}); }
PacketBuilder& PacketBuilder::Snap() { return Add(Kind::kSnap, {0xaa, 0xaa, 3, 0, 0, 0, 0, 0}); }
PacketBuilder& PacketBuilder::LinuxCooked() {
  return Add(Kind::kLinuxCooked, {0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0});
}
PacketBuilder& PacketBuilder::LinuxCooked2() {
  return Add(Kind::kLinuxCooked2, {0, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0});
}
PacketBuilder& PacketBuilder::Null(bool big_endian) {
  return big_endian ? Add(Kind::kNull, {0, 0, 0, 0}, 1) : Add(Kind::kNull, {0, 0, 0, 0}, 0);
}

PacketBuilder& PacketBuilder::Ipv4(std::string_view source, std::string_view destination) {
  return Ipv4(source, destination, Ipv4Options{});
}
PacketBuilder& PacketBuilder::Ipv4(std::string_view source, std::string_view destination, const Ipv4Options& options) {
  Bytes header = {static_cast<std::uint8_t>(0x45 + options.option_words), 0, 0, 0};
  Append16(header, options.id);
  Append16(header, 0);
  header.push_back(options.ttl);
  header.insert(header.end(), 3, 0);
  Append(header, Address(source).view());
  Append(header, Address(destination).view());
  header.insert(header.end(), options.option_words * 4u, 1);
  return Add(Kind::kIpv4, std::move(header));
}
PacketBuilder& PacketBuilder::Ipv6(std::string_view source, std::string_view destination) {
  Bytes header = {0x60, 0, 0, 0, 0, 0, 0, 64};
  Append(header, Address(source).view());
  Append(header, Address(destination).view());
  return Add(Kind::kIpv6, std::move(header));
}
PacketBuilder& PacketBuilder::Ipv6Extension(std::uint8_t type, std::size_t words) {
  Bytes header(8 * (words + 1), 0);
  header[1] = static_cast<std::uint8_t>(words);
  if (type != 43) {  // one PadN option fills the rest; a routing header of zeros has no segments left
    header[2] = 1;
    header[3] = static_cast<std::uint8_t>(header.size() - 4);
  }
  return Add(Kind::kIpv6Extension, std::move(header), type);
}

PacketBuilder& PacketBuilder::Tcp(std::uint16_t source_port, std::uint16_t destination_port, const TcpFields& fields) {
  Bytes header;
  Append16(header, source_port);
  Append16(header, destination_port);
  Append32(header, fields.sequence);
  Append32(header, fields.acknowledgement);
  const bool scaled = fields.window_scale != TcpFields::kNoWindowScale;
  Append16(header, (scaled ? 0x6000 : 0x5000) | fields.flags);
  Append16(header, fields.window);
  Append32(header, 0);
  // Padding, then the window scale option: kind, length, shift count.
  if (scaled) Append32(header, 0x01030300u | fields.window_scale);
  return Add(Kind::kTcp, std::move(header), 6);
}
PacketBuilder& PacketBuilder::Udp(std::uint16_t source_port, std::uint16_t destination_port) {
  Bytes header;
  Append16(header, source_port);
  Append16(header, destination_port);
  Append32(header, 0);
  return Add(Kind::kUdp, std::move(header), 17);
}
PacketBuilder& PacketBuilder::IcmpEcho(std::uint16_t identifier, std::uint16_t sequence) {
  Bytes header = {8, 0, 0, 0};
  Append16(header, identifier);
  Append16(header, sequence);
  return Add(Kind::kIcmp, std::move(header), 1);
}
PacketBuilder& PacketBuilder::Raw(std::uint8_t ip_protocol) { return Add(Kind::kRaw, Bytes{}, ip_protocol); }

PacketBuilder& PacketBuilder::Gre(bool checksum, bool key, bool sequence) {
  Bytes header = {static_cast<std::uint8_t>((checksum ? 0x80 : 0) | (key ? 0x20 : 0) | (sequence ? 0x10 : 0)), 0, 0, 0};
  header.resize(4 + 4u * (checksum + key + sequence));
  return Add(Kind::kGre, std::move(header), 47);
}
PacketBuilder& PacketBuilder::Erspan(int version) {
  Bytes header = {0x10, 0, 0, 0, 0, 0, 0, 1};  // GRE with a sequence number
  Put16(header, 2, version == 3 ? 0x22eb : 0x88be);
  Put16(header, 0, 0x1000);
  Bytes own(version == 3 ? 12 : 8, 0);
  own[0] = version == 3 ? 0x20 : 0x10;
  Append(header, own);
  return Add(Kind::kErspan, std::move(header), 47);
}
PacketBuilder& PacketBuilder::Vxlan(std::uint32_t vni) {
  Bytes header = {8, 0, 0, 0};
  Append32(header, vni << 8);
  return Add(Kind::kVxlan, std::move(header));
}
PacketBuilder& PacketBuilder::Geneve(std::uint32_t vni, std::size_t option_words) {
  Bytes header = {static_cast<std::uint8_t>(option_words), 0, 0, 0};
  Append32(header, vni << 8);
  header.resize(8 + 4 * option_words);
  return Add(Kind::kGeneve, std::move(header));
}
PacketBuilder& PacketBuilder::GtpU(std::uint32_t teid, std::size_t extensions) {
  Bytes header = {static_cast<std::uint8_t>(extensions > 0 ? 0x34 : 0x30), 255, 0, 0};
  Append32(header, teid);
  if (extensions > 0) Append32(header, 0x85);  // sequence, N-PDU, type of the first extension
  for (std::size_t i = 0; i < extensions; ++i) {
    Append(header, Bytes{1, 0, 9, static_cast<std::uint8_t>(i + 1 < extensions ? 0x85 : 0)});
  }
  return Add(Kind::kGtpU, std::move(header));
}

PacketBuilder& PacketBuilder::Payload(std::string_view text) { return Payload(AsBytes(text)); }
PacketBuilder& PacketBuilder::Payload(ByteView bytes) { return Add(Kind::kPayload, Bytes(bytes.begin(), bytes.end())); }

std::uint16_t PacketBuilder::EtherTypeAfter(std::size_t index) const {
  if (index + 1 >= layers_.size()) return 0;
  const Layer& next = layers_[index + 1];
  switch (next.kind) {
    case Kind::kEthernet:
      return 0x6558;
    case Kind::kVlan:
      return static_cast<std::uint16_t>(next.header[0] << 8 | next.header[1]);
    case Kind::kMpls:
      return 0x8847;
    case Kind::kPppoe:
      return 0x8864;
    case Kind::kIpv4:
      return 0x0800;
    case Kind::kIpv6:
      return 0x86dd;
    default:
      return 0x88b5;  // local experimental
  }
}
std::uint16_t PacketBuilder::PppProtocolAfter(std::size_t index) const {
  return index + 1 < layers_.size() && layers_[index + 1].kind == Kind::kIpv6 ? 0x57 : 0x21;
}
std::uint8_t PacketBuilder::IpProtocolAfter(std::size_t index) const {
  if (index + 1 >= layers_.size()) return 59;
  const Layer& next = layers_[index + 1];
  if (next.kind == Kind::kIpv4) return 4;
  if (next.kind == Kind::kIpv6) return 41;
  return next.protocol != 0 || next.kind == Kind::kIpv6Extension ? next.protocol : 253;  // 0 is hop-by-hop
}

std::uint16_t PacketBuilder::TransportChecksum(std::size_t index, const Bytes& header, const Bytes& inner) const {
  std::size_t ip = index;
  while (ip > 0 && layers_[ip].kind != Kind::kIpv4 && layers_[ip].kind != Kind::kIpv6) --ip;
  Bytes sum;
  const Bytes& addresses = layers_[ip].header;
  if (layers_[ip].kind == Kind::kIpv4) Append(sum, ByteView(addresses).subspan(12, 8));
  if (layers_[ip].kind == Kind::kIpv6) Append(sum, ByteView(addresses).subspan(8, 32));
  Append16(sum, layers_[index].protocol);
  Append32(sum, static_cast<std::uint32_t>(header.size() + inner.size()));
  Append(sum, header);
  Append(sum, inner);
  return Checksum(sum);
}

void PacketBuilder::FillIn(std::size_t index, Bytes& header, const Bytes& inner) const {
  const std::size_t total = header.size() + inner.size();
  switch (layers_[index].kind) {
    case Kind::kEthernet: {
      const bool snap = index + 1 < layers_.size() && layers_[index + 1].kind == Kind::kSnap;
      return Put16(header, 12, snap ? inner.size() : EtherTypeAfter(index));
    }
    case Kind::kVlan:
      header.erase(header.begin(), header.begin() + 2);  // the tag type stands in the layer before
      return Put16(header, 2, EtherTypeAfter(index));
    case Kind::kMpls:
      if (index + 1 >= layers_.size() || layers_[index + 1].kind != Kind::kMpls) header[2] |= 1;
      return;
    case Kind::kPppoe:
      Put16(header, 4, inner.size() + 2);
      return Put16(header, 6, PppProtocolAfter(index));
    case Kind::kSnap:
      return Put16(header, 6, EtherTypeAfter(index));
    case Kind::kLinuxCooked:
      return Put16(header, 14, EtherTypeAfter(index));
    case Kind::kLinuxCooked2:
      return Put16(header, 0, EtherTypeAfter(index));
    case Kind::kNull:
      header[layers_[index].protocol != 0 ? 3 : 0] = EtherTypeAfter(index) == 0x86dd ? 30 : 2;
      return;
    case Kind::kIpv4:
      Put16(header, 2, total);
      header[9] = IpProtocolAfter(index);
      return Put16(header, 10, Checksum(header));
    case Kind::kIpv6:
      Put16(header, 4, inner.size());
      header[6] = IpProtocolAfter(index);
      return;
    case Kind::kIpv6Extension:
      header[0] = IpProtocolAfter(index);
      return;
    case Kind::kTcp:
      return Put16(header, 16, TransportChecksum(index, header, inner));
    case Kind::kUdp:
      Put16(header, 4, total);
      return Put16(header, 6, TransportChecksum(index, header, inner));
    case Kind::kIcmp: {
      Bytes whole = header;
      Append(whole, inner);
      return Put16(header, 2, Checksum(whole));
    }
    case Kind::kGre:
    case Kind::kGeneve:
      return Put16(header, 2, EtherTypeAfter(index));
    case Kind::kGtpU:
      return Put16(header, 2, total - 8);
    case Kind::kControlWord:
    case Kind::kRaw:
    case Kind::kErspan:
    case Kind::kVxlan:
    case Kind::kPayload:
      return;
  }
}

Bytes PacketBuilder::Wrap(std::size_t first, std::size_t last, Bytes inner) const {
  for (std::size_t index = last; index-- > first;) {
    Bytes header = layers_[index].header;
    FillIn(index, header, inner);
    Append(header, inner);
    inner = std::move(header);
  }
  return inner;
}

Bytes PacketBuilder::Build() const { return Wrap(0, layers_.size(), {}); }

std::vector<Bytes> PacketBuilder::BuildFragments(std::size_t fragment_bytes, std::uint32_t id) const {
  CHECK(fragment_bytes > 0 && fragment_bytes % 8 == 0);
  std::size_t ip = layers_.size() - 1;
  while (layers_[ip].kind != Kind::kIpv4 && layers_[ip].kind != Kind::kIpv6) CHECK(ip-- > 0);
  const Bytes content = Wrap(ip + 1, layers_.size(), {});
  std::vector<Bytes> frames;
  for (std::size_t offset = 0; offset == 0 || offset < content.size(); offset += fragment_bytes) {
    const ByteView piece = ByteView(content).subspan(offset, std::min(fragment_bytes, content.size() - offset));
    const bool more = offset + piece.size() < content.size();
    Bytes packet = layers_[ip].header;
    if (layers_[ip].kind == Kind::kIpv4) {
      Put16(packet, 2, packet.size() + piece.size());
      Put16(packet, 4, id);
      Put16(packet, 6, (more ? 0x2000 : 0) | offset / 8);
      packet[9] = IpProtocolAfter(ip);
      Put16(packet, 10, Checksum(packet));
    } else {
      Put16(packet, 4, 8 + piece.size());
      packet[6] = 44;
      packet.push_back(IpProtocolAfter(ip));
      packet.push_back(0);
      Append16(packet, static_cast<std::uint32_t>(offset | (more ? 1 : 0)));
      Append32(packet, id);
    }
    Append(packet, piece);
    frames.push_back(Wrap(0, ip, std::move(packet)));
  }
  return frames;
}

CapturedPacket PacketBuilder::Captured(const Bytes& frame, PacketTime time, int link_type) {
  CapturedPacket packet;
  packet.time = time;
  packet.link_type = link_type;
  packet.original_length = static_cast<std::uint32_t>(frame.size());
  packet.bytes = frame;
  return packet;
}

Bytes PcapFile(std::span<const TimedFrame> frames, int link_type) {
  Bytes file;
  Append32(file, 0xa1b23c4d);  // nanoseconds; big-endian throughout
  Append32(file, 0x00020004);
  Append32(file, 0);
  Append32(file, 0);
  Append32(file, 262144);
  Append32(file, static_cast<std::uint32_t>(link_type));
  for (const TimedFrame& frame : frames) {
    const std::int64_t time = Nanoseconds(frame.time);
    Append32(file, static_cast<std::uint32_t>(time / 1'000'000'000));
    Append32(file, static_cast<std::uint32_t>(time % 1'000'000'000));
    const auto captured = static_cast<std::uint32_t>(frame.bytes.size());
    Append32(file, captured);
    Append32(file, frame.original_length == 0 ? captured : frame.original_length);
    Append(file, frame.bytes);
  }
  return file;
}

void WritePcap(const std::filesystem::path& path, std::span<const TimedFrame> frames, int link_type) {
  CHECK(WriteFileAtomically(path, PcapFile(frames, link_type), 0644).has_value());
}

}  // namespace spanwatch::testing
