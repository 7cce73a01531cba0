// The sandbox of a process that touches hostile bytes (design.md section 2): privileges dropped, then sealed with
// seccomp so that it can neither open, connect, execute, signal another process nor send on anything but its own
// channels. What is forbidden returns EPERM, is counted, and is logged by name.
//
// Called once, by the process itself, after everything lazy was warmed up (time zone, iconv, OpenSSL, libarchive) and
// before the first hostile byte. Errors name what the kernel refused.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace spanwatch::process {

// No core file, no ptrace by equals, no new privileges; locked memory stays locked. Any process of ours.
Status Harden();

// The launcher's part: becomes `user` (when root and `user` is not empty) and keeps CAP_NET_RAW alone, which the
// processes it starts get from it. After Harden. Fails when the process does not have that capability.
Status KeepCapturePrivilege(const std::string& user);

// Gives up root for `user` (when root and `user` is not empty) and every capability. The launcher does not call this.
Status DropPrivileges(const std::string& user);

// The descriptors that a sealed process works with, and what it may do with each. -1: it has none of that kind.
struct SealedDescriptors {
  int control = -1;          // messages to and from the parent
  int receiving = -1;        // datagrams of other inspectors
  std::vector<int> sending;  // datagrams to other inspectors
  std::vector<int> inputs;   // files, to be read
};

// The system calls that were refused. Written by a signal handler of the process it belongs to, and read by the same
// thread.
class Refusals {
 public:
  // `count` is bumped with each; it outlives the process's last system call.
  explicit Refusals(std::atomic<std::uint64_t>& count) : count_(count) {}

  // From the signal handler: lock-free, without an allocation.
  void Note(int call) noexcept;
  // Logs the name of each call that was refused for the first time since the last look. Costs one load when there is
  // none.
  void LogNew();

 private:
  static constexpr std::size_t kCallsMax = 1024;

  std::atomic<std::uint64_t>& count_;
  std::atomic<bool> untold_ = false;
  std::array<std::atomic<std::uint64_t>, kCallsMax / 64> calls_{};
  std::array<std::uint64_t, kCallsMax / 64> logged_{};
};

// Installs the filter. Standard error stays for the log. `refusals` outlives the process's last system call.
Status Seal(const SealedDescriptors& descriptors, Refusals& refusals);

}  // namespace spanwatch::process
