#include "process/child.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace spanwatch::process {
namespace {

int StatusOf(int wait_status) {
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

}  // namespace

Result<Child> Child::Start(const std::string& role) {
  auto channels = ControlChannel::MakePair();
  if (!channels) return Fail(channels.error());
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  // dup2 onto itself would keep close-on-exec, so move our end away from the wanted number first.
  UniqueFd end(::fcntl(channels->second.fd(), F_DUPFD_CLOEXEC, kControlDescriptor + 1));
  posix_spawn_file_actions_adddup2(&actions, end.get(), kControlDescriptor);
  // Standard error is the log's; the supervisor may write events to standard output. Nothing else is passed on.
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  if (role != "supervisor") posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addclosefrom_np(&actions, kControlDescriptor + 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  std::string program = "spanwatch", command = "role", name = role;
  char* const arguments[] = {program.data(), command.data(), name.data(), nullptr};
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, arguments, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    errno = error;
    return FailErrno("cannot start the " + role + " process");
  }
  return Child(pid, std::move(channels->first));
}

Child::Child(Child&& other) noexcept : pid_(other.pid_), ended_(other.ended_), channel_(std::move(other.channel_)) {
  other.pid_ = -1;
}

Child& Child::operator=(Child&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(ended_, other.ended_);
  std::swap(channel_, other.channel_);
  return *this;
}

Child::~Child() {
  if (pid_ < 0 || Poll()) return;
  ::kill(pid_, SIGKILL);
  Wait();
}

std::optional<int> Child::Poll() {
  int status = 0;
  if (!ended_ && ::waitpid(pid_, &status, WNOHANG) == pid_) ended_ = StatusOf(status);
  return ended_;
}

int Child::Wait() {
  int status = 0;
  while (!ended_) {
    if (::waitpid(pid_, &status, 0) == pid_) ended_ = StatusOf(status);
    if (errno == ECHILD && !ended_) ended_ = 255;
  }
  return *ended_;
}

void Child::Signal(int signal) const {
  if (!ended_) ::kill(pid_, signal);
}

}  // namespace spanwatch::process
