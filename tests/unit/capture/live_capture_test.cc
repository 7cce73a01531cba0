// Live capture over a pair of virtual interfaces in a network namespace of the test's own. Needs root and `ip`.
#include "capture/live_capture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <array>
#include <functional>
#include <map>
#include <thread>

#include "capture/fanout_program.h"
#include "capture/owner.h"
#include "support/packet_builder.h"
#include "support/syscall_filter.h"

namespace spanwatch::capture {
namespace {

using testing::PacketBuilder;

class LiveRecorder final : public CapturedPacketConsumer {
 public:
  void OnCaptured(const CapturedPacket& packet) noexcept override {
    const std::string_view text = AsText(packet.bytes);
    const std::size_t mark = text.find("frame ");
    if (mark == std::string_view::npos) return;  // the kernel's own neighbour discovery
    frames.emplace_back(packet.bytes.begin(), packet.bytes.end());
    ++times_seen[std::string(text.substr(mark))];
    times.push_back(packet.time);
  }
  std::vector<Bytes> frames;
  std::map<std::string, int> times_seen;
  std::vector<PacketTime> times;
};

// Frames put on this interface arrive at its peer.
class Sender {
 public:
  explicit Sender(const char* interface) : socket_(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)) {
    to_.sll_family = AF_PACKET;
    to_.sll_ifindex = static_cast<int>(::if_nametoindex(interface));
    to_.sll_halen = 6;
  }
  void Send(const Bytes& frame) {
    EXPECT_EQ(::sendto(socket_.get(), frame.data(), frame.size(), 0, reinterpret_cast<sockaddr*>(&to_), sizeof(to_)),
              static_cast<ssize_t>(frame.size()));
  }

