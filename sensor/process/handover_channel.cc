#include "process/handover_channel.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>

#include "base/byte_reader.h"
#include "base/check.h"

namespace spanwatch::process {
namespace {

constexpr std::size_t kAddressBytes = 16;
constexpr std::size_t kTags = std::tuple_size_v<decltype(DecodedPacket::vlan)>;
constexpr std::size_t kLayers = std::tuple_size_v<decltype(DecodedPacket::encapsulations)>;
constexpr std::size_t kHeaderBytes = 8 + 4 + 2 + 2 * kTags + 1 + kLayers + 1 + 1 + 2 * kAddressBytes;
// An IPv6 datagram may be so long, and no fragment reaches further.
constexpr std::size_t kContentBytesMax = 65535;
constexpr int kBufferBytes = 4 << 20;

// How far from the receiver's clock a packet's time may be: clocks are set now and then, and packets wait for an
// inspector that is started again.
constexpr std::chrono::seconds kAhead{2};
constexpr std::chrono::hours kBehind{1};

// Whoever floods a channel with nonsense does not hold its owner up.
constexpr int kRefusedAtOnce = 64;

using Header = std::array<std::uint8_t, kHeaderBytes>;

// Little-endian fields one after the other, without an allocation.
class HeaderWriter {
 public:
  template <typename T>
  void Le(T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i) header_[at_++] = static_cast<std::uint8_t>(value >> 8 * i);
  }
  void Raw(ByteView bytes) {
    std::ranges::copy(bytes, header_.begin() + static_cast<std::ptrdiff_t>(at_));
    at_ += bytes.size();
  }
  const Header& header() const {
    DCHECK(at_ == kHeaderBytes);
    return header_;
  }

 private:
  Header header_{};
  std::size_t at_ = 0;
};

Header Encode(const JoinedDatagram& datagram) {
  const DecodedPacket& begun = datagram.begun;
  HeaderWriter writer;
  writer.Le(static_cast<std::uint64_t>(Nanoseconds(begun.time)));
  writer.Le(datagram.length);
  writer.Le(begun.interface_index);
  for (const std::uint16_t tag : begun.vlan) writer.Le(tag);
  writer.Le(begun.encapsulation_count);
  for (const Encapsulation layer : begun.encapsulations) writer.Le(static_cast<std::uint8_t>(layer));
  writer.Le(datagram.protocol);
  writer.Le(begun.source.address.length);
  writer.Raw(begun.source.address.bytes);
  writer.Raw(begun.destination.address.bytes);
  return writer.header();
}

std::optional<JoinedDatagram> Decode(ByteView message, PacketTime now) {
  ByteReader reader(message);
  JoinedDatagram datagram;
  DecodedPacket& begun = datagram.begun;
  begun.time = PacketTimeFromNanoseconds(static_cast<std::int64_t>(reader.U64Le()));
  datagram.length = reader.U32Le();
  begun.interface_index = reader.U16Le();
  for (std::uint16_t& tag : begun.vlan) tag = reader.U16Le();
  begun.encapsulation_count = reader.U8();
  bool good = begun.encapsulation_count <= kLayers;
  for (Encapsulation& layer : begun.encapsulations) {
    const auto known = EnumFrom<Encapsulation>(reader.U8());
    good = good && known;
    layer = known.value_or(Encapsulation{});
  }
  datagram.protocol = reader.U8();
  const std::size_t address_length = reader.U8();
  const ByteView source = reader.Take(kAddressBytes);
  const ByteView destination = reader.Take(kAddressBytes);
  datagram.content = reader.rest();
  if (!good || !reader.ok() || (address_length != 4 && address_length != kAddressBytes)) return std::nullopt;
  begun.source = {IpAddress::From(source.first(address_length)), 0};
  begun.destination = {IpAddress::From(destination.first(address_length)), 0};
  begun.ip_protocol = datagram.protocol;
  if (datagram.content.empty() || datagram.content.size() > datagram.length || datagram.length > kContentBytesMax) {
    return std::nullopt;
  }
  // Compared with what the clock gives, so that no sum overflows.
  if (begun.time > now + kAhead || begun.time < now - kBehind) return std::nullopt;
  return datagram;
}

// After a send that failed: whether the same may succeed later. It never does when a kernel's buffers are too small.
bool FullForNow() { return errno == EAGAIN || errno == ENOBUFS || errno == EINTR; }

}  // namespace

