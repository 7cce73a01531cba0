#include "base/disk_space.h"

#include <sys/statvfs.h>

namespace spanwatch {

Result<DiskSpace> DiskSpaceAt(const std::string& path) {
  struct statvfs facts{};
  if (::statvfs(path.c_str(), &facts) != 0) return FailErrno("cannot see the room left at " + path);
  const auto bytes = [&](fsblkcnt_t blocks) { return std::uint64_t{blocks} * facts.f_frsize; };
  return DiskSpace{bytes(facts.f_bavail), bytes(facts.f_blocks)};
}

}  // namespace spanwatch
