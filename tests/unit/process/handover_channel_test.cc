#include "process/handover_channel.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <random>

#include "process/sandbox.h"

namespace spanwatch::process {
namespace {

using std::chrono::seconds;

constexpr PacketTime kNow = PacketTimeFromNanoseconds(1'557'713'500'000'000'000);

JoinedDatagram SomeDatagram(ByteView content) {
  JoinedDatagram datagram;
  datagram.begun.time = kNow - seconds(1);
  datagram.begun.interface_index = 3;
  datagram.begun.vlan = {120, 7};
  datagram.begun.encapsulations = {Encapsulation::kVlan, Encapsulation::kVlan};
  datagram.begun.encapsulation_count = 2;
  datagram.begun.source.address = *ParseIpAddress("192.0.2.1");
  datagram.begun.destination.address = *ParseIpAddress("192.0.2.2");
  datagram.protocol = 47;
  datagram.content = content;
  datagram.length = static_cast<std::uint32_t>(content.size());
  return datagram;
}

// Inspector 0 sends, inspector 1 owns the channel.
struct Rig {
  explicit Rig(std::size_t waiting_bytes_max = 1 << 20)
      : channel(std::move(*MakeHandoverChannel())),
        sender(Ends(), waiting_bytes_max, counters),
        receiver(UniqueFd(::dup(channel.receiving.get())), counters) {}

  std::vector<UniqueFd> Ends() {
    std::vector<UniqueFd> ends(2);
    ends[1].reset(::dup(channel.sending.get()));
    return ends;
  }
  void SendRaw(ByteView bytes) {
    ASSERT_EQ(::send(channel.sending.get(), bytes.data(), bytes.size(), MSG_DONTWAIT),
              static_cast<ssize_t>(bytes.size()));
  }
  // A message as the sender writes it.
  Bytes Message(const JoinedDatagram& datagram) {
    sender.Send(1, datagram);
    Bytes bytes(70000);
    bytes.resize(static_cast<std::size_t>(::recv(channel.receiving.get(), bytes.data(), bytes.size(), MSG_DONTWAIT)));
    return bytes;
  }
  std::uint64_t Get(Counter counter) const { return counters.Get(counter); }

