#include "process/sandbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <string_view>

#include "support/sanitizer.h"

namespace spanwatch::process {
namespace {

std::atomic<std::uint64_t> forbidden_calls{0};

// Runs `body` in a sealed child and returns its exit status.
int InSandbox(const std::function<bool()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (!Harden() || !DropPrivileges("") || !Seal(forbidden_calls)) ::_exit(99);
    ::_exit(body() ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

bool RefusedAndCounted(const std::function<long()>& call) {
  const std::uint64_t before = forbidden_calls.load();
  errno = 0;
  const long result = call();
  return result == -1 && errno == EPERM && forbidden_calls.load() == before + 1;
}

TEST(Sandbox, RefusesAndCountsWhatIsForbidden) {
  const std::pair<const char*, std::function<long()>> attempts[] = {
      {"open", [] { return ::open("/etc/passwd", O_RDONLY); }},
      {"create", [] { return ::open("/tmp/spanwatch-must-not-exist", O_WRONLY | O_CREAT, 0600); }},
      {"socket", [] { return ::socket(AF_INET, SOCK_STREAM, 0); }},
      {"raw socket", [] { return ::socket(AF_PACKET, SOCK_RAW, 0); }},
      {"exec", [] { return ::execl("/bin/true", "true", nullptr); }},
      {"fork", [] { return ::fork(); }},
      {"unlink", [] { return ::unlink("/tmp/nothing"); }},
      {"kill", [] { return ::kill(1, 0); }},
      {"setuid", [] { return ::setuid(0); }},
      {"executable memory",
       [] {
         return ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1L
                                                                                                               : 0L;
       }},
  };
  for (const auto& [name, attempt] : attempts) {
    // A thread of ThreadSanitizer's own makes of it a signal to all threads.
    if (support::kThreadSanitizer && std::string_view(name) == "setuid") continue;
    EXPECT_EQ(InSandbox([&] { return RefusedAndCounted(attempt); }), 0) << name;
  }
}

TEST(Sandbox, LeavesWhatThePacketLoopNeeds) {
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  EXPECT_EQ(InSandbox([&] {
              std::string text(100000, 'x');  // memory
              timespec now{};
              return ::write(pipe_ends[1], text.data(), 10) == 10 && ::read(pipe_ends[0], text.data(), 10) == 10 &&
                     ::clock_gettime(CLOCK_MONOTONIC, &now) == 0;
            }),
            0);
  ::close(pipe_ends[0]);
  ::close(pipe_ends[1]);
}

}  // namespace
}  // namespace spanwatch::process
