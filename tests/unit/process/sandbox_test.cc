#include "process/sandbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <string>
#include <string_view>

#include "support/sanitizer.h"

namespace spanwatch::process {
namespace {

std::atomic<std::uint64_t> forbidden_calls{0};
struct stat facts_of_path{};
rlimit limit{};

// Runs `body` in a sealed child and returns its exit status.
int InSandbox(const std::function<bool()>& body, const SealedDescriptors& descriptors = {}) {
  const pid_t child = ::fork();
  if (child == 0) {
    Refusals refusals(forbidden_calls);
    if (!Harden() || !DropPrivileges("") || !Seal(descriptors, refusals)) ::_exit(99);
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
      {"tgkill of another", [] { return ::syscall(SYS_tgkill, 1, 1, 0); }},
      {"stat of a path", [] { return ::syscall(SYS_newfstatat, AT_FDCWD, "/etc/passwd", &facts_of_path, 0); }},
      {"stat of a path, said to be empty",
       [] { return ::syscall(SYS_newfstatat, AT_FDCWD, "/etc/passwd", &facts_of_path, AT_EMPTY_PATH); }},
      {"limits of another", [] { return ::syscall(SYS_prlimit64, 1, RLIMIT_NOFILE, nullptr, &limit); }},
      {"a limit", [] { return ::syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &limit, nullptr); }},
      {"handler of refusals", [] { return ::signal(SIGSYS, SIG_DFL) == SIG_ERR ? -1L : 0L; }},
      {"write to standard output", [] { return ::write(STDOUT_FILENO, "x", 1); }},
      {"read of standard input", [] { return ::read(STDIN_FILENO, &limit, 1); }},
      {"shared memory to write to",
       [] {
         return ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, STDERR_FILENO, 0) == MAP_FAILED ? -1L : 0L;
       }},
      {"duplicate", [] { return ::dup(STDERR_FILENO); }},
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
    const bool on_pipes =
        std::string_view(name).starts_with("write to") || std::string_view(name).starts_with("read of");
    if (support::kSanitizesMemory && on_pipes) continue;
    EXPECT_EQ(InSandbox([&] { return RefusedAndCounted(attempt); }), 0) << name;
  }
}

TEST(Sandbox, LeavesWhatThePacketLoopNeeds) {
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  ASSERT_EQ(::write(pipe_ends[1], "0123456789", 10), 10);
  EXPECT_EQ(InSandbox(
                [&] {
                  std::string text(100000, 'x');  // memory
                  timespec now{};
                  struct stat facts{};
                  return ::read(pipe_ends[0], text.data(), 10) == 10 && ::clock_gettime(CLOCK_MONOTONIC, &now) == 0 &&
                         ::fstat(pipe_ends[0], &facts) == 0 && S_ISFIFO(facts.st_mode) && forbidden_calls.load() == 0;
                },
                {.inputs = {pipe_ends[0]}}),
            0);
  ::close(pipe_ends[0]);
  ::close(pipe_ends[1]);
}

TEST(Sandbox, AllowsEachDescriptorOnlyWhatItIsFor) {
  if (support::kSanitizesMemory) GTEST_SKIP() << "sanitizers read and write pipes of their own";
  int control[2], sending[2], other[2];
  for (int* ends : {control, sending, other}) ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
  const auto send = [](int socket) {
    char byte = 'x';
    iovec part{&byte, 1};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    return ::sendmsg(socket, &message, MSG_DONTWAIT);
  };
  EXPECT_EQ(InSandbox(
                [&] {
                  return send(control[0]) == 1 && send(sending[0]) == 1 &&
                         RefusedAndCounted([&] { return send(other[0]); }) &&
                         RefusedAndCounted([&] { return ::write(other[0], "x", 1); }) &&
                         RefusedAndCounted([&] { return ::write(control[0], "x", 1); }) &&
                         RefusedAndCounted([&] { return ::send(sending[0], "x", 1, 0); }) &&
                         RefusedAndCounted([&] { return ::recv(control[0], &limit, 1, MSG_DONTWAIT); });
                },
                {.control = control[0], .sending = {sending[0]}}),
            0);
  for (int* ends : {control, sending, other}) {
    ::close(ends[0]);
    ::close(ends[1]);
  }
}

TEST(Sandbox, LogsEachRefusedCallOnceByName) {
  std::atomic<std::uint64_t> count{0};
  Refusals refusals(count);
  refusals.Note(SYS_openat);
  refusals.Note(SYS_openat);
  refusals.Note(SYS_socket);
  refusals.Note(-1);
  refusals.Note(100'000);
  ::testing::internal::CaptureStderr();
  refusals.LogNew();
  refusals.LogNew();
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(count.load(), 5u);
  EXPECT_NE(log.find("call=openat"), std::string::npos) << log;
  EXPECT_NE(log.find("call=socket"), std::string::npos) << log;
  EXPECT_EQ(std::ranges::count(log, '\n'), 2) << log;
}

}  // namespace
}  // namespace spanwatch::process