  Counters counters;
  HandoverChannel channel;
  HandoverSender sender;
  HandoverReceiver receiver;
};

TEST(HandoverChannel, CarriesEveryField) {
  Rig rig;
  const Bytes content(65535, 0x5a);
  JoinedDatagram sent = SomeDatagram(content);
  rig.sender.Send(1, sent);
  const auto received = rig.receiver.Receive(kNow);
  ASSERT_TRUE(received.has_value());
  EXPECT_EQ(received->begun.time, sent.begun.time);
  EXPECT_EQ(received->begun.interface_index, 3u);
  EXPECT_EQ(received->begun.vlan, sent.begun.vlan);
  EXPECT_EQ(received->begun.encapsulations, sent.begun.encapsulations);
  EXPECT_EQ(received->begun.encapsulation_count, 2u);
  EXPECT_EQ(received->begun.source.address, sent.begun.source.address);
  EXPECT_EQ(received->begun.destination.address, sent.begun.destination.address);
  EXPECT_EQ(received->protocol, 47u);
  EXPECT_EQ(received->length, 65535u);
  EXPECT_EQ(Bytes(received->content.begin(), received->content.end()), content);
  EXPECT_FALSE(rig.receiver.Receive(kNow).has_value());

  sent.begun.source.address = *ParseIpAddress("2001:db8::1");
  sent.begun.destination.address = *ParseIpAddress("2001:db8::2");
  rig.sender.Send(1, sent);
  const auto six = rig.receiver.Receive(kNow);
  ASSERT_TRUE(six.has_value());
  EXPECT_EQ(six->begun.source.address, sent.begun.source.address);
}

TEST(HandoverChannel, WhatDoesNotFitWaitsInOrderAndThenIsDroppedAndCounted) {
  constexpr int kMore = 20;  // than fit
  const Bytes content(8000, 1);
  Rig rig(10 * (content.size() + 100));
  std::uint32_t sent = 0;
  for (int beyond = 0; beyond < kMore; ++sent) {
    JoinedDatagram datagram = SomeDatagram(content);
    datagram.begun.interface_index = static_cast<std::uint16_t>(sent);
    const std::uint64_t dropped = rig.Get(Counter::handover_dropped);
    rig.sender.Send(1, datagram);
    beyond += rig.Get(Counter::handover_dropped) > dropped;
    ASSERT_LT(sent, 100000u);
  }
  EXPECT_EQ(rig.Get(Counter::handover_dropped), static_cast<std::uint64_t>(kMore));
  EXPECT_EQ(sent, rig.Get(Counter::handover_sent) + rig.Get(Counter::handover_dropped) + 10);
  EXPECT_FALSE(rig.sender.Flush());
  std::uint32_t expected = 0;
  bool flushed = false;
  while (!flushed || expected < sent - kMore) {
    const auto received = rig.receiver.Receive(kNow);
    ASSERT_TRUE(received.has_value()) << expected;
    EXPECT_EQ(received->begun.interface_index, static_cast<std::uint16_t>(expected));
    ++expected;
    flushed = rig.sender.Flush();
  }
  EXPECT_EQ(expected, sent - kMore);
  EXPECT_EQ(rig.Get(Counter::handover_taken), rig.Get(Counter::handover_sent));
}

TEST(HandoverChannel, WhatWaitsForADeadOwnerItsSuccessorTakes) {
  Rig rig;
  const Bytes content(100, 2);
  rig.sender.Send(1, SomeDatagram(content));
  {
    const HandoverReceiver dead = std::move(rig.receiver);
  }
  rig.sender.Send(1, SomeDatagram(content));
  HandoverReceiver successor(UniqueFd(::dup(rig.channel.receiving.get())), rig.counters);
  EXPECT_TRUE(successor.Receive(kNow).has_value());
  EXPECT_TRUE(successor.Receive(kNow).has_value());
  EXPECT_FALSE(successor.Receive(kNow).has_value());
}

TEST(HandoverChannel, IsOneWay) {
  Rig rig;
  EXPECT_LT(::send(rig.channel.receiving.get(), "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL), 0);
}

// A datagram socket of the same kind would take any Unix socket's address: the system log's, for one.
TEST(HandoverChannel, ReachesNobodyElse) {
  Rig rig;
  const UniqueFd log(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  ASSERT_EQ(::bind(log.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address.sun_family)), 0);
  socklen_t length = sizeof(address);
  ASSERT_EQ(::getsockname(log.get(), reinterpret_cast<sockaddr*>(&address), &length), 0);
  (void)::sendto(rig.channel.sending.get(), "x", 1, MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&address), length);
  char byte = 0;
  EXPECT_LT(::recv(log.get(), &byte, 1, MSG_DONTWAIT), 0);
}

TEST(HandoverReceiver, RefusesWhatIsOdd) {
  Rig rig;
  const Bytes content(64, 3);
  const Bytes good = rig.Message(SomeDatagram(content));
  const std::size_t header = good.size() - content.size();
  std::vector<Bytes> odd;
  for (std::size_t length = 1; length <= header; ++length) {
    odd.emplace_back(good.begin(), good.begin() + static_cast<long>(length));
  }
  const auto with = [&](std::size_t at, std::uint8_t value) {
    odd.push_back(good);
    odd.back()[at] = value;
  };
  with(7, 0x7f);                                                 // time: 2262
  with(7, 0x80);                                                 // time: 1677
  with(8, 63);                                                   // length: shorter than the content
  with(10, 1);                                                   // length: longer than a datagram
  with(18, 9);                                                   // number of encapsulations
  with(20, static_cast<std::uint8_t>(kCountOf<Encapsulation>));  // an encapsulation
  with(28, 5);                                                   // address length
  for (const seconds offset : {seconds(10), seconds(-7200)}) {
    JoinedDatagram datagram = SomeDatagram(content);
    datagram.begun.time = kNow + offset;
    odd.push_back(rig.Message(datagram));
  }
  for (const Bytes& bytes : odd) {
    const std::uint64_t refused = rig.Get(Counter::handover_refused);
    rig.SendRaw(bytes);
    EXPECT_FALSE(rig.receiver.Receive(kNow).has_value());
    EXPECT_EQ(rig.Get(Counter::handover_refused), refused + 1);
  }
  rig.SendRaw(good);
  EXPECT_TRUE(rig.receiver.Receive(kNow).has_value());
}

TEST(HandoverReceiver, BelievesNothingThatIsNotInBounds) {
  Rig rig;
  std::mt19937 random(7);
  const Bytes content(64, 4);
  const Bytes good = rig.Message(SomeDatagram(content));
  int believed = 0;
  for (int round = 0; round < 20000; ++round) {
    Bytes bytes = good;
    for (int changes = 0; changes < 3; ++changes) bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
    rig.SendRaw(bytes);
    const auto received = rig.receiver.Receive(kNow);
    if (!received) continue;
    ++believed;
    EXPECT_LE(received->begun.encapsulation_count, received->begun.encapsulations.size());
    EXPECT_FALSE(received->begun.source.address.none());
    EXPECT_LE(received->content.size(), received->length);
    EXPECT_LE(received->begun.time, kNow + seconds(2));
  }
  EXPECT_GT(believed, 1000);
  EXPECT_GT(rig.Get(Counter::handover_refused), 1000u);
}

TEST(HandoverReceiver, AFloodOfNonsenseDoesNotHoldItUp) {
  Rig rig;
  for (int n = 0; n < 100; ++n) rig.SendRaw(AsBytes("nonsense"));
  EXPECT_FALSE(rig.receiver.Receive(kNow).has_value());
  EXPECT_LT(rig.Get(Counter::handover_refused), 100u);
}

TEST(HandoverReceiver, TakesNoDescriptors) {
  Rig rig;
  const int free_before = ::dup(0);
  ::close(free_before);
  const int passed = 0;
  char byte = 'x';
  iovec part{&byte, 1};
  alignas(cmsghdr) std::uint8_t control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  cmsghdr* rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(rights), &passed, sizeof(int));
  ASSERT_EQ(::sendmsg(rig.channel.sending.get(), &message, 0), 1);
  EXPECT_FALSE(rig.receiver.Receive(kNow).has_value());
  const int free_after = ::dup(0);
  EXPECT_EQ(free_after, free_before);
  ::close(free_after);
}

TEST(HandoverChannel, WorksInTheSandbox) {
  Rig rig;
  const Bytes content(1400, 5);
  std::atomic<std::uint64_t> forbidden{0};
  const pid_t child = ::fork();
  if (child == 0) {
    Refusals refusals(forbidden);
    const SealedDescriptors descriptors{.receiving = rig.receiver.fd(), .sending = rig.sender.fds()};
    if (!Harden() || !Seal(descriptors, refusals)) ::_exit(99);
    rig.sender.Send(1, SomeDatagram(content));
    const bool flushed = rig.sender.Flush();
    const bool received = rig.receiver.Receive(kNow).has_value();
    ::_exit(flushed && received && forbidden == 0 ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

}  // namespace
}  // namespace spanwatch::process