Result<HandoverChannel> MakeHandoverChannel() {
  int ends[2];
  // Not SOCK_DGRAM: whoever holds an end of that may send to any Unix socket that has a name.
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return FailErrno("cannot make a handover channel");
  HandoverChannel channel{UniqueFd(ends[0]), UniqueFd(ends[1])};
  // As much as the kernel grants; what does not fit waits in the senders.
  (void)::setsockopt(channel.sending.get(), SOL_SOCKET, SO_SNDBUF, &kBufferBytes, sizeof(kBufferBytes));
  if (::shutdown(channel.receiving.get(), SHUT_WR) != 0 || ::shutdown(channel.sending.get(), SHUT_RD) != 0) {
    return FailErrno("cannot make a handover channel one-way");
  }
  return channel;
}

HandoverSender::HandoverSender(std::vector<UniqueFd> channels, std::size_t waiting_bytes_max, Counters& counters)
    : waiting_bytes_max_(waiting_bytes_max), counters_(counters) {
  for (UniqueFd& socket : channels) channels_.push_back({std::move(socket), {}});
}

std::vector<int> HandoverSender::fds() const {
  std::vector<int> fds;
  for (const Channel& channel : channels_) {
    if (channel.socket) fds.push_back(channel.socket.get());
  }
  return fds;
}

void HandoverSender::Send(std::uint32_t owner, const JoinedDatagram& datagram) noexcept {
  Channel& channel = channels_[owner];
  const Header header = Encode(datagram);
  if (channel.waiting.empty()) {
    iovec parts[2] = {{const_cast<std::uint8_t*>(header.data()), header.size()},
                      {const_cast<std::uint8_t*>(datagram.content.data()), datagram.content.size()}};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    if (::sendmsg(channel.socket.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) {
      return counters_.Add(Counter::handover_sent);
    }
  }
  const std::size_t length = header.size() + datagram.content.size();
  const bool has_room = waiting_bytes_ + length <= waiting_bytes_max_;
  if (!has_room || (channel.waiting.empty() && !FullForNow())) return counters_.Add(Counter::handover_dropped);
  Bytes kept(header.begin(), header.end());
  kept.insert(kept.end(), datagram.content.begin(), datagram.content.end());
  waiting_bytes_ += length;
  channel.waiting.push_back(std::move(kept));
}

bool HandoverSender::Flush() noexcept {
  if (waiting_bytes_ == 0) return true;
  for (Channel& channel : channels_) FlushChannel(channel);
  return waiting_bytes_ == 0;
}

void HandoverSender::FlushChannel(Channel& channel) noexcept {
  while (!channel.waiting.empty()) {
    const Bytes& next = channel.waiting.front();
    iovec part{const_cast<std::uint8_t*>(next.data()), next.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    const bool sent = ::sendmsg(channel.socket.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
    if (!sent && FullForNow()) return;
    counters_.Add(sent ? Counter::handover_sent : Counter::handover_dropped);
    waiting_bytes_ -= next.size();
    channel.waiting.pop_front();
  }
}

HandoverReceiver::HandoverReceiver(UniqueFd channel, Counters& counters)
    : channel_(std::move(channel)), counters_(counters), buffer_(kHeaderBytes + kContentBytesMax + 1) {}

std::optional<JoinedDatagram> HandoverReceiver::Receive(PacketTime now) noexcept {
  for (int refused = 0; refused < kRefusedAtOnce; ++refused) {
    // Without a control part: descriptors that somebody sends along are closed by the kernel.
    const ssize_t length = ::recv(channel_.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (length <= 0) return std::nullopt;
    if (auto datagram = Decode(ByteView(buffer_).first(static_cast<std::size_t>(length)), now)) {
      counters_.Add(Counter::handover_taken);
      return datagram;
    }
    counters_.Add(Counter::handover_refused);
  }
  return std::nullopt;
}

}  // namespace spanwatch::process
