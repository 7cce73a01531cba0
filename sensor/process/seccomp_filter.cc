#include "process/seccomp_filter.h"

#include <cerrno>

namespace spanwatch::process {

SeccompFilter::SeccompFilter(std::uint32_t otherwise) : filter_(seccomp_init(otherwise)), good_(filter_ != nullptr) {}

void SeccompFilter::IncludeAllThreads() {
  good_ = good_ && seccomp_attr_set(filter_.get(), SCMP_FLTATR_CTL_TSYNC, 1) == 0;
}

Status SeccompFilter::Load() {
  if (!good_) return Fail(ErrorCode::kIo, "cannot build the seccomp filter");
  if (const int error = seccomp_load(filter_.get()); error != 0) {
    errno = -error;
    return FailErrno("cannot load the seccomp filter");
  }
  return {};
}

// EDOM: this machine has no such call.
void SeccompFilter::NoteResult(int status) { good_ = good_ && (status == 0 || status == -EDOM); }

}  // namespace spanwatch::process
