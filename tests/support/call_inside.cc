// call_inside PID INTERFACE-INDEX VICTIM...: makes a process, which is stopped for it, try what an attacker inside it
// would: send frames and datagrams on each of its descriptors, open, connect, execute, look at files, kill the victims.
// Says of each attempt what came of it; the exit status is 1 when one succeeded that must not. x86-64 only, as root.
//
// The calls are made by the process itself, through ptrace, so that they meet its real filter and its real descriptors.
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

namespace {

// A whole frame, so that a packet socket would take it; the test looks for the marker on every interface.
constexpr char kFrame[] =
    "\xff\xff\xff\xff\xff\xff\x02\x00\x00\x00\x00\x01\x88\xb5 spanwatch-escaped-frame, padded to the least length";

[[noreturn]] void Give(const char* what) {
  std::perror(what);
  std::exit(2);
}

// Memory of the process that a call's arguments stand in, below what its stack holds.
struct Arguments {
  char frame[128];
  char path[32];
  sockaddr_ll to;
  iovec part;
  msghdr message;
  char result[512];
};

class Inside {
 public:
  explicit Inside(pid_t pid) : pid_(pid) {
    int status = 0;
    if (::ptrace(PTRACE_ATTACH, pid_, nullptr, nullptr) != 0 || ::waitpid(pid_, &status, 0) != pid_) Give("attach");
    if (::ptrace(PTRACE_GETREGS, pid_, nullptr, &before_) != 0) Give("registers");
    memory_ = ::open(("/proc/" + std::to_string(pid_) + "/mem").c_str(), O_RDWR | O_CLOEXEC);
    if (memory_ < 0) Give("memory");
    Read(before_.rip, code_.data(), code_.size());
    constexpr std::array<unsigned char, 3> kCallAndStop{0x0f, 0x05, 0xcc};
    Write(before_.rip, kCallAndStop.data(), kCallAndStop.size());
    place_ = (before_.rsp - 1024 - sizeof(Arguments)) & ~0xfULL;
  }
  ~Inside() {
    Write(before_.rip, code_.data(), code_.size());
    ::ptrace(PTRACE_SETREGS, pid_, nullptr, &before_);
    ::ptrace(PTRACE_DETACH, pid_, nullptr, nullptr);
    ::close(memory_);
  }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

  // Where a member of Arguments stands in the process.
  unsigned long long At(std::size_t offset) const { return place_ + offset; }
  void Put(const Arguments& arguments) { Write(place_, &arguments, sizeof(arguments)); }

  long Call(long number, std::array<unsigned long long, 6> arguments) {
    user_regs_struct registers = before_;
    registers.orig_rax = ~0ULL;  // no call is to be restarted
    registers.rax = static_cast<unsigned long long>(number);
    registers.rdi = arguments[0];
    registers.rsi = arguments[1];
    registers.rdx = arguments[2];
    registers.r10 = arguments[3];
    registers.r8 = arguments[4];
    registers.r9 = arguments[5];
    registers.rsp = (place_ - 512) & ~0xfULL;
    if (::ptrace(PTRACE_SETREGS, pid_, nullptr, &registers) != 0) Give("set registers");
    for (long signal = 0;;) {
      if (::ptrace(PTRACE_CONT, pid_, nullptr, signal) != 0) Give("continue");
      int status = 0;
      if (::waitpid(pid_, &status, 0) != pid_ || !WIFSTOPPED(status)) Give("the process ended");
      if (WSTOPSIG(status) == SIGTRAP) break;
      signal = WSTOPSIG(status);  // SIGSYS: its handler is part of what is tried
    }
    if (::ptrace(PTRACE_GETREGS, pid_, nullptr, &registers) != 0) Give("registers");
    return static_cast<long>(registers.rax);
  }

 private:
  void Read(unsigned long long at, void* to, std::size_t size) {
    if (::pread(memory_, to, size, static_cast<off_t>(at)) != static_cast<ssize_t>(size)) Give("read memory");
  }
  void Write(unsigned long long at, const void* from, std::size_t size) {
    if (::pwrite(memory_, from, size, static_cast<off_t>(at)) != static_cast<ssize_t>(size)) Give("write memory");
  }

