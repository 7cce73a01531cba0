#include "process/sandbox.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <linux/capability.h>

#include <cerrno>
#include <memory>

namespace spanwatch::process {
namespace {

std::atomic<std::uint64_t>* g_forbidden_calls = nullptr;  // a signal handler has no other way to reach its state

// SECCOMP_RET_TRAP: the call did not happen; make it look like EPERM and count it.
void OnForbiddenCall(int, siginfo_t*, void* context) {
  auto* state = static_cast<ucontext_t*>(context);
#if defined(__x86_64__)
  state->uc_mcontext.gregs[REG_RAX] = -EPERM;
#elif defined(__aarch64__)
  state->uc_mcontext.regs[0] = static_cast<unsigned long long>(-EPERM);
#else
#error "Spanwatch's sandbox knows x86-64 and AArch64"
#endif
  if (g_forbidden_calls != nullptr) g_forbidden_calls->fetch_add(1, std::memory_order_relaxed);
}

// What the packet loop, the allocator, the sanitizers and a clean exit need; nothing that names a path, an address or a
// program.
constexpr int kAllowedCalls[] = {
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(pread64),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(lseek),
    SCMP_SYS(close),
    SCMP_SYS(fstat),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(recvmsg),
    SCMP_SYS(recvfrom),
    SCMP_SYS(sendmsg),
    SCMP_SYS(getsockopt),
    SCMP_SYS(getsockname),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(mlock),
    SCMP_SYS(munlock),
    SCMP_SYS(futex),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getrandom),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(tgkill),
    SCMP_SYS(getrlimit),
    SCMP_SYS(getrusage),
    SCMP_SYS(pipe),
    SCMP_SYS(pipe2),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

struct FilterDeleter {
  void operator()(void* filter) const { seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, FilterDeleter>;

bool Allow(const Filter& filter) {
  for (const int call : kAllowedCalls) {
    if (seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 0) != 0) return false;
  }
  // Memory may be mapped, never made executable.
  for (const int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)}) {
    if (seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) != 0)
      return false;
  }
  // glibc's fstat: newfstatat of a descriptor with an empty path.
  if (seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1,
                       SCMP_A3(SCMP_CMP_MASKED_EQ, 0x1000 /* AT_EMPTY_PATH */, 0x1000)) != 0) {
    return false;
  }
  // libpcap asks an interface that went down for its flags; standard output is asked whether it is a terminal.
  for (const std::uint64_t request : {0x8913ul /* SIOCGIFFLAGS */, 0x5401ul /* TCGETS */}) {
    if (seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_EQ, request)) != 0)
      return false;
  }
  // fcntl only reads flags; prlimit64 only reads limits.
  for (const std::uint64_t command : {static_cast<std::uint64_t>(F_GETFL), static_cast<std::uint64_t>(F_GETFD)}) {
    if (seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, SCMP_A1(SCMP_CMP_EQ, command)) != 0)
      return false;
  }
  return seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, SCMP_A2(SCMP_CMP_EQ, 0)) == 0;
}

}  // namespace

Status Harden() {
  const rlimit none{0, 0};
  if (::setrlimit(RLIMIT_CORE, &none) != 0) return FailErrno("cannot forbid core files");
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return FailErrno("cannot make the process undumpable");
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return FailErrno("cannot renounce new privileges");
  return {};
}

namespace {

Status BecomeUser(const std::string& user) {
  if (::geteuid() != 0 || user.empty()) return {};
  errno = 0;
  const passwd* entry = ::getpwnam(user.c_str());
  if (entry == nullptr)
    return Fail(ErrorCode::kNotFound, "there is no user '{}' to run as; create it or name another", user);
  if (::setgroups(0, nullptr) != 0 || ::setgid(entry->pw_gid) != 0 || ::setuid(entry->pw_uid) != 0) {
    return FailErrno("cannot become user " + user);
  }
  return {};
}

}  // namespace

Status KeepCapturePrivilege(const std::string& user) {
  // What is not in the bounding set no program started from here gets back, not even as root.
  for (int capability = 0; ::geteuid() == 0 && ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    if (capability != CAP_NET_RAW && ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) {
      return FailErrno("cannot drop capabilities");
    }
  }
  if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return FailErrno("cannot keep a capability");
  if (Status status = BecomeUser(user); !status) return status;
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct kept[2] = {};
  kept[0].effective = kept[0].permitted = kept[0].inheritable = 1u << CAP_NET_RAW;
  if (::syscall(SYS_capset, &header, kept) != 0 ||
      ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0) != 0) {
    return FailErrno("capturing needs CAP_NET_RAW (start as root, or with it as an ambient capability)");
  }
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return FailErrno("cannot make the process undumpable");
  return {};
}

Status DropPrivileges(const std::string& user) {
  if (Status status = BecomeUser(user); !status) return status;
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2] = {};
  if (::syscall(SYS_capset, &header, none) != 0) return FailErrno("cannot drop capabilities");
  // Becoming another user made the process dumpable again.
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return FailErrno("cannot make the process undumpable");
  return {};
}

Status Seal(std::atomic<std::uint64_t>& forbidden_calls) {
  g_forbidden_calls = &forbidden_calls;
  struct sigaction action{};
  action.sa_sigaction = OnForbiddenCall;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  if (::sigaction(SIGSYS, &action, nullptr) != 0) return FailErrno("cannot handle SIGSYS");
  const Filter filter(seccomp_init(SCMP_ACT_TRAP));
  if (!filter || !Allow(filter)) return Fail(ErrorCode::kIo, "cannot build the seccomp filter");
  if (const int error = seccomp_load(filter.get()); error != 0) {
    errno = -error;
    return FailErrno("cannot load the seccomp filter");
  }
  return {};
}

}  // namespace spanwatch::process
