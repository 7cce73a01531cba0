// SeccompFilter: a filter of system calls that is built rule by rule and then loaded. Used by sandbox and confinement;
// one thread.
#pragma once

#include <seccomp.h>

#include <cstdint>
#include <memory>

#include "base/result.h"

namespace spanwatch::process {

// AddressSanitizer and ThreadSanitizer make system calls of their own, to look whether memory can be read and to check
// for leaks.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

class SeccompFilter {
 public:
  // `otherwise`: what happens to a call that no rule names.
  explicit SeccompFilter(std::uint32_t otherwise);

  // What happens to a call under the given conditions. One that this machine does not have needs no rule.
  template <typename... Conditions>
  void Add(std::uint32_t action, int call, Conditions... conditions) {
    NoteResult(good_ ? seccomp_rule_add(filter_.get(), action, call, sizeof...(conditions), conditions...) : 0);
  }
  // It counts for the threads that the process has started already, too.
  void IncludeAllThreads();
  Status Load();

 private:
  struct Release {
    void operator()(void* filter) const { seccomp_release(filter); }
  };
  void NoteResult(int status);

  std::unique_ptr<void, Release> filter_;
  bool good_;  // no step has failed
};

}  // namespace spanwatch::process
