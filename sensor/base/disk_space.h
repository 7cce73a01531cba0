// DiskSpace: the room that is left where a file lies. Pure but for looking.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace spanwatch {

struct DiskSpace {
  std::uint64_t free_bytes = 0;  // for whoever is not root
  std::uint64_t size_bytes = 0;
};

// Of the file system of `path`, a file or a folder that is there.
Result<DiskSpace> DiskSpaceAt(const std::string& path);

}  // namespace spanwatch
