// Child: a process of the same binary in another role, started by exec so that it inherits no secret (design.md section
// 2).
//
// The child finds its ControlChannel at descriptor kControlDescriptor and everything else comes through it; no other
// descriptor is inherited but the standard three.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "process/control_channel.h"

namespace spanwatch::process {

inline constexpr int kControlDescriptor = 3;

class Child {
 public:
  // Runs `spanwatch role <role>`.
  static Result<Child> Start(const std::string& role);
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  // Kills and reaps it when it still runs.
  ~Child();

  ControlChannel& channel() { return channel_; }
  pid_t pid() const { return pid_; }

  // What became of it: nothing while it runs; the exit status; or 128 and the signal.
  std::optional<int> Poll();
  int Wait();
  void Signal(int signal) const;

 private:
  Child(pid_t pid, ControlChannel channel) : pid_(pid), channel_(std::move(channel)) {}

  pid_t pid_ = -1;
  std::optional<int> ended_;
  ControlChannel channel_;
};

}  // namespace spanwatch::process
