#include "process/confinement.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <string>
#include <thread>

#include "process/sandbox.h"
#include "support/sanitizer.h"

namespace spanwatch::process {
namespace {

// Runs `body` in a child that was confined, and returns its exit status.
int Confined(Status (*confine)(), const std::function<bool()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (!Harden() || !confine()) ::_exit(99);
    ::_exit(body() ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

struct Attempt {
  const char* name;
  std::function<long()> call;
};

long MapWritableCode() {
  void* memory = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? -1 : 0;
}

long MakeCode() {
  void* memory = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return ::mprotect(memory, 4096, PROT_READ | PROT_EXEC);
}

const Attempt kOfAnybody[] = {
    {"ptrace", [] { return ::ptrace(PTRACE_ATTACH, ::getppid(), nullptr, nullptr); }},
    {"another's memory", [] { return ::syscall(SYS_process_vm_readv, ::getppid(), nullptr, 0, nullptr, 0, 0); }},
    {"another's descriptors", [] { return ::syscall(SYS_pidfd_getfd, -1, 0, 0); }},
    {"io_uring", [] { return ::syscall(SYS_io_uring_setup, 1, nullptr); }},
    {"bpf", [] { return ::syscall(SYS_bpf, 0, nullptr, 0); }},
    {"namespaces", [] { return ::syscall(SYS_unshare, 0); }},
    {"mount", [] { return ::syscall(SYS_mount, "none", "/nowhere", "tmpfs", 0, nullptr); }},
    {"become another user", [] { return ::syscall(SYS_setuid, ::getuid()); }},
    {"writable code", MapWritableCode},
    {"code of what was written", MakeCode},
};

const Attempt kOfSupervisor[] = {
    {"exec", [] { return ::execl("/bin/true", "true", nullptr); }},
    {"fork", [] { return ::fork(); }},
    {"kill", [] { return ::kill(::getppid(), 0); }},
    {"tgkill", [] { return ::syscall(SYS_tgkill, ::getppid(), ::getppid(), 0); }},
    {"packet socket", [] { return ::socket(AF_PACKET, SOCK_RAW, 0); }},
    {"other sockets", [] { return ::socket(AF_VSOCK, SOCK_STREAM, 0); }},
    {"capabilities", [] { return ::syscall(SYS_capset, nullptr, nullptr); }},
};

bool Refused(const Attempt& attempt) {
  errno = 0;
  return attempt.call() == -1 && errno == EPERM;
}

TEST(Confinement, OfTheLauncherRefusesWhatNobodyNeeds) {
  if (support::kSanitizesMemory) GTEST_SKIP() << "a leak check needs some of it";
  for (const Attempt& attempt : kOfAnybody) {
    EXPECT_EQ(Confined(ConfineLauncher, [&] { return Refused(attempt); }), 0) << attempt.name;
  }
}

TEST(Confinement, OfTheLauncherLetsItStartPrograms) {
  EXPECT_EQ(Confined(ConfineLauncher,
                     [] {
                       pid_t pid = -1;
                       char name[] = "true";
                       char* arguments[] = {name, nullptr};
                       int status = 1;
                       return ::posix_spawn(&pid, "/bin/true", nullptr, nullptr, arguments, environ) == 0 &&
                              ::waitpid(pid, &status, 0) == pid && status == 0;
                     }),
            0);
}

TEST(Confinement, OfTheSupervisorRefusesProgramsPacketsAndSignalsToo) {
  if (support::kSanitizesMemory) GTEST_SKIP() << "a leak check needs some of it";
  for (const Attempt& attempt : kOfAnybody) {
    EXPECT_EQ(Confined(ConfineSupervisor, [&] { return Refused(attempt); }), 0) << attempt.name;
  }
  for (const Attempt& attempt : kOfSupervisor) {
    EXPECT_EQ(Confined(ConfineSupervisor, [&] { return Refused(attempt); }), 0) << attempt.name;
  }
}

TEST(Confinement, OfTheSupervisorLeavesThreadsFilesAndConnections) {
  EXPECT_EQ(Confined(ConfineSupervisor,
                     [] {
                       bool ran = false;
                       std::thread([&] { ran = true; }).join();
                       const int connection = ::socket(AF_INET6, SOCK_STREAM, 0);
                       const int file = ::open("/etc/passwd", O_RDONLY);
                       return ran && connection >= 0 && file >= 0;
                     }),
            0);
}

TEST(Confinement, ClosesWhatWasInherited) {
  const int left_open = ::open("/etc/passwd", O_RDONLY);
  ASSERT_GE(left_open, 0);
  EXPECT_EQ(Confined([]() -> Status { return {}; },
                     [&] {
                       CloseInherited();
                       return ::fcntl(left_open, F_GETFD) == -1 && ::fcntl(STDERR_FILENO, F_GETFD) >= 0;
                     }),
            0);
  ::close(left_open);
}

}  // namespace
}  // namespace spanwatch::process