  pid_t pid_;
  int memory_ = -1;
  user_regs_struct before_{};
  std::array<unsigned char, 8> code_{};
  unsigned long long place_ = 0;
};

class Attempts {
 public:
  Attempts(pid_t pid, int interface_index) : inside_(pid) {
    Arguments arguments{};
    std::memcpy(arguments.frame, kFrame, sizeof(kFrame));
    std::strcpy(arguments.path, "/etc/passwd");
    arguments.to.sll_family = AF_PACKET;
    arguments.to.sll_protocol = 0xb588;
    arguments.to.sll_ifindex = interface_index;
    arguments.to.sll_halen = ETH_ALEN;
    arguments.part = {reinterpret_cast<void*>(inside_.At(offsetof(Arguments, frame))), sizeof(kFrame)};
    arguments.message.msg_name = reinterpret_cast<void*>(inside_.At(offsetof(Arguments, to)));
    arguments.message.msg_namelen = sizeof(arguments.to);
    arguments.message.msg_iov = reinterpret_cast<iovec*>(inside_.At(offsetof(Arguments, part)));
    arguments.message.msg_iovlen = 1;
    inside_.Put(arguments);
  }

  void Must(const char* name, long number, std::array<unsigned long long, 6> arguments) {
    const long result = inside_.Call(number, arguments);
    std::printf("%s: %s %ld\n", result < 0 ? "FAILED" : "allowed", name, result);
    bad_ = bad_ || result < 0;
  }
  void MustNot(const std::string& name, long number, std::array<unsigned long long, 6> arguments) {
    const long result = inside_.Call(number, arguments);
    std::printf("%s: %s %ld\n", result == -EPERM ? "refused" : "ESCAPED", name.c_str(), result);
    bad_ = bad_ || result != -EPERM;
  }
  void Try(const std::string& name, long number, std::array<unsigned long long, 6> arguments) {
    std::printf("tried: %s %ld\n", name.c_str(), inside_.Call(number, arguments));
  }
  unsigned long long frame() const { return inside_.At(offsetof(Arguments, frame)); }
  unsigned long long path() const { return inside_.At(offsetof(Arguments, path)); }
  unsigned long long to() const { return inside_.At(offsetof(Arguments, to)); }
  unsigned long long part() const { return inside_.At(offsetof(Arguments, part)); }
  unsigned long long message() const { return inside_.At(offsetof(Arguments, message)); }
  unsigned long long result() const { return inside_.At(offsetof(Arguments, result)); }
  bool bad() const { return bad_; }

