#include "process/link_watch.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

namespace spanwatch::process {
namespace {

// Routing messages may be lost; a look costs two system calls.
constexpr std::chrono::milliseconds kLookInterval{500};

}  // namespace

std::string_view ToString(LinkState state) {
  constexpr std::string_view kNames[] = {"up", "without carrier", "down", "gone"};
  return kNames[static_cast<std::size_t>(state)];
}

Result<LinkWatch> LinkWatch::Open(const std::string& interface) {
  UniqueFd events(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK;
  if (!events || ::bind(events.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    return FailErrno("cannot watch the interface's state");
  }
  UniqueFd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!any) return FailErrno("cannot look at the interface's state");
  LinkWatch watch(interface, std::move(events), std::move(any));
  Changes ignored;
  watch.Look(ignored);
  if (watch.index_ == 0 || interface.size() >= IFNAMSIZ)
    return Fail(ErrorCode::kNotFound, "{}: there is no such interface", interface);
  return watch;
}

LinkWatch::Changes LinkWatch::Take(Clock::time_point now) {
  Changes changes;
  if (!TakeEvents(changes) && now < look_at_) return changes;
  look_at_ = now + kLookInterval;
  Look(changes);
  return changes;
}

// True when there was any.
bool LinkWatch::TakeEvents(Changes& changes) {
  bool any = false;
  alignas(nlmsghdr) std::array<char, 32768> buffer;
  while (true) {
    const ssize_t got = ::recv(events_.get(), buffer.data(), buffer.size(), 0);
    if (got <= 0) {
      // Messages were lost: it may have gone down and up.
      if (got < 0 && errno == ENOBUFS) {
        changes.came_up = any = true;
        continue;
      }
      return any;
    }
    any = true;
    auto remaining = static_cast<unsigned>(got);
    for (auto* header = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(header, remaining);
         header = NLMSG_NEXT(header, remaining)) {
      const bool deleted = header->nlmsg_type == RTM_DELLINK;
      if ((!deleted && header->nlmsg_type != RTM_NEWLINK) || header->nlmsg_len < NLMSG_LENGTH(sizeof(ifinfomsg))) {
        continue;
      }
      const auto* link = static_cast<const ifinfomsg*>(NLMSG_DATA(header));
      // A bridge tells of its ports by the same messages; one that leaves a bridge is not taken away.
      if (link->ifi_index != index_ || link->ifi_family != AF_UNSPEC) continue;
      if (deleted) {
        changes.left = true;
        continue;
      }
      const bool now_up = (link->ifi_flags & IFF_UP) != 0;
      changes.came_up = changes.came_up || (now_up && !up_);
      up_ = now_up;
    }
  }
}

void LinkWatch::Look(Changes& changes) {
  ifreq request{};
  std::strncpy(request.ifr_name, interface_.c_str(), IFNAMSIZ - 1);
  const int index = ::ioctl(any_.get(), SIOCGIFINDEX, &request) == 0 ? request.ifr_ifindex : 0;
  const bool readable = index != 0 && ::ioctl(any_.get(), SIOCGIFFLAGS, &request) == 0;
  const unsigned flags = readable ? static_cast<unsigned short>(request.ifr_flags) : 0;
  if (index_ != 0 && index != index_) changes.left = true;
  if (changes.left) changes.came_up = false;
  index_ = index;
  up_ = (flags & IFF_UP) != 0;
  const LinkState before = state_;
  state_ = index == 0                   ? LinkState::kGone
           : !up_                       ? LinkState::kDown
           : (flags & IFF_RUNNING) == 0 ? LinkState::kNoCarrier
                                        : LinkState::kUp;
  changes.state = state_ != before;
}

}  // namespace spanwatch::process
