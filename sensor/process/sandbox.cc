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
#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <type_traits>

#include "process/seccomp_filter.h"
#include "telemetry/log.h"

namespace spanwatch::process {
namespace {

Refusals* g_refusals = nullptr;  // a signal handler has no other way to reach its state

// The C library's fstat is newfstatat of a descriptor and an empty path. A filter cannot look at the path, so that call
// is trapped like a forbidden one and made here as fstat, which takes no path.
bool IsStatOfDescriptor(int call, const long long (&arguments)[4]) {
  const auto* path = reinterpret_cast<const char*>(arguments[1]);
  return call == SYS_newfstatat && (arguments[3] & AT_EMPTY_PATH) != 0 && path != nullptr && *path == '\0';
}

// SECCOMP_RET_TRAP: the call did not happen; make it look like EPERM and note it.
void OnTrappedCall(int, siginfo_t* info, void* context) {
  auto& state = static_cast<ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
  const long long arguments[4] = {state.gregs[REG_RDI], state.gregs[REG_RSI], state.gregs[REG_RDX],
                                  state.gregs[REG_R10]};
  auto& result = state.gregs[REG_RAX];
#elif defined(__aarch64__)
  const long long arguments[4] = {static_cast<long long>(state.regs[0]), static_cast<long long>(state.regs[1]),
                                  static_cast<long long>(state.regs[2]), static_cast<long long>(state.regs[3])};
  auto& result = state.regs[0];
#else
#error "Spanwatch's sandbox knows x86-64 and AArch64"
#endif
  using Register = std::remove_reference_t<decltype(result)>;
  if (IsStatOfDescriptor(info->si_syscall, arguments)) {
    const int before = errno;
    const long status = ::syscall(SYS_fstat, arguments[0], arguments[2]);
    result = static_cast<Register>(status == 0 ? 0 : -errno);
    errno = before;
    return;
  }
  result = static_cast<Register>(-EPERM);
  if (g_refusals != nullptr) g_refusals->Note(info->si_syscall);
}

// What the packet loop, the allocator and a clean exit need, whatever the arguments: nothing that names a path, an
// address, a program or another process, and nothing that sends.
constexpr int kAllowedCalls[] = {
    SCMP_SYS(close),           SCMP_SYS(fstat),           SCMP_SYS(poll),         SCMP_SYS(ppoll),
    SCMP_SYS(munmap),          SCMP_SYS(mremap),          SCMP_SYS(madvise),      SCMP_SYS(brk),
    SCMP_SYS(mlock),           SCMP_SYS(munlock),         SCMP_SYS(futex),        SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep),       SCMP_SYS(gettimeofday), SCMP_SYS(time),
    SCMP_SYS(sched_yield),     SCMP_SYS(getpid),          SCMP_SYS(gettid),       SCMP_SYS(getrandom),
    SCMP_SYS(rt_sigreturn),    SCMP_SYS(rt_sigprocmask),  SCMP_SYS(sigaltstack),  SCMP_SYS(getrlimit),
    SCMP_SYS(getrusage),       SCMP_SYS(restart_syscall), SCMP_SYS(exit),         SCMP_SYS(exit_group),
};

// What AddressSanitizer and ThreadSanitizer do besides, to look whether memory can be read.
constexpr int kSanitizersCalls[] = {SCMP_SYS(pipe), SCMP_SYS(pipe2), SCMP_SYS(read), SCMP_SYS(write),
                                    SCMP_SYS(sched_getaffinity)};

// Everything is trapped but what is named.
class Allowed {
 public:
  template <typename... Conditions>
  void Allow(int call, Conditions... conditions) {
    filter_.Add(SCMP_ACT_ALLOW, call, conditions...);
  }
  // The calls on one descriptor. -1 is none.
  void AllowOn(int descriptor, std::initializer_list<int> calls) {
    if (descriptor < 0) return;
    for (const int call : calls) Allow(call, SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(descriptor)));
  }
  Status Load() { return filter_.Load(); }

 private:
  SeccompFilter filter_{SCMP_ACT_TRAP};
};

void AllowDescriptors(Allowed& allowed, const SealedDescriptors& descriptors) {
  allowed.AllowOn(STDERR_FILENO, {SCMP_SYS(write), SCMP_SYS(writev)});
  allowed.AllowOn(descriptors.control, {SCMP_SYS(sendmsg), SCMP_SYS(recvmsg)});
  allowed.AllowOn(descriptors.receiving, {SCMP_SYS(recvfrom)});
  for (const int channel : descriptors.sending) allowed.AllowOn(channel, {SCMP_SYS(sendmsg)});
  for (const int input : descriptors.inputs)
    allowed.AllowOn(input, {SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(lseek)});
}

void AllowMemory(Allowed& allowed) {
  // Never executable; of a descriptor, which a new hash set comes as, for reading only.
  allowed.Allow(SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
                SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS));
  allowed.Allow(SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_EQ, PROT_READ));
  allowed.Allow(SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}

void AllowOfItself(Allowed& allowed) {
  // abort() sends itself a signal; nobody else gets one.
  allowed.Allow(SCMP_SYS(tgkill), SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(::getpid())));
  // Refusals stay counted: nobody takes their handler away.
  allowed.Allow(SCMP_SYS(rt_sigaction), SCMP_A0(SCMP_CMP_NE, SIGSYS));
  for (const int command : {F_GETFL, F_GETFD})
    allowed.Allow(SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, static_cast<scmp_datum_t>(command)));
  // Limits are read, its own, and not set.
  allowed.Allow(SCMP_SYS(prlimit64), SCMP_A0(SCMP_CMP_EQ, 0), SCMP_A2(SCMP_CMP_EQ, 0));
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

void Refusals::Note(int call) noexcept {
  count_.fetch_add(1, std::memory_order_relaxed);
  const auto number = static_cast<std::size_t>(call);
  if (call < 0 || number >= kCallsMax) return;
  calls_[number / 64].fetch_or(std::uint64_t{1} << number % 64, std::memory_order_relaxed);
  untold_.store(true, std::memory_order_relaxed);
}

void Refusals::LogNew() {
  if (!untold_.load(std::memory_order_relaxed)) return;
  untold_.store(false, std::memory_order_relaxed);
  for (std::size_t call = 0; call < kCallsMax; ++call) {
    const std::uint64_t bit = std::uint64_t{1} << call % 64;
    if ((calls_[call / 64].load(std::memory_order_relaxed) & bit) == 0 || (logged_[call / 64] & bit) != 0) continue;
    logged_[call / 64] |= bit;
    const std::unique_ptr<char, decltype(&::free)> name(
        seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, static_cast<int>(call)), ::free);
    Log(LogLevel::kError, "The sandbox refused a system call", "call={} number={}", name ? name.get() : "unknown",
        call);
  }
}

Status Seal(const SealedDescriptors& descriptors, Refusals& refusals) {
  g_refusals = &refusals;
  struct sigaction action{};
  action.sa_sigaction = OnTrappedCall;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  if (::sigaction(SIGSYS, &action, nullptr) != 0) return FailErrno("cannot handle SIGSYS");
  Allowed allowed;
  for (const int call : kAllowedCalls) allowed.Allow(call);
  for (const int call : kSanitizersCalls) {
    if (kSanitized) allowed.Allow(call);
  }
  AllowDescriptors(allowed, descriptors);
  AllowMemory(allowed);
  AllowOfItself(allowed);
  return allowed.Load();
}

}  // namespace spanwatch::process