 private:
  Inside inside_;
  bool bad_ = false;
};

void Send(Attempts& attempts, int descriptor, const std::string& target) {
  const auto fd = static_cast<unsigned long long>(descriptor);
  const std::string on = " on " + std::to_string(descriptor) + " " + target;
  constexpr unsigned long long kSize = sizeof(kFrame);
  if (descriptor != STDERR_FILENO) {
    attempts.MustNot("write" + on, SYS_write, {fd, attempts.frame(), kSize});
    attempts.MustNot("writev" + on, SYS_writev, {fd, attempts.part(), 1});
  }
  attempts.MustNot("sendto" + on, SYS_sendto,
                   {fd, attempts.frame(), kSize, MSG_DONTWAIT, attempts.to(), sizeof(sockaddr_ll)});
  // A channel to the launcher or to another inspector takes it, whatever address is given; the test looks whether
  // anything appears elsewhere.
  const std::array<unsigned long long, 6> message{fd, attempts.message(), MSG_DONTWAIT};
  if (target.starts_with("socket:")) {
    attempts.Try("sendmsg" + on, SYS_sendmsg, message);
  } else {
    attempts.MustNot("sendmsg" + on, SYS_sendmsg, message);
  }
  attempts.MustNot("sendmmsg" + on, SYS_sendmmsg, {fd, attempts.message(), 1, MSG_DONTWAIT});
  attempts.MustNot("setsockopt" + on, SYS_setsockopt, {fd, SOL_PACKET, PACKET_TX_RING, attempts.result(), 16});
  attempts.MustNot("bind" + on, SYS_bind, {fd, attempts.to(), sizeof(sockaddr_ll)});
  attempts.MustNot("connect" + on, SYS_connect, {fd, attempts.to(), sizeof(sockaddr_ll)});
  attempts.MustNot("dup" + on, SYS_dup, {fd});
  attempts.MustNot("splice" + on, SYS_splice, {fd, 0, fd, 0, kSize, 0});
}

void LookAndKill(Attempts& attempts, const std::vector<pid_t>& victims) {
  constexpr auto kHere = static_cast<unsigned long long>(AT_FDCWD);
  attempts.MustNot("newfstatat of a path", SYS_newfstatat, {kHere, attempts.path(), attempts.result(), 0});
  attempts.MustNot("newfstatat of a path, said to be empty", SYS_newfstatat,
                   {kHere, attempts.path(), attempts.result(), AT_EMPTY_PATH});
  attempts.MustNot("statx", SYS_statx, {kHere, attempts.path(), 0, STATX_ALL, attempts.result()});
  attempts.MustNot("openat", SYS_openat, {kHere, attempts.path(), O_RDONLY});
  attempts.MustNot("readlinkat", SYS_readlinkat, {kHere, attempts.path(), attempts.result(), 100});
  attempts.MustNot("socket", SYS_socket, {AF_INET, SOCK_STREAM, 0});
  attempts.MustNot("packet socket", SYS_socket, {AF_PACKET, SOCK_RAW, 0});
  attempts.MustNot("socketpair", SYS_socketpair, {AF_UNIX, SOCK_DGRAM, 0, attempts.result()});
  attempts.MustNot("execve", SYS_execve, {attempts.path(), 0, 0});
  attempts.MustNot("fork", SYS_fork, {});
  attempts.MustNot("clone", SYS_clone, {SIGCHLD, 0, 0, 0, 0});
  attempts.MustNot("clone3", SYS_clone3, {attempts.result(), 88});
  attempts.MustNot("io_uring_setup", SYS_io_uring_setup, {8, attempts.result()});
  attempts.MustNot("bpf", SYS_bpf, {0, attempts.result(), 64});
  attempts.MustNot("memfd_create", SYS_memfd_create, {attempts.path(), 0});
  attempts.MustNot("executable memory", SYS_mmap,
                   {0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, ~0ULL, 0});
  attempts.MustNot("prctl", SYS_prctl, {15 /* PR_SET_NAME */, attempts.path()});
  attempts.MustNot("handler of refusals", SYS_rt_sigaction, {SIGSYS, 0, 0, 8});
  for (const pid_t victim : victims) {
    const auto pid = static_cast<unsigned long long>(victim);
    const std::string of = " of " + std::to_string(victim);
    attempts.MustNot("kill" + of, SYS_kill, {pid, SIGKILL});
    attempts.MustNot("tkill" + of, SYS_tkill, {pid, SIGKILL});
    attempts.MustNot("tgkill" + of, SYS_tgkill, {pid, pid, SIGKILL});
    attempts.MustNot("rt_sigqueueinfo" + of, SYS_rt_sigqueueinfo, {pid, SIGKILL, attempts.result()});
    attempts.MustNot("pidfd_open" + of, SYS_pidfd_open, {pid, 0});
    attempts.MustNot("prlimit64" + of, SYS_prlimit64, {pid, 7, 0, attempts.result()});
    attempts.MustNot("process_vm_readv" + of, SYS_process_vm_readv, {pid, attempts.part(), 1, attempts.part(), 1, 0});
    attempts.MustNot("ptrace" + of, SYS_ptrace, {PTRACE_ATTACH, pid, 0, 0});
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("usage: call_inside PID INTERFACE-INDEX VICTIM...\n", stderr);
    return 2;
  }
  const pid_t pid = std::atoi(argv[1]);
  std::vector<pid_t> victims;
  for (int i = 3; i < argc; ++i) victims.push_back(std::atoi(argv[i]));
  std::vector<std::pair<int, std::string>> descriptors;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::string(argv[1]) + "/fd")) {
    descriptors.emplace_back(std::stoi(entry.path().filename().string()),
                             std::filesystem::read_symlink(entry).string());
  }
  Attempts attempts(pid, std::atoi(argv[2]));
  attempts.Must("getpid", SYS_getpid, {});
  attempts.Must("fstat", SYS_fstat, {STDERR_FILENO, attempts.result()});
  attempts.MustNot("newfstatat of nothing", SYS_newfstatat, {STDERR_FILENO, 0, attempts.result(), AT_EMPTY_PATH});
  for (const auto& [descriptor, target] : descriptors) Send(attempts, descriptor, target);
  LookAndKill(attempts, victims);
  return attempts.bad() ? 1 : 0;
}
