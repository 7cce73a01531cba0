#include "capture/live_capture.h"

#include <fcntl.h>
#include <linux/if_packet.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "capture/pcap_packets.h"

namespace spanwatch::capture {
namespace {

// How long the kernel may keep a block of the ring that is not full, so that an idle link is seen in time.
constexpr int kBlockTimeoutMilliseconds = 100;

// Frames of this long after joining are still filtered: the ring holds older ones, and the clock may be adjusted a
// little. The kernel and the filter choose alike, so a longer time costs nothing but the hash.
constexpr Duration kJoinMargin = std::chrono::seconds(2);

// The kernel leaves out what this host sends; libpcap 1.10 would copy and then discard it.
void IgnoreOutgoing(pcap_t* pcap) {
  const int yes = 1;
  if (::setsockopt(::pcap_fileno(pcap), SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof(yes)) != 0) {
    ::pcap_setdirection(pcap, PCAP_D_IN);  // a kernel before 4.20: libpcap leaves them out by itself
  }
}

class PcapLiveCapture final : public LiveCapture {
 public:
  PcapLiveCapture(PcapHandle pcap, std::string interface, std::uint16_t interface_index)
      : pcap_(std::move(pcap)),
        link_type_(::pcap_datalink(pcap_.get())),
        interface_(std::move(interface)),
        interface_index_(interface_index) {}

  Result<State> Deliver(CapturedPacketConsumer& consumer, std::size_t max_packets) override {
    PacketDelivery delivery{consumer, link_type_, interface_index_, filter_};
    const int count = static_cast<int>(std::clamp<std::size_t>(max_packets, 1, 1 << 20));
    const int delivered = ::pcap_dispatch(pcap_.get(), count, DeliverPacket, reinterpret_cast<u_char*>(&delivery));
    if (delivered < 0) return Fail(ErrorCode::kUnavailable, "{}: {}", interface_, ::pcap_geterr(pcap_.get()));
    return delivered > 0 ? State::kMore : State::kIdle;
  }
  int poll_fd() const override { return ::pcap_get_selectable_fd(pcap_.get()); }
  int link_type() const override { return link_type_; }
  Progress progress() const override { return {}; }

  void KeepOnly(std::uint32_t bucket, std::uint32_t members) override { filter_ = OwnerFilter{bucket, members}; }
  Status JoinFanout(std::uint16_t group, std::uint16_t max_members) override {
    auto status = capture::JoinFanout(socket(), group, max_members);
    if (status && filter_) filter_->until = WallClockNow() + kJoinMargin;
    return status;
  }
  Status SetFanoutProgram(std::span<const sock_filter> program) override {
    return capture::SetFanoutProgram(socket(), program);
  }
  Result<UniqueFd> DuplicateSocket() const override {
    UniqueFd copy(::fcntl(socket(), F_DUPFD_CLOEXEC, 0));
    if (!copy) return FailErrno("cannot duplicate the capture socket");
    return copy;
  }
  Status ReleaseSocket() override {
    const UniqueFd readiness(::epoll_create1(EPOLL_CLOEXEC));
    epoll_event event{.events = EPOLLIN, .data = {}};
    if (!readiness || ::epoll_ctl(readiness.get(), EPOLL_CTL_ADD, socket(), &event) != 0 ||
        ::dup3(readiness.get(), socket(), O_CLOEXEC) < 0) {
      return FailErrno("cannot let go of the capture socket");
    }
    return {};
  }
  Result<Statistics> TakeStatistics() override { return capture::TakeStatistics(socket()); }

 private:
  int socket() const { return ::pcap_fileno(pcap_.get()); }

