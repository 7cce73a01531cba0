#include "process/confinement.h"

#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "process/seccomp_filter.h"

namespace spanwatch::process {
namespace {

constexpr int kNobodyNeeds[] = {
    // Other processes.
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(process_madvise),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(kcmp),
    SCMP_SYS(tkill),
    SCMP_SYS(rt_sigqueueinfo),
    SCMP_SYS(rt_tgsigqueueinfo),
    // Ways around a filter, and into the kernel.
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
    SCMP_SYS(add_key),
    // The file system as others see it, and files past their permissions.
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(move_mount),
    SCMP_SYS(open_tree),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsmount),
    SCMP_SYS(mount_setattr),
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(mknod),
    SCMP_SYS(mknodat),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(quotactl),
    SCMP_SYS(acct),
    // The host, and who one is.
    SCMP_SYS(reboot),
    SCMP_SYS(syslog),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(clock_adjtime),
    SCMP_SYS(adjtimex),
    SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname),
    SCMP_SYS(personality),
    SCMP_SYS(setuid),
    SCMP_SYS(setgid),
    SCMP_SYS(setreuid),
    SCMP_SYS(setregid),
    SCMP_SYS(setresuid),
    SCMP_SYS(setresgid),
    SCMP_SYS(setfsuid),
    SCMP_SYS(setfsgid),
    SCMP_SYS(setgroups),
};

constexpr int kSupervisorNeedsNot[] = {
    SCMP_SYS(execve),       SCMP_SYS(execveat),   SCMP_SYS(fork),
    SCMP_SYS(vfork),        SCMP_SYS(kill),       SCMP_SYS(capset),
    SCMP_SYS(memfd_create), SCMP_SYS(pidfd_open), SCMP_SYS(pidfd_send_signal),
    SCMP_SYS(request_key),  SCMP_SYS(keyctl),
};

// Everything is allowed but what is named.
class Confinement {
 public:
  // Threads that libraries have started already are confined as well.
  Confinement() { filter_.IncludeAllThreads(); }

  template <typename... Conditions>
  void Refuse(int call, Conditions... conditions) {
    RefuseWith(EPERM, call, conditions...);
  }
  template <typename... Conditions>
  void RefuseWith(int error, int call, Conditions... conditions) {
    filter_.Add(SCMP_ACT_ERRNO(static_cast<unsigned>(error)), call, conditions...);
  }
  Status Load() { return filter_.Load(); }

 private:
  SeccompFilter filter_{SCMP_ACT_ALLOW};
};

void RefuseWhatNobodyNeeds(Confinement& confinement) {
  for (const int call : kNobodyNeeds) confinement.Refuse(call);
  // Code is what was mapped from a file and cannot be written.
  constexpr scmp_datum_t kWriteAndExecute = PROT_WRITE | PROT_EXEC;
  confinement.Refuse(SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, kWriteAndExecute, kWriteAndExecute));
  confinement.Refuse(SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC),
                     SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS));
  for (const int call : {SCMP_SYS(mprotect), SCMP_SYS(pkey_mprotect)})
    confinement.Refuse(call, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
}

void RefuseSockets(Confinement& confinement) {
  for (int family = 0; family <= AF_NETLINK; ++family) {
    const bool needed = family == AF_UNIX || family == AF_INET || family == AF_INET6 || family == AF_NETLINK;
    if (!needed) confinement.Refuse(SCMP_SYS(socket), SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(family)));
  }
  confinement.Refuse(SCMP_SYS(socket), SCMP_A0(SCMP_CMP_GT, AF_NETLINK));  // AF_PACKET is one of them
}

}  // namespace

void CloseInherited() { ::close_range(STDERR_FILENO + 1, ~0U, 0); }

Status ConfineLauncher() {
  if (kSanitized) return {};  // a leak check at the end of a process forks and traces it
  Confinement confinement;
  RefuseWhatNobodyNeeds(confinement);
  return confinement.Load();
}

Status ConfineSupervisor() {
  if (kSanitized) return {};  // a leak check at the end of a process forks and traces it
  Confinement confinement;
  RefuseWhatNobodyNeeds(confinement);
  for (const int call : kSupervisorNeedsNot) confinement.Refuse(call);
  RefuseSockets(confinement);
  confinement.Refuse(SCMP_SYS(tgkill), SCMP_A0(SCMP_CMP_NE, static_cast<scmp_datum_t>(::getpid())));
  // Threads, which name resolution wants, and no processes. What clone3 is asked for cannot be seen; without it the C
  // library takes clone.
  confinement.Refuse(SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
  confinement.RefuseWith(ENOSYS, SCMP_SYS(clone3));
  return confinement.Load();
}

}  // namespace spanwatch::process
