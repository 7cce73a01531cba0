// A file in memory with the given content, for what takes descriptors.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "base/bytes.h"
#include "base/unique_fd.h"

namespace spanwatch::test {

// Read from its beginning.
inline UniqueFd MemoryFile(ByteView content) {
  UniqueFd fd(::memfd_create("test", MFD_CLOEXEC));
  EXPECT_EQ(::pwrite(fd.get(), content.data(), content.size(), 0), static_cast<ssize_t>(content.size()));
  return fd;
}
inline UniqueFd MemoryFile(std::string_view content) { return MemoryFile(AsBytes(content)); }

inline std::string ContentOf(const UniqueFd& fd) {
  char buffer[64];
  const ssize_t got = ::pread(fd.get(), buffer, sizeof(buffer), 0);
  return {buffer, static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
}

}  // namespace spanwatch::test
