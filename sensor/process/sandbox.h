// The sandbox of a process that touches hostile bytes (design.md section 2): privileges dropped, then sealed with
// seccomp so that it can neither open, connect nor execute. What is forbidden returns EPERM and is counted.
//
// Called once, by the process itself, after everything lazy was warmed up (time zone, iconv, OpenSSL, libarchive) and
// before the first hostile byte. Errors name what the kernel refused.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "base/result.h"

namespace spanwatch::process {

// No core file, no ptrace by equals, no new privileges; locked memory stays locked. Any process of ours.
Status Harden();

// The launcher's part: becomes `user` (when root and `user` is not empty) and keeps CAP_NET_RAW alone, which the
// processes it starts get from it. After Harden. Fails when the process does not have that capability.
Status KeepCapturePrivilege(const std::string& user);

// Gives up root for `user` (when root and `user` is not empty) and every capability. The launcher does not call this.
Status DropPrivileges(const std::string& user);

// Installs the filter. `forbidden_calls` must outlive the process's last system call (it is bumped by the signal
// handler).
Status Seal(std::atomic<std::uint64_t>& forbidden_calls);

}  // namespace spanwatch::process
