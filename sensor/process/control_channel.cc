#include "process/control_channel.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace spanwatch::process {

Result<std::pair<ControlChannel, ControlChannel>> ControlChannel::MakePair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return FailErrno("cannot make a control channel");
  const int size = kMessageBytesMax;
  for (const int end : ends) (void)::setsockopt(end, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
  for (const int end : ends) (void)::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
  // A process that no longer reads must not hold up the one that writes to it.
  const timeval patience{5, 0};
  for (const int end : ends) (void)::setsockopt(end, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  return std::pair(ControlChannel(UniqueFd(ends[0])), ControlChannel(UniqueFd(ends[1])));
}

Status ControlChannel::Send(ByteView body, std::span<const int> descriptors) {
  CHECK(body.size() <= kMessageBytesMax && descriptors.size() <= kDescriptorsMax);
  iovec part{const_cast<std::uint8_t*>(body.data()), body.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  alignas(cmsghdr) std::uint8_t control[CMSG_SPACE(sizeof(int) * kDescriptorsMax)] = {};
  if (!descriptors.empty()) {
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size_bytes());
  }
  while (::sendmsg(socket_.get(), &header, MSG_NOSIGNAL) < 0) {
    if (errno == EPIPE || errno == ECONNRESET) return Fail(ErrorCode::kUnavailable, "the other process is gone");
    if (errno != EINTR) return FailErrno("cannot send to the other process");
  }
  return {};
}

Result<ControlMessage> ControlChannel::Receive() {
  ControlMessage message;
  message.body.resize(kMessageBytesMax);
  iovec part{message.body.data(), message.body.size()};
  alignas(cmsghdr) std::uint8_t control[CMSG_SPACE(sizeof(int) * kDescriptorsMax)];
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof(control);
  ssize_t got;
  while ((got = ::recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC)) < 0) {
    if (errno == ECONNRESET) break;
    if (errno != EINTR) return FailErrno("cannot receive from the other process");
  }
  for (cmsghdr* part_of = CMSG_FIRSTHDR(&header); got >= 0 && part_of != nullptr;
       part_of = CMSG_NXTHDR(&header, part_of)) {
    if (part_of->cmsg_level != SOL_SOCKET || part_of->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part_of->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(part_of) + i * sizeof(int), sizeof(fd));
      message.descriptors.emplace_back(fd);
    }
  }
  if (got <= 0) return Fail(ErrorCode::kUnavailable, "the other process is gone");
  if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
    return Fail(ErrorCode::kCorrupt, "a control message was cut short");
  message.body.resize(static_cast<std::size_t>(got));
  return message;
}

bool ControlChannel::HasMessage() const {
  pollfd waited{socket_.get(), POLLIN, 0};
  return ::poll(&waited, 1, 0) > 0;
}

std::string TakeText(ByteReader& reader) { return std::string(AsText(reader.Take(reader.U32Le()))); }

std::unexpected<Error> ForeignMessage() {
  return Fail(ErrorCode::kCorrupt, "a control message is not what this version sends");
}

}  // namespace spanwatch::process
