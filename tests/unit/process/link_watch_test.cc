#include "process/link_watch.h"

#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

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
    EXPECT_FALSE(watch->up());
    EXPECT_FALSE(watch->TakeCameUp());
    SetLoopback(true);
    EXPECT_TRUE(watch->TakeCameUp());
    EXPECT_FALSE(watch->TakeCameUp());
    EXPECT_TRUE(watch->up());
    SetLoopback(false);
    EXPECT_FALSE(watch->TakeCameUp());
    EXPECT_FALSE(watch->up());
    SetLoopback(true);
    SetLoopback(false);
    SetLoopback(true);
    EXPECT_TRUE(watch->TakeCameUp());
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
