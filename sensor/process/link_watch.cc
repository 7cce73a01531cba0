#include "process/link_watch.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

namespace spanwatch::process {

Result<LinkWatch> LinkWatch::Open(const std::string& interface) {
  UniqueFd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK;
  if (!socket || ::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    return FailErrno("cannot watch the interface's state");
  }
  const int index = static_cast<int>(::if_nametoindex(interface.c_str()));
  if (index == 0) return Fail(ErrorCode::kNotFound, "{}: there is no such interface", interface);
  ifreq request{};
  std::strncpy(request.ifr_name, interface.c_str(), IFNAMSIZ - 1);
  const UniqueFd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!any || ::ioctl(any.get(), SIOCGIFFLAGS, &request) != 0) return FailErrno(interface + ": cannot read its flags");
  return LinkWatch(std::move(socket), index, (request.ifr_flags & IFF_UP) != 0);
}

bool LinkWatch::TakeCameUp() {
  bool came_up = false;
  alignas(nlmsghdr) std::array<char, 32768> buffer;
  while (true) {
    const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (got <= 0) {
      // Messages were lost: it may have gone down and up.
      if (got < 0 && errno == ENOBUFS) {
        came_up = true;
        continue;
      }
      return came_up;
    }
    auto remaining = static_cast<unsigned>(got);
    for (auto* header = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(header, remaining);
         header = NLMSG_NEXT(header, remaining)) {
      if (header->nlmsg_type != RTM_NEWLINK || header->nlmsg_len < NLMSG_LENGTH(sizeof(ifinfomsg))) continue;
      const auto* link = static_cast<const ifinfomsg*>(NLMSG_DATA(header));
      if (link->ifi_index != interface_index_) continue;
      const bool now_up = (link->ifi_flags & IFF_UP) != 0;
      came_up = came_up || (now_up && !up_);
      up_ = now_up;
    }
  }
}

}  // namespace spanwatch::process
