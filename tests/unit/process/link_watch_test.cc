#include "process/link_watch.h"

#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstdlib>
#include <cstring>
#include <thread>

namespace spanwatch::process {
namespace {

void SetLoopback(bool up) {
  const UniqueFd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  ASSERT_EQ(::ioctl(any.get(), SIOCGIFFLAGS, &request), 0);
  request.ifr_flags = static_cast<short>(up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP);
  ASSERT_EQ(::ioctl(any.get(), SIOCSIFFLAGS, &request), 0);
}

// In a network namespace of the thread's own, whose loopback interface begins down.
template <typename Body>
void InNamespace(Body body) {
  bool allowed = true;
  std::thread([&] {
    allowed = ::unshare(CLONE_NEWNET) == 0;
    if (allowed) body();
  }).join();
  if (!allowed) GTEST_SKIP() << "network namespaces are not allowed here";
}

TEST(LinkWatch, TellsThatAnInterfaceCameUpAgain) {
  InNamespace([] {
    auto watch = LinkWatch::Open("lo");
    ASSERT_TRUE(watch.has_value());
    const LinkWatch::Clock::time_point now{};
    EXPECT_EQ(watch->state(), LinkState::kDown);
    EXPECT_FALSE(watch->Take(now).came_up);
    SetLoopback(true);
    EXPECT_TRUE(watch->Take(now).came_up);
    EXPECT_FALSE(watch->Take(now).came_up);
    EXPECT_EQ(watch->state(), LinkState::kUp);
    SetLoopback(false);
    const auto down = watch->Take(now);
    EXPECT_TRUE(down.state);
    EXPECT_FALSE(down.came_up || down.left);
    EXPECT_EQ(watch->state(), LinkState::kDown);
    SetLoopback(true);
    SetLoopback(false);
    SetLoopback(true);
    EXPECT_TRUE(watch->Take(now).came_up);
  });
}

TEST(LinkWatch, TellsThatAnInterfaceWasTakenAwayAndThatOneOfItsNameCame) {
  if (std::system("command -v ip > /dev/null") != 0) GTEST_SKIP() << "ip is not installed";
  InNamespace([] {
    const auto ip = [](const char* words) { ASSERT_EQ(std::system((std::string("ip ") + words).c_str()), 0) << words; };
    const LinkWatch::Clock::time_point now{};
    ip("link add span9 type veth peer name other9");
    ip("link set span9 up");
    auto watch = LinkWatch::Open("span9");
    ASSERT_TRUE(watch.has_value());
    // On a busy machine the kernel tells of a carrier a little later.
    bool changed = false, left = false;
    const auto comes_to = [&](LinkState state) {
      changed = left = false;
      for (int i = 0; i < 500; ++i) {
        const auto taken = watch->Take(now);
        changed |= taken.state;
        left |= taken.left;
        if ((changed || left) && watch->state() == state) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      }
      return false;
    };
    EXPECT_EQ(watch->state(), LinkState::kNoCarrier) << "the other end is down";
    ip("link set other9 up");
    EXPECT_TRUE(comes_to(LinkState::kUp));
    ip("link delete span9");
    EXPECT_TRUE(comes_to(LinkState::kGone));
    EXPECT_TRUE(left);
    EXPECT_FALSE(watch->Take(now + std::chrono::seconds(1)).state);
    ip("link add span9 type veth peer name other9");
    ip("link set other9 up");
    EXPECT_TRUE(comes_to(LinkState::kDown));
    ip("link set span9 up");
    EXPECT_TRUE(comes_to(LinkState::kUp));
    ip("link delete span9");
    ip("link add span9 type veth peer name other9");
    ip("link set other9 up");
    ip("link set span9 up");
    EXPECT_TRUE(comes_to(LinkState::kUp));
    EXPECT_TRUE(left) << "another of the same name";
    ip("link set span9 down");
    ip("link set span9 name span8");
    EXPECT_TRUE(comes_to(LinkState::kGone));
    EXPECT_TRUE(left);
  });
}

TEST(LinkWatch, NamesAnInterfaceThatIsNotThere) {
  const auto watch = LinkWatch::Open("nosuchinterface");
  ASSERT_FALSE(watch.has_value());
  EXPECT_EQ(watch.error().code, ErrorCode::kNotFound);
  EXPECT_NE(watch.error().message.find("nosuchinterface"), std::string::npos);
}

}  // namespace
}  // namespace spanwatch::process
