#include "process/service_manager.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstdlib>
#include <string>

#include "base/unique_fd.h"

namespace spanwatch::process {
namespace {

TEST(ServiceManager, HearsTheStateOnAnAbstractSocket) {
  const std::string name = "@spanwatch-notify-" + std::to_string(::getpid());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path, name.size());
  address.sun_path[0] = '\0';
  const UniqueFd listener(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address),
                   static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size())),
            0);
  ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  NotifyServiceManager("READY=1");
  ::unsetenv("NOTIFY_SOCKET");
  NotifyServiceManager("STOPPING=1");  // to nobody
  char told[64];
  const ssize_t got = ::recv(listener.get(), told, sizeof(told), MSG_DONTWAIT);
  ASSERT_GT(got, 0);
  EXPECT_EQ(std::string_view(told, static_cast<std::size_t>(got)), "READY=1");
  EXPECT_LT(::recv(listener.get(), told, sizeof(told), MSG_DONTWAIT), 0);
}

}  // namespace
}  // namespace spanwatch::process