  PcapHandle pcap_;
  int link_type_;
  std::string interface_;
  std::uint16_t interface_index_;
  std::optional<OwnerFilter> filter_;
};

Error Describe(pcap_t* pcap, const std::string& interface, int status) {
  const std::string_view detail = ::pcap_geterr(pcap);
  switch (status) {
    case PCAP_ERROR_NO_SUCH_DEVICE:
      return {ErrorCode::kNotFound, fmt::format("{}: there is no such interface", interface)};
    case PCAP_ERROR_PERM_DENIED:
    case PCAP_ERROR_PROMISC_PERM_DENIED:
      return {ErrorCode::kPermission, fmt::format("{}: capturing needs CAP_NET_RAW", interface)};
    case PCAP_ERROR_IFACE_NOT_UP:
      return {ErrorCode::kUnavailable,
              fmt::format("{}: the interface is down; ip link set {} up", interface, interface)};
    default:
      return {ErrorCode::kIo,
              fmt::format("{}: {}", interface, detail.empty() ? std::string_view(::pcap_statustostr(status)) : detail)};
  }
}

}  // namespace

Result<std::unique_ptr<LiveCapture>> LiveCapture::Open(const std::string& interface, std::uint16_t interface_index,
                                                       const config::Limits& limits) {
  std::array<char, PCAP_ERRBUF_SIZE> words{};
  PcapHandle pcap(::pcap_create(interface.c_str(), words.data()));
  if (!pcap) return Fail(ErrorCode::kIo, "{}: {}", interface, words.data());
  // A ring size is an int of libpcap.
  const auto ring = static_cast<int>(std::min<std::uint64_t>(limits.capture_ring_bytes, INT32_MAX));
  ::pcap_set_snaplen(pcap.get(), static_cast<int>(limits.capture_snap_length_bytes));
  ::pcap_set_promisc(pcap.get(), 1);
  ::pcap_set_timeout(pcap.get(), kBlockTimeoutMilliseconds);
  ::pcap_set_buffer_size(pcap.get(), ring);
  ::pcap_set_tstamp_precision(pcap.get(), PCAP_TSTAMP_PRECISION_NANO);
  const int status = ::pcap_activate(pcap.get());
  if (status < 0) return Fail(Describe(pcap.get(), interface, status));
  if (::pcap_setnonblock(pcap.get(), 1, words.data()) != 0) {
    return Fail(ErrorCode::kIo, "{}: {}", interface, words.data());
  }
  IgnoreOutgoing(pcap.get());
  return std::make_unique<PcapLiveCapture>(std::move(pcap), interface, interface_index);
}

Status JoinFanout(int packet_socket, std::uint16_t group, std::uint16_t max_members) {
  fanout_args arguments{};
  arguments.id = group;
  arguments.type_flags = PACKET_FANOUT_CBPF;
  arguments.max_num_members = max_members;
  if (::setsockopt(packet_socket, SOL_PACKET, PACKET_FANOUT, &arguments, sizeof(arguments)) != 0) {
    return FailErrno("cannot join the capture's fan-out group");
  }
  return {};
}

Status SetFanoutProgram(int packet_socket, std::span<const sock_filter> program) {
  const sock_fprog wrapped{static_cast<unsigned short>(program.size()), const_cast<sock_filter*>(program.data())};
  if (::setsockopt(packet_socket, SOL_PACKET, PACKET_FANOUT_DATA, &wrapped, sizeof(wrapped)) != 0) {
    return FailErrno("cannot set the capture's fan-out program");
  }
  return {};
}

Result<LiveCapture::Statistics> TakeStatistics(int packet_socket) {
  tpacket_stats_v3 statistics{};
  socklen_t length = sizeof(statistics);
  if (::getsockopt(packet_socket, SOL_PACKET, PACKET_STATISTICS, &statistics, &length) != 0) {
    return FailErrno("cannot read the capture's statistics");
  }
  int error = 0;
  length = sizeof(error);
  (void)::getsockopt(packet_socket, SOL_SOCKET, SO_ERROR, &error, &length);
  return LiveCapture::Statistics{statistics.tp_packets, statistics.tp_drops};
}

}  // namespace spanwatch::capture
