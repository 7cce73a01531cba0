#include "register/enrolment.h"

#include <sys/stat.h>

namespace spanwatch::enrolment {

Result<Source> SourceOf(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return FailErrno("cannot read " + path);
  std::error_code error;
  const auto absolute = std::filesystem::absolute(path, error).lexically_normal();
  return Source{.path = error ? path : absolute.string(),
                .size = static_cast<std::uint64_t>(status.st_size),
                .modified = std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec};
}

}  // namespace spanwatch::enrolment