 private:
  UniqueFd socket_;
  sockaddr_ll to_{};
};

// A namespace belongs to a thread: the body runs on one that ends with it.
void InNetworkNamespace(const std::function<void()>& body) {
  std::thread([&] {
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
    ASSERT_EQ(
        std::system("ip link add span0 type veth peer name span1 && ip link set span0 up && ip link set span1 up"), 0);
    body();
  }).join();
}

bool CannotTest() { return ::geteuid() != 0 || std::system("command -v ip >/dev/null") != 0; }

config::Limits SmallRing() {
  config::Limits limits;
  limits.capture_ring_bytes = 8 * 1024 * 1024;
  return limits;
}

// Until nothing has come for longer than the kernel may hold a block of the ring.
void Drain(LiveCapture& capture, LiveRecorder& recorder) {
  while (true) {
    const auto state = capture.Deliver(recorder, 1000);
    ASSERT_TRUE(state.has_value()) << state.error().message;
    if (*state == PacketSource::State::kMore) continue;
    pollfd ready{capture.poll_fd(), POLLIN, 0};
    if (::poll(&ready, 1, 300) == 0) return;
  }
}

Bytes Frame(int host, int number) {
  return PacketBuilder()
      .Ethernet()
      .Vlan(120)
      .Ipv4(fmt::format("10.20.0.{}", host + 1), "198.51.100.7")
      .Udp(5000, 5001)
      .Payload(fmt::format("frame {} {}", host, number))
      .Build();
}
std::uint32_t BucketOf(const Bytes& frame, std::uint32_t members) { return OwnerHashOfFrame(1, frame) % members; }

TEST(LiveCapture, DeliversWhatArrivesWithItsTagsAndNotWhatLeaves) {
  if (CannotTest()) GTEST_SKIP() << "needs root and ip";
  InNetworkNamespace([] {
    auto capture = LiveCapture::Open("span0", 3, SmallRing());
    ASSERT_TRUE(capture.has_value()) << capture.error().message;
    const auto before = WallClockNow();
    Sender peer("span1"), own("span0");
    for (int i = 0; i < 50; ++i) peer.Send(Frame(i, 0));
    own.Send(Frame(99, 0));
    LiveRecorder recorder;
    Drain(**capture, recorder);
    ASSERT_EQ(recorder.frames.size(), 50u);
    for (int i = 0; i < 50; ++i) EXPECT_EQ(recorder.frames[static_cast<std::size_t>(i)], Frame(i, 0));
    EXPECT_GE(recorder.times.front(), before - std::chrono::seconds(1));
    EXPECT_LE(recorder.times.back(), WallClockNow());
    const auto statistics = (*capture)->TakeStatistics();
    ASSERT_TRUE(statistics.has_value());
    EXPECT_GE(statistics->received, 50u);
    EXPECT_EQ(statistics->dropped, 0u);
  });
}

struct Member {
  std::unique_ptr<LiveCapture> capture;
  LiveRecorder recorder;
};

void Open(Member& member, std::uint32_t bucket, std::uint32_t members) {
  auto capture = LiveCapture::Open("span0", 0, SmallRing());
  ASSERT_TRUE(capture.has_value()) << capture.error().message;
  member.capture = std::move(*capture);
  member.capture->KeepOnly(bucket, members);
}

// Also the successor of a dead member takes over its bucket while a duplicate keeps the place (see the header).
TEST(LiveCapture, FanoutGivesEachFrameToItsOwnerAlsoAfterAReplacement) {
  if (CannotTest()) GTEST_SKIP() << "needs root and ip";
  InNetworkNamespace([] {
    constexpr std::uint32_t kMembers = 3;
    std::array<Member, kMembers> members;
    for (std::uint32_t i = 0; i < kMembers; ++i) Open(members[i], i, kMembers);
    Sender peer("span1");
    for (int i = 0; i < 200; ++i) peer.Send(Frame(i, 1));  // before joining: everyone sees all and keeps its own
    for (Member& member : members) ASSERT_TRUE(member.capture->JoinFanout(77, 8).has_value());
    ASSERT_TRUE(members[0].capture->SetFanoutProgram(*BuildFanoutProgram(1, kMembers)).has_value());
    for (Member& member : members) Drain(*member.capture, member.recorder);
    for (int i = 0; i < 200; ++i) peer.Send(Frame(i, 2));
    for (Member& member : members) Drain(*member.capture, member.recorder);

    auto place = members[1].capture->DuplicateSocket();
    ASSERT_TRUE(place.has_value());
    members[1].capture.reset();
    int of_the_dead = 0;
    for (int i = 0; i < 200; ++i) {
      peer.Send(Frame(i, 3));
      of_the_dead += BucketOf(Frame(i, 3), kMembers) == 1 ? 1 : 0;
    }
    // Received by the dead one's socket, hence lost, and counted.
    const auto lost = TakeStatistics(place->get());
    ASSERT_TRUE(lost.has_value());
    EXPECT_GE(lost->received, static_cast<std::uint64_t>(of_the_dead));
    Open(members[1], 1, kMembers);
    ASSERT_TRUE(members[1].capture->JoinFanout(77, 8).has_value());
    place->reset();
    for (int i = 0; i < 200; ++i) peer.Send(Frame(i, 4));
    for (Member& member : members) Drain(*member.capture, member.recorder);

    std::map<std::string, int> seen;
    for (std::uint32_t i = 0; i < kMembers; ++i) {
      EXPECT_GT(members[i].recorder.frames.size(), 0u);
      for (const Bytes& frame : members[i].recorder.frames) EXPECT_EQ(BucketOf(frame, kMembers), i);
      for (const auto& [text, count] : members[i].recorder.times_seen) seen[text] += count;
    }
    EXPECT_EQ(seen.size(), 800u - static_cast<std::size_t>(of_the_dead));
    EXPECT_TRUE(std::ranges::all_of(seen, [](const auto& one) { return one.second == 1; }));
  });
}

TEST(LiveCapture, JoiningDeliveringAndCountingWorkInsideASandboxAndOverADownAndUp) {
  if (!testing::kCanFilterCalls) GTEST_SKIP() << "a sanitizer makes calls of its own";
  if (CannotTest()) GTEST_SKIP() << "needs root and ip";
  InNetworkNamespace([] {
    auto capture = LiveCapture::Open("span0", 0, SmallRing());
    ASSERT_TRUE(capture.has_value()) << capture.error().message;
    const auto program = BuildFanoutProgram(1, 1);
    Sender peer("span1");
    for (int i = 0; i < 20; ++i) peer.Send(Frame(i, 0));
    ASSERT_EQ(std::system("ip link set span0 down && ip link set span0 up"), 0);
    for (int i = 0; i < 20; ++i) peer.Send(Frame(i, 1));
    const auto sealed = [&] {
      LiveRecorder recorder;
      if (!(*capture)->JoinFanout(78, 4) || !(*capture)->SetFanoutProgram(*program)) return 1;
      Drain(**capture, recorder);
      const auto statistics = (*capture)->TakeStatistics();
      return recorder.times_seen.size() == 40 && statistics && statistics->received >= 40 ? 0 : 2;
    };
    constexpr int kAllowed[] = {SYS_poll, SYS_setsockopt, SYS_getsockopt, SYS_getsockname, SYS_ioctl, SYS_read};
    EXPECT_EQ(testing::RunAllowing(kAllowed, sealed), 0);
  });
}

// Who has let go of the socket sends nothing, and reads its ring on; that the interface was down the holder of the
// duplicate takes note of, so that the descriptor does not stay readable.
TEST(LiveCapture, WithoutItsSocketFramesStillComeAndNoneCanBeSent) {
  if (CannotTest()) GTEST_SKIP() << "needs root and ip";
  InNetworkNamespace([] {
    auto capture = LiveCapture::Open("span0", 0, SmallRing());
    ASSERT_TRUE(capture.has_value()) << capture.error().message;
    const auto duplicate = (*capture)->DuplicateSocket();
    ASSERT_TRUE(duplicate.has_value());
    ASSERT_TRUE((*capture)->ReleaseSocket().has_value());
    const int descriptor = (*capture)->poll_fd();
    const Bytes frame = Frame(1, 1);
    sockaddr_ll to{};
    to.sll_family = AF_PACKET;
    to.sll_ifindex = static_cast<int>(::if_nametoindex("span0"));
    EXPECT_LT(::send(descriptor, frame.data(), frame.size(), 0), 0);
    EXPECT_LT(::sendto(descriptor, frame.data(), frame.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof(to)), 0);
    EXPECT_LT(::write(descriptor, frame.data(), frame.size()), 0);

    Sender peer("span1");
    LiveRecorder recorder;
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < 20; ++i) peer.Send(Frame(i, round));
      Drain(**capture, recorder);
      EXPECT_EQ(recorder.times_seen.size(), 20u * static_cast<std::size_t>(round + 1));
      ASSERT_EQ(std::system("ip link set span0 down && ip link set span0 up"), 0);
      EXPECT_TRUE(TakeStatistics(duplicate->get()).has_value());
      pollfd ready{descriptor, POLLIN, 0};
      while (::poll(&ready, 1, 300) > 0) ASSERT_TRUE((*capture)->Deliver(recorder, 1000).has_value());
    }
  });
}

TEST(LiveCapture, MissingInterfaceIsOneClearLine) {
  const auto capture = LiveCapture::Open("no-such-span", 0, SmallRing());
  ASSERT_FALSE(capture.has_value());
  EXPECT_THAT(capture.error().message, ::testing::StartsWith("no-such-span: "));
  EXPECT_EQ(capture.error().message.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace spanwatch::capture
